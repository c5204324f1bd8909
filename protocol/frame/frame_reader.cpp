#include "protocol/frame/frame_reader.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "protocol/text/error_text.hpp"

namespace stele::protocol {
namespace {

/// Lines that one call skips.
constexpr std::size_t blank_lines_max = 64;
/// A longer line is no blank one, whatever is in it.
constexpr std::size_t blank_bytes_max = 4096;

/// From here on the daemon has malloc take memory from the system.
constexpr std::size_t heap_bytes_max = SpareBuffers::buffer_bytes_min;

bool is_blank(std::string_view line) noexcept {
  return line.size() <= blank_bytes_max &&
         line.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// The line without the carriage return that some terminals and tools put before \n.
std::string_view drop_carriage_return(std::string_view line) noexcept {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

FrameReader::FrameReader(std::size_t frame_bytes_max, std::size_t kept_bytes_max,
                         SpareBuffers* spares)
    : frame_bytes_max_(std::min(frame_bytes_max, frame_bytes_ceiling)),
      kept_bytes_max_(kept_bytes_max),
      spares_(spares) {}

std::span<char> FrameReader::prepare(std::size_t bytes_min) {
  auto const needed = unread_bytes() + bytes_min;
  if (capacity() > kept_bytes_max_ && needed <= kept_bytes_max_) {
    move_to_buffer_of(kept_bytes_max_);
  } else if (capacity() < needed) {
    // What is not touched is not there: once much has come of a large frame, it has its place.
    auto const front = front_bytes();
    bool const is_large = front > kept_bytes_max_;
    auto const grown = is_large && needed > kept_bytes_max_ ? front : 2 * capacity();
    move_to_buffer_of(std::max(needed, is_large ? std::min(grown, front) : grown));
  } else if (unread_bytes() == 0 || capacity() - end_ < bytes_min) {
    drop_consumed();
  }
  return {buffer_.get() + end_, capacity() - end_};
}

/// By realloc(), which moves a large buffer by its pages: megabytes are not copied each time that a
/// frame outgrows it. But one that becomes large leaves the heap, where others would lie above it;
/// and one that was large may be wanted for other large frames.
void FrameReader::move_to_buffer_of(std::size_t wanted) {
  drop_consumed();
  bool const was_large = capacity() >= heap_bytes_max;
  bool const is_large = wanted >= heap_bytes_max;
  if (is_large && spares_ != nullptr) {
    if (auto spare = spares_->take(wanted)) return move_to(std::move(spare));
  }
  if (was_large != is_large) {
    SpareBuffers::Buffer fresh(static_cast<char*>(std::malloc(wanted)), {spares_, wanted});
    if (fresh == nullptr) throw std::bad_alloc();
    return move_to(std::move(fresh));
  }
  auto* const moved = std::realloc(buffer_.get(), wanted);
  if (moved == nullptr) throw std::bad_alloc();
  static_cast<void>(buffer_.release());
  buffer_ = {static_cast<char*>(moved), {spares_, wanted}};
}

void FrameReader::move_to(SpareBuffers::Buffer buffer) noexcept {
  std::copy(buffer_.get(), buffer_.get() + end_, buffer.get());
  buffer_ = std::move(buffer);
}

void FrameReader::drop_consumed() noexcept {
  if (read_ == 0) return;
  std::copy(buffer_.get() + read_, buffer_.get() + end_, buffer_.get());
  end_ = unread_bytes();
  read_ = 0;
}

void FrameReader::release() noexcept {
  buffer_ = SpareBuffers::Buffer();  // Not null alone: the capacity goes, too.
  read_ = end_ = searched_ = 0;
}

std::size_t FrameReader::front_bytes() const noexcept {
  if (form_ != FrameForm::binary || unread_bytes() < frame_header_bytes) return 0;
  auto const* header = reinterpret_cast<unsigned char const*>(buffer_.get() + read_);
  std::size_t const length = decode_frame_header(
      std::span<unsigned char const, frame_header_bytes>(header, frame_header_bytes));
  return length == 0 || length > frame_bytes_max_ ? 0 : frame_header_bytes + length;
}

bool FrameReader::front_is_partial() const noexcept {
  auto const unread = unread_bytes();
  if (unread == 0) return false;
  if (form_ == FrameForm::line) return searched_ == unread;
  return unread < frame_header_bytes || front_bytes() > unread;
}

void FrameReader::commit(std::size_t bytes) noexcept {
  if (!form_ && bytes > 0) {
    auto const first = static_cast<unsigned char>(buffer_[read_]);
    form_ = first <= binary_first_byte_max ? FrameForm::binary : FrameForm::line;
  }
  end_ += bytes;
}

FrameReader::Next FrameReader::next() {
  if (failed_) return {Status::end, {}, {}};
  if (!form_) return {finished_ ? Status::end : Status::need_more, {}, {}};
  return *form_ == FrameForm::binary ? next_binary() : next_line();
}

FrameReader::Next FrameReader::next_binary() {
  auto const unread = unread_bytes();
  if (unread == 0) return {finished_ ? Status::end : Status::need_more, {}, {}};
  if (unread < frame_header_bytes) {
    if (!finished_) return {Status::need_more, {}, {}};
    return fail(Error::bad_frame,
                "the connection ended inside a frame's length, after " + std::to_string(unread) +
                    " of 4 bytes",
                Detail().number("got_bytes", unread).text());
  }
  auto const* header = reinterpret_cast<unsigned char const*>(buffer_.get() + read_);
  std::size_t const length = decode_frame_header(
      std::span<unsigned char const, frame_header_bytes>(header, frame_header_bytes));
  if (length == 0) {
    return fail(Error::bad_frame, "a frame's length is 0; it must be at least 1",
                Detail().number("frame_bytes", 0).text());
  }
  if (length > frame_bytes_max_) {
    return fail(
        Error::frame_too_large,
        "a frame announces " + std::to_string(length) + " bytes; the limit is " +
            std::to_string(frame_bytes_max_),
        Detail().number("frame_bytes_max", frame_bytes_max_).number("frame_bytes", length).text());
  }
  if (unread - frame_header_bytes < length) {
    if (!finished_) return {Status::need_more, {}, {}};
    auto const got = unread - frame_header_bytes;
    return fail(Error::bad_frame,
                "the connection ended inside a frame, after " + std::to_string(got) + " of " +
                    std::to_string(length) + " bytes",
                Detail().number("got_bytes", got).number("frame_bytes", length).text());
  }
  std::string_view const message(buffer_.get() + read_ + frame_header_bytes, length);
  read_ += frame_header_bytes + length;
  return {Status::message, message, {}};
}

FrameReader::Next FrameReader::next_line() {
  for (std::size_t skipped = 0; skipped < blank_lines_max; ++skipped) {
    std::string_view const unread(buffer_.get() + read_, unread_bytes());
    auto const line_end = unread.find('\n', searched_);
    bool const has_end = line_end != std::string_view::npos;
    auto const line = drop_carriage_return(has_end ? unread.substr(0, line_end) : unread);
    if (line.size() > frame_bytes_max_) {
      return fail(Error::frame_too_large,
                  "a line is above the limit of " + std::to_string(frame_bytes_max_) + " bytes",
                  Detail().number("frame_bytes_max", frame_bytes_max_).text());
    }
    if (!has_end && !finished_) {
      searched_ = unread.size();
      return {Status::need_more, {}, {}};
    }
    searched_ = 0;
    read_ += has_end ? line_end + 1 : unread.size();
    if (!is_blank(line)) return {Status::message, line, {}};
    if (!has_end) return {Status::end, {}, {}};
  }
  return {Status::blank, {}, {}};
}

FrameReader::Next FrameReader::fail(Error code, std::string message, std::string detail) {
  failed_ = true;
  return {Status::failed, {}, Failure(code, std::move(message), std::move(detail))};
}

}  // namespace stele::protocol
