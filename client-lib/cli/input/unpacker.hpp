// Takes away what gzip, Zstandard, xz, bzip2 or lz4 packed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stele/error.hpp"

namespace stele::cli {

/// The next bytes, valid until the next call. Empty: the end. Nothing: a signal came.
using NextBytes = Result<std::optional<std::string_view>>;

/// Whether these first bytes are those of a packed text.
bool is_packed(std::string_view first_bytes) noexcept;
/// Whether a file with these first bytes, and no more so far, may be packed: none of them is a line
/// end, so that no whole line waits.
bool may_become_packed(std::string_view first_bytes) noexcept;
/// Whether a file that has no more bytes than these is what is left of a packed one.
bool is_start_of_packed(std::string_view bytes) noexcept;

/// The text of packed parts that stand one behind the other, as `cat a.gz b.gz` makes them. The
/// checksum and the length of each are checked, and behind the last may be zeros alone.
class Unpacker {
 public:
  /// `name`: of the file, for errors. What `next` returns begins with a packed part.
  Unpacker(std::string name, std::function<NextBytes()> next);
  ~Unpacker();
  Unpacker(Unpacker const&) = delete;
  Unpacker& operator=(Unpacker const&) = delete;

  /// Fails if a part is damaged or cut off, or if something else comes behind the last.
  NextBytes read();

 private:
  class Part;
  class GzipPart;
  class ArchivePart;

  /// Packed bytes that no part has taken yet. Empty: the end.
  NextBytes next_packed();
  Result<void> begin_part();
  NextBytes check_end();

  std::string name_;
  std::function<NextBytes()> next_;
  std::string ahead_{};  ///< Packed bytes behind the last part.
  std::string handed_out_{};
  std::string text_{};
  std::unique_ptr<Part> part_{};
  bool has_ended_ = false;
};

}  // namespace stele::cli
