// Redis streams over RESP2: an entry is one XADD of one field, which holds the JSON text that stele
// would be sent; a batch is that many XADDs in one write of the socket (not atomic).
#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "bench/peer.hpp"
#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"

namespace stele::bench {
namespace {

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (auto const word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n";
    text += word;
    text += "\r\n";
  }
  return text;
}

/// Walks over RESP values without keeping them, and says where a whole reply ends.
class RespScanner {
 public:
  /// Consumes bytes until a reply is whole; returns its elements (1 if it is no array), or
  /// nothing when `bytes` is used up.
  std::optional<std::size_t> scan(std::string_view& bytes) {
    while (!bytes.empty()) {
      if (skip_bytes_ > 0) {
        auto const skipped = std::min(skip_bytes_, bytes.size());
        bytes.remove_prefix(skipped);
        skip_bytes_ -= skipped;
        if (skip_bytes_ > 0) return {};
        if (end_value()) return elements_;
        continue;
      }
      auto const line_end = bytes.find('\n');
      auto const line_bytes = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
      line_ += bytes.substr(0, line_bytes);
      bytes.remove_prefix(line_bytes);
      if (line_end == std::string_view::npos) return {};
      auto const whole = take_line();
      line_.clear();
      if (whole) return elements_;
    }
    return {};
  }

 private:
  bool take_line() {
    if (line_[0] == '-') throw Stop("redis: " + line_);
    long number = 0;
    std::from_chars(line_.data() + 1, line_.data() + line_.size(), number);
    auto const count = static_cast<std::size_t>(std::max(number, 0L));
    if (open_values_ == 0) {
      open_values_ = 1;
      elements_ = line_[0] == '*' ? count : 1;
    }
    if (line_[0] == '*') open_values_ += count;
    if (line_[0] == '$' && number >= 0) {
      skip_bytes_ = count + 2;
      return false;
    }
    return end_value();
  }

  bool end_value() { return --open_values_ == 0; }

  std::size_t open_values_ = 0;  ///< Values of the current reply that have not ended.
  std::size_t elements_ = 0;
  std::size_t skip_bytes_ = 0;  ///< Rest of a bulk string and its \r\n.
  std::string line_{};          ///< A header line, perhaps in part.
};

class RedisReplyReader final : public ReplyReader {
 public:
  explicit RedisReplyReader(Operation const& operation) : operation_(operation) {}

  std::span<char> prepare() override { return buffer_; }
  void commit(std::size_t bytes) override { unread_ = {buffer_.data(), bytes}; }

  std::optional<std::size_t> next() override {
    while (auto const elements = scanner_.scan(unread_)) {
      if (operation_.kind == Operation::Kind::read) return *elements;
      if (++replies_ == operation_.batch) {
        replies_ = 0;
        return operation_.batch;
      }
    }
    return {};
  }

 private:
  Operation operation_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
  std::string_view unread_{};
  RespScanner scanner_{};
  std::size_t replies_ = 0;  ///< Of the batch that is being answered.
};

/// The whole reply, as it came.
std::string ask(int socket, std::string const& request) {
  send_all(socket, request);
  RespScanner scanner;
  std::string reply;
  std::vector<char> buffer(65'536);
  for (;;) {
    std::string_view received(buffer.data(), receive_some(socket, buffer));
    reply += received;
    if (scanner.scan(received)) return reply;
  }
}

/// The milliseconds of the first entry id in a reply such as `*1 *2 $15 1700000000000-0 …`.
std::uint64_t first_id_ms(std::string const& reply) {
  auto const id = reply.find("\r\n", reply.find('$')) + 2;
  std::uint64_t milliseconds = 0;
  std::from_chars(reply.data() + std::min(id, reply.size()), reply.data() + reply.size(),
                  milliseconds);
  if (milliseconds == 0) throw Stop("redis: the stream is empty");
  return milliseconds;
}

class RedisPeer final : public Peer {
 public:
  RedisPeer(std::string const& socket_path, Operation const& operation)
      : operation_(operation),
        timeline_(operation.out_of_order_share, operation.seed),
        random_(operation.seed) {
    auto const socket = connect_unix(socket_path);
    auto const policy = ask(socket.get(), command({"CONFIG", "GET", "appendfsync"}));
    syncs_ = policy.find("always") != std::string::npos;
    if (operation.kind == Operation::Kind::write) {
      render_writes();
    } else {
      find_range(socket.get());
    }
  }

  void append_operation(std::string& out) override {
    if (operation_.kind == Operation::Kind::write) {
      templates_.append_next(out, timeline_);
      return;
    }
    auto const start = std::to_string(oldest_ms_ + random_.below(start_ms_count_));
    out += command({"XRANGE", "log", start, "+", "COUNT", std::to_string(operation_.batch)});
  }

  std::unique_ptr<ReplyReader> make_reader() const override {
    return std::make_unique<RedisReplyReader>(operation_);
  }
  std::string backend() const override {
    return syncs_ ? "AOF, appendfsync always" : "AOF, not synced at each write";
  }
  bool syncs() const override { return syncs_; }

 private:
  void render_writes() {
    auto const template_count = std::max<std::size_t>(4, 256 / operation_.batch);
    for (std::size_t i = 0; i < template_count; ++i) {
      std::string request;
      for (std::size_t j = 0; j < operation_.batch; ++j) {
        auto const text = make_entry_text(operation_.entry_bytes, i * operation_.batch + j);
        request += command({"XADD", "log", "*", "entry", text});
      }
      templates_.add(std::move(request));
    }
  }

  /// Reads begin in the first half, so that `batch` entries follow.
  void find_range(int socket) {
    oldest_ms_ = first_id_ms(ask(socket, command({"XRANGE", "log", "-", "+", "COUNT", "1"})));
    auto const newest_ms =
        first_id_ms(ask(socket, command({"XREVRANGE", "log", "+", "-", "COUNT", "1"})));
    start_ms_count_ = (newest_ms - oldest_ms_) / 2 + 1;
  }

  Operation operation_;
  Timeline timeline_;
  Random random_;
  RequestTemplates templates_{};
  bool syncs_ = false;
  std::uint64_t oldest_ms_ = 0;
  std::uint64_t start_ms_count_ = 0;
};

}  // namespace

std::unique_ptr<Peer> make_redis_peer(std::string const& socket, Operation const& operation) {
  return std::make_unique<RedisPeer>(socket, operation);
}

}  // namespace stele::bench
