// Text of files that may be compressed, or written in UTF-16.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/utf16.hpp"
#include "stele/error.hpp"

namespace stele::cli {

/// Why a file with these first bytes is no text: the rest of a sentence that begins with its name,
/// and what to do. Nothing if it may be one. NUL bytes alone make no binary file: a crash leaves
/// them in logs.
struct NoText {
  std::string_view what;
  std::string_view hint{};
};
std::optional<NoText> recognise_binary(std::string_view first_bytes) noexcept;

/// Takes away what a text file may be packed in: gzip, Zstandard, xz, bzip2 or lz4; UTF-16; a byte
/// order mark. Other bytes come as they are.
class DecodedInput {
 public:
  explicit DecodedInput(InputFile& file);
  DecodedInput(DecodedInput const&) = delete;
  DecodedInput& operator=(DecodedInput const&) = delete;
  ~DecodedInput();

  /// The next bytes, valid until the next call. Empty: the end. Nothing: a signal came.
  /// Fails if the file cannot be read, is damaged, or is binary.
  Result<std::optional<std::string_view>> read();
  /// Whether offsets in the text are none in the file.
  bool is_packed() const noexcept { return archive_ != nullptr; }

 private:
  struct Archive;
  using Bytes = Result<std::optional<std::string_view>>;

  Bytes read_raw();
  Bytes read_unpacked();
  /// Reads enough to see what the file is.
  Result<void> begin();
  /// Of the first bytes that are not packed any more.
  Result<void> judge(std::string_view first_bytes);
  Bytes decode();

  InputFile& file_;
  std::string raw_;
  std::string peeked_{};  ///< Read to see what the file is, and not handed out yet.
  std::string unpacked_{};
  std::string text_{};  ///< Decoded from UTF-16.
  std::unique_ptr<Archive> archive_{};
  std::optional<Utf16Decoder> utf16_{};
  bool begun_ = false;
  bool judged_ = false;
  bool ended_ = false;
};

}  // namespace stele::cli
