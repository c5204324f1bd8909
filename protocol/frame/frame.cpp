#include "protocol/frame/frame.hpp"

#include <boost/endian/conversion.hpp>

namespace stele::protocol {

std::array<unsigned char, frame_header_bytes> encode_frame_header(std::uint32_t length) noexcept {
  std::array<unsigned char, frame_header_bytes> header;
  boost::endian::store_big_u32(header.data(), length);
  return header;
}

std::uint32_t decode_frame_header(
    std::span<unsigned char const, frame_header_bytes> header) noexcept {
  return boost::endian::load_big_u32(header.data());
}

FrameBuilder::FrameBuilder(std::string& out, FrameForm form)
    : out_(out), form_(form), start_(out.size()) {
  if (form_ == FrameForm::binary) out_.append(frame_header_bytes, '\0');
}

void FrameBuilder::finish() {
  if (form_ == FrameForm::line) {
    out_ += '\n';
    return;
  }
  auto const length = out_.size() - start_ - frame_header_bytes + external_bytes_;
  auto const header = encode_frame_header(static_cast<std::uint32_t>(length));
  for (std::size_t i = 0; i < header.size(); ++i) {
    out_[start_ + i] = static_cast<char>(header[i]);
  }
}

}  // namespace stele::protocol
