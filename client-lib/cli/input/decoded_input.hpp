// Text of files that may be compressed, or written in UTF-16.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/cli/input/unpacker.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/text/utf16.hpp"
#include "stele/error.hpp"

namespace stele::cli {

/// Takes away what a text file may be packed in: gzip, Zstandard, xz, bzip2 or lz4; UTF-16; a byte
/// order mark. Other bytes come as they are.
class DecodedInput {
 public:
  explicit DecodedInput(InputFile& file);
  DecodedInput(DecodedInput const&) = delete;
  DecodedInput& operator=(DecodedInput const&) = delete;

  /// The next bytes, valid until the next call. Empty: the end. Nothing: a signal came.
  /// Fails if the file cannot be read, is damaged, or is binary.
  NextBytes read();

  /// How many characters of UTF-16 were cut off, or half of a pair: U+FFFD is in their place.
  std::uint64_t replaced() const noexcept { return utf16_ ? utf16_->replaced() : 0; }

 private:
  NextBytes read_raw();
  NextBytes read_unpacked();
  /// Reads enough to see what the file is.
  Result<void> begin();
  /// Of the first bytes that are not packed any more.
  Result<void> judge(std::string_view first_bytes);
  NextBytes decode();

  InputFile& file_;
  std::string raw_;
  std::string start_{};   ///< Read to see what the file is, and not handed out yet.
  std::string peeked_{};  ///< The same of what was unpacked.
  std::string text_{};    ///< Decoded from UTF-16.
  std::unique_ptr<Unpacker> unpacker_{};
  std::optional<Utf16Decoder> utf16_{};
  bool begun_ = false;
  bool judged_ = false;
  bool ended_ = false;
};

}  // namespace stele::cli
