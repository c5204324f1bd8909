// Where one message ends and the next begins, in both forms of a connection.
//
//   binary   | length: u32 big-endian | length bytes: one JSON object |
//   line     one JSON object, then \n
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "protocol/limits.hpp"

namespace stele::protocol {

/// How a connection delimits its messages; its first byte decides, for its whole life.
enum class FrameForm : std::uint8_t { binary, line };

std::array<unsigned char, frame_header_bytes> encode_frame_header(std::uint32_t length) noexcept;
std::uint32_t decode_frame_header(
    std::span<unsigned char const, frame_header_bytes> header) noexcept;

/// Appends one frame to `out`: construct, append the JSON text to `out`, then finish().
class FrameBuilder {
 public:
  FrameBuilder(std::string& out, FrameForm form);
  FrameBuilder(FrameBuilder const&) = delete;
  FrameBuilder& operator=(FrameBuilder const&) = delete;

  /// Bytes of JSON that follow elsewhere: slices that a gather write puts between the two parts
  /// of this frame's text in `out`. They count in the length.
  void add_external_bytes(std::size_t bytes) noexcept { external_bytes_ += bytes; }

  /// Patches the length, or appends the line end.
  void finish();

 private:
  std::string& out_;
  FrameForm form_;
  std::size_t start_;
  std::size_t external_bytes_ = 0;
};

}  // namespace stele::protocol
