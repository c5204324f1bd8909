#include "bench/stele_replies.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "bench/unix_socket.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "protocol/reply/reply.hpp"

namespace stele::bench {
namespace {

/// One receive takes at most this much, always to the same place: it stays in the cache.
constexpr std::size_t reply_buffer_bytes = std::size_t{256} << 10;

class WriteReplyReader final : public ReplyReader {
 public:
  explicit WriteReplyReader(std::size_t batch) : batch_(batch) {}

  std::span<char> prepare() override { return frames_.prepare(4096); }
  void commit(std::size_t bytes) override { frames_.commit(bytes); }

  std::optional<std::size_t> next() override {
    auto const next = frames_.next();
    if (next.status == protocol::FrameReader::Status::need_more) return {};
    if (next.status == protocol::FrameReader::Status::failed) throw Stop(next.failure.message);
    reply_ = next.message;
    if (!reply_.starts_with(reply_start)) throw Stop(std::string(reply_));
    return batch_;
  }

  /// The last number of `…"seq":7}` and of `…"first_seq":8,"last_seq":9}`.
  std::uint64_t last_seq() const override {
    auto const digits = reply_.rfind(':') + 1;
    std::uint64_t seq = 0;
    std::from_chars(reply_.data() + digits, reply_.data() + reply_.size(), seq);
    return seq;
  }

 private:
  std::size_t batch_;
  protocol::FrameReader frames_{protocol::frame_bytes_ceiling};
  std::string_view reply_{};
};

/// Splits a stream into frames of which it keeps the beginning and the end, or all.
///
///   | length | head … skipped … tail | length | head …
class FrameSkipper {
 public:
  /// From the next frame on.
  void keep_whole(bool keep) noexcept { keeps_whole_ = keep; }

  /// Consumes bytes until a frame is complete; false: all were used up.
  bool skip(std::string_view& bytes) {
    if (is_complete_) start_frame();
    while (!bytes.empty()) {
      if (header_bytes_ < header_.size()) {
        take_header(bytes);
        continue;
      }
      auto const part = bytes.substr(0, left_);
      bytes.remove_prefix(part.size());
      left_ -= part.size();
      keep(part);
      if (left_ == 0) return is_complete_ = true;
    }
    return false;
  }

  /// Of the complete frame. The whole of it, if it is kept.
  std::string_view head() const noexcept { return head_; }
  std::string_view tail() const noexcept { return keeps_whole_ ? head_ : tail_; }

 private:
  static constexpr std::size_t end_bytes = 64;

  void start_frame() {
    is_complete_ = false;
    header_bytes_ = 0;
    head_.clear();
    tail_.clear();
  }

  void take_header(std::string_view& bytes) {
    header_[header_bytes_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (header_bytes_ == header_.size()) left_ = protocol::decode_frame_header(header_);
  }

  void keep(std::string_view part) {
    if (keeps_whole_) {
      head_ += part;
      return;
    }
    if (head_.size() < end_bytes) head_ += part.substr(0, end_bytes - head_.size());
    tail_ += part.substr(part.size() - std::min(part.size(), end_bytes));
    if (tail_.size() > end_bytes) tail_.erase(0, tail_.size() - end_bytes);
  }

  bool keeps_whole_ = false;
  bool is_complete_ = false;
  std::array<unsigned char, protocol::frame_header_bytes> header_{};
  std::size_t header_bytes_ = 0;
  std::size_t left_ = 0;  ///< Bytes of the frame that have not arrived.
  std::string head_{};
  std::string tail_{};
};

class ReadReplyReader final : public ReplyReader {
 public:
  explicit ReadReplyReader(Operation const& operation) : operation_(operation) {
    frames_.keep_whole(true);
  }

  std::span<char> prepare() override { return buffer_; }
  void commit(std::size_t bytes) override { unread_ = {buffer_.data(), bytes}; }

  std::optional<std::size_t> next() override {
    while (frames_.skip(unread_)) {
      if (!frames_.head().starts_with(reply_start)) throw Stop(std::string(frames_.head()));
      bool const is_parsed = operation_.parse || !is_checked_;
      if (is_parsed ? parse_frame() : frames_.tail().ends_with(more_follows)) continue;
      if (is_parsed) check_count();
      return operation_.batch;
    }
    return {};
  }

 private:
  /// Returns whether more frames of this reply follow.
  bool parse_frame() {
    auto const reply = protocol::parse_reply(frames_.head());
    if (!reply) throw Stop(reply.error().message);
    entries_ += reply->entries.size();
    return reply->more;
  }

  void check_count() {
    auto const entries = std::exchange(entries_, 0);
    if (entries != operation_.batch) {
      throw Stop("a read of " + std::to_string(operation_.batch) + " entries returned " +
                 std::to_string(entries));
    }
    is_checked_ = true;
    frames_.keep_whole(operation_.parse);
  }

  Operation operation_;
  std::vector<char> buffer_ = std::vector<char>(reply_buffer_bytes);
  std::string_view unread_{};
  FrameSkipper frames_{};
  std::size_t entries_ = 0;  ///< Parsed ones of the reply that is arriving.
  bool is_checked_ = false;
};

}  // namespace

std::unique_ptr<ReplyReader> make_write_reply_reader(std::size_t batch) {
  return std::make_unique<WriteReplyReader>(batch);
}

std::unique_ptr<ReplyReader> make_read_reply_reader(Operation const& operation) {
  return std::make_unique<ReadReplyReader>(operation);
}

}  // namespace stele::bench
