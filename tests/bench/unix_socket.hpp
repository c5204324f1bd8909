// Blocking and non-blocking Unix stream sockets for the measuring programs.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace stele::bench {

/// A measurement that cannot go on ends the program with this text.
using Stop = std::runtime_error;
/// Throws Stop with the text of errno.
[[noreturn]] void stop_with_errno(std::string const& what);

class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) noexcept : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();
  int get() const noexcept { return number_; }

 private:
  int number_;
};

FileDescriptor connect_unix(std::string const& path);
FileDescriptor listen_unix(std::string const& path);
FileDescriptor accept_unix(int listener);

void send_all(int socket, std::string_view bytes);
/// At least one byte; throws at the end of the stream.
std::size_t receive_some(int socket, std::span<char> into);

}  // namespace stele::bench
