// Turns the bytes of one connection into messages. Sans-io: the owner reads the socket.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/frame/frame.hpp"
#include "protocol/frame/spare_memory.hpp"
#include "stele/error.hpp"

namespace stele::protocol {

/// Usage: in a loop, read into prepare(), commit() what came, then next() until it needs more.
/// At the end of the stream, finish(), then next() once more.
///
///   buffer_   | consumed | unread: frames, the last perhaps in part | free |
///                        ^read_                                     ^end_
///
/// The consumed part is dropped when prepare() needs room. The buffer grows with the bytes that
/// arrived, never with the length that a frame announces, and no larger than a frame that is
/// larger than it.
class FrameReader {
 public:
  /// What a buffer may keep of its size after a large frame: for a connection that may be idle.
  static constexpr std::size_t kept_bytes_default = std::size_t{256} << 10;

  /// Large buffers come from `spares`, if there is such, and go there; it outlives the reader.
  explicit FrameReader(std::size_t frame_bytes_max, std::size_t kept_bytes_max = kept_bytes_default,
                       SpareBuffers* spares = nullptr);

  /// Room for at least `bytes_min` more bytes. Views handed out by next() end here.
  std::span<char> prepare(std::size_t bytes_min);
  void commit(std::size_t bytes) noexcept;

  /// No more bytes will come: a last line without its \n counts as a line; a part of a binary
  /// frame is an error.
  void finish() noexcept { finished_ = true; }

  enum class Status {
    message,
    need_more,
    blank,  ///< Blank lines, which were skipped; there may be more, and behind them messages.
    failed,
    end
  };
  struct Next {
    Status status = Status::need_more;
    std::string_view message{};  ///< One JSON text, or a bare word in the line form.
    Failure failure{};           ///< With Status::failed: bad_frame or frame_too_large.
  };
  /// The next message. `failed` is final: the bytes after it have no meaning, and `end` follows.
  /// Blank lines are skipped, some at a time; a \r before \n is dropped.
  Next next();

  /// Known from the first byte on.
  std::optional<FrameForm> form() const noexcept { return form_; }
  /// Bytes received and not yet handed out.
  std::size_t unread_bytes() const noexcept { return end_ - read_; }
  /// Of the frame that begins with the unread bytes, with its length; 0 while that is not known.
  std::size_t front_bytes() const noexcept;
  std::size_t frame_bytes_max() const noexcept { return frame_bytes_max_; }
  /// Whether the client owes the rest of what is unread. Of a line next() must have found that out.
  bool front_is_partial() const noexcept;

  /// What the buffer takes.
  std::size_t capacity() const noexcept { return buffer_.get_deleter().capacity; }
  /// Gives the buffer back, with what is unread, or still used of what next() gave.
  void release() noexcept;

 private:
  void move_to_buffer_of(std::size_t capacity);
  void move_to(SpareBuffers::Buffer buffer) noexcept;
  void drop_consumed() noexcept;
  Next next_binary();
  Next next_line();
  Next fail(Error code, std::string message, std::string detail);

  std::size_t frame_bytes_max_;
  std::size_t kept_bytes_max_;
  SpareBuffers* spares_;
  SpareBuffers::Buffer buffer_{};  ///< Not initialised: the socket fills it.
  std::size_t read_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  ///< Line form: bytes after read_ known to hold no \n.
  std::optional<FrameForm> form_{};
  bool finished_ = false;
  bool failed_ = false;
};

}  // namespace stele::protocol
