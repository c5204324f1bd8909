// Bytes in from files, bytes out to standard output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "stele/error.hpp"

namespace stele::cli {

/// A file, or standard input for `-`. Failures carry the system's error code.
class InputFile {
 public:
  static Result<InputFile> open(std::string const& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  /// From now on, each time that nothing has come for half a second, `idle` is called, and false
  /// ends the wait: read_some() returns nothing.
  void on_idle(std::function<bool()> idle) { idle_ = std::move(idle); }

  /// 0: the end. A signal that is handled ends the wait: nothing.
  Result<std::optional<std::size_t>> read_some(std::span<char> buffer);

  /// The path, or `standard input`.
  std::string const& name() const noexcept { return name_; }
  /// Not standard input: a file, a pipe or a device.
  bool is_named() const noexcept;
  /// A regular file that has a name: it can be read again.
  bool is_named_file() const noexcept;
  /// Bytes; known for regular files.
  std::optional<std::uint64_t> size() const noexcept;
  /// When it was last written; known for regular files.
  std::optional<std::uint64_t> modified_us() const noexcept;

 private:
  InputFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  bool wait() const;

  int fd_ = -1;
  std::string name_;
  std::function<bool()> idle_{};
};

/// Standard output behind a large buffer. A reader that went away is no failure: ok() turns false
/// and there is nothing left to do.
class Output {
 public:
  Output() = default;
  Output(Output const&) = delete;
  Output& operator=(Output const&) = delete;

  /// Append here, then call flush_if_large().
  std::string& text() noexcept { return text_; }
  void flush_if_large();
  void flush();

  bool ok() const noexcept { return error_ == 0; }
  /// After all is written: 0, or 1 with a sentence on standard error.
  int finish();

 private:
  std::string text_{};
  int error_ = 0;
};

bool is_terminal(int fd) noexcept;

}  // namespace stele::cli
