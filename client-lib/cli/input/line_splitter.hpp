// Cuts a stream of bytes into lines with bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// A line ends at \n, which is not part of it; every other byte is, also a \r before the \n. A last
/// line may lack its \n; nothing after a last \n is no line.
///
/// Usage: feed() a chunk, then next() until it returns nothing; at the end of the stream finish().
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  struct Line {
    std::string_view text{};  ///< Valid until the next call. Empty if the line is too long.
    std::uint64_t bytes = 0;
    bool too_long = false;
  };

  /// `chunk` must stay alive until next() has returned nothing.
  void feed(std::string_view chunk) noexcept { chunk_ = chunk; }
  std::optional<Line> next();
  /// The last line, if the stream did not end with \n.
  std::optional<Line> finish();

 private:
  Line complete();

  std::size_t line_bytes_max_;
  std::string_view chunk_{};
  std::string started_{};            ///< The start of a line that goes on in the next chunk.
  std::uint64_t started_bytes_ = 0;  ///< Its length, also when it is too long to be kept.
  bool handed_out_ = false;          ///< started_ belongs to a line that was returned.
};

}  // namespace stele::cli
