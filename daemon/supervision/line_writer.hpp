// Whole lines to a stream whose reader may be slow, or stopped: written at once, or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stele::daemon {

/// Never waits, whatever the stream is: a terminal, a pipe, a socket, a file. It leaves the flags
/// of the descriptor alone, since other processes may share them.
class LineWriter {
 public:
  /// `descriptor` stays open as long as the writer is used. If nothing is open there, nothing is
  /// ever written there.
  explicit LineWriter(int descriptor);
  LineWriter(LineWriter const&) = delete;
  LineWriter& operator=(LineWriter const&) = delete;
  ~LineWriter();

  /// Whether the line is written, or its beginning is: what the stream did not take then goes
  /// before the next line. A line that has no room is counted and forgotten.
  bool write(std::string_view line);
  /// Writes what is left of a line that has begun; true if nothing is.
  bool flush();
  /// Lines that had no room.
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  enum class Way : std::uint8_t {
    none,    ///< There is no stream.
    plain,   ///< A file does not make anybody wait for a reader.
    twin,    ///< Opened once more, without waiting.
    socket,  ///< Each call says that it does not wait.
    polled,  ///< Asked first; no more than what a pipe with room takes whole.
  };
  std::size_t write_some(std::string_view bytes) const noexcept;

  int descriptor_;
  Way way_;
  std::string rest_{};
  std::uint64_t dropped_ = 0;
};

}  // namespace stele::daemon
