// Whatever bytes arrive, in whatever pieces: the reader hands out the same messages as it does for
// the bytes in one piece, and none is longer than the limit.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "protocol/frame/frame_reader.hpp"

using namespace stele::protocol;

namespace {

constexpr std::size_t frame_bytes_max = 100;

std::vector<std::string> messages_of(std::string_view bytes, std::size_t piece_bytes) {
  FrameReader reader(frame_bytes_max);
  std::vector<std::string> messages;
  auto const drain = [&] {
    for (auto next = reader.next(); next.status == FrameReader::Status::message;
         next = reader.next()) {
      if (next.message.empty() || next.message.size() > frame_bytes_max) std::abort();
      messages.emplace_back(next.message);
    }
  };
  while (!bytes.empty()) {
    auto const piece = bytes.substr(0, piece_bytes);
    std::copy(piece.begin(), piece.end(), reader.prepare(piece.size()).begin());
    reader.commit(piece.size());
    bytes.remove_prefix(piece.size());
    drain();
  }
  reader.finish();
  drain();
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  auto const whole = messages_of(bytes, size);
  if (messages_of(bytes, 1) != whole || messages_of(bytes, 7) != whole) std::abort();
  return 0;
}
