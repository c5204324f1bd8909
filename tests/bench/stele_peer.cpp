// The binary protocol of stele.
#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "bench/peer.hpp"
#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"
#include "protocol/frame.hpp"
#include "protocol/frame_reader.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

namespace stele::bench {
namespace {

/// Replies come in the order of the requests, so that one id serves all.
constexpr std::uint64_t request_id = 1;
/// A read of the socket takes at most about this much.
constexpr std::size_t receive_bytes = std::size_t{256} << 10;

template <class AppendText>
void append_frame(std::string& out, AppendText append_text) {
  protocol::FrameBuilder frame(out, protocol::FrameForm::binary);
  append_text(out);
  frame.finish();
}

std::string_view message_of(protocol::FrameReader::Next const& next) {
  if (next.status == protocol::FrameReader::Status::failed) throw Stop(next.failure.message);
  return next.message;
}

class SteleReplyReader final : public ReplyReader {
 public:
  explicit SteleReplyReader(Operation const& operation) : operation_(operation) {}

  std::span<char> prepare() override {
    return frames_.prepare(operation_.kind == Operation::Kind::read ? receive_bytes : 4096);
  }
  void commit(std::size_t bytes) override { frames_.commit(bytes); }

  std::optional<std::size_t> next() override {
    for (;;) {
      auto const next = frames_.next();
      if (next.status == protocol::FrameReader::Status::need_more) return {};
      auto const message = message_of(next);
      if (!message.starts_with(R"({"id":1,"ok":true)")) throw Stop(std::string(message));
      if (operation_.kind == Operation::Kind::write) return operation_.batch;
      if (take_entries(message)) return std::exchange(entries_, 0);
    }
  }

 private:
  /// Returns whether this was the last frame of the reply.
  bool take_entries(std::string_view message) {
    // The first reply of each connection is parsed in any case, to know that reads are whole.
    if (!operation_.parse && is_checked_) {
      if (message.ends_with(R"("more":true})")) return false;
      entries_ = operation_.batch;
      return true;
    }
    auto const reply = protocol::parse_reply(message);
    if (!reply) throw Stop(reply.error().message);
    entries_ += reply->entries.size();
    if (reply->more) return false;
    is_checked_ = true;
    if (entries_ != operation_.batch) {
      throw Stop("a read of " + std::to_string(operation_.batch) + " entries returned " +
                 std::to_string(entries_));
    }
    return true;
  }

  Operation operation_;
  protocol::FrameReader frames_{protocol::frame_bytes_ceiling};
  std::size_t entries_ = 0;  ///< Of the reply that is arriving.
  bool is_checked_ = false;
};

/// Sends one request and hands each frame of its reply to `take`, until that returns false.
template <class Take>
void ask(std::string const& socket_path, std::string const& request, Take take) {
  auto const socket = connect_unix(socket_path);
  send_all(socket.get(), request);
  protocol::FrameReader frames(protocol::frame_bytes_ceiling);
  for (;;) {
    auto const next = frames.next();
    if (next.status == protocol::FrameReader::Status::need_more) {
      frames.commit(receive_some(socket.get(), frames.prepare(receive_bytes)));
    } else if (!take(message_of(next))) {
      return;
    }
  }
}

boost::json::value ask_stats(std::string const& socket_path) {
  std::string request;
  append_frame(request, [](std::string& out) { protocol::append_stats(out, request_id); });
  boost::json::value stats;
  ask(socket_path, request, [&](std::string_view message) {
    auto parsed = protocol::parse_reply_value(message);
    if (!parsed) throw Stop(parsed.error().message);
    stats = *std::move(parsed);
    return false;
  });
  return stats;
}

/// The timestamp that only `count - 1` entries come after.
std::uint64_t ask_last_start(std::string const& socket_path, std::size_t count) {
  protocol::ReadLogs read;
  read.order = protocol::Order::desc;
  read.limit = count;
  std::string request;
  append_frame(request, [&](std::string& out) { append_read_logs(out, request_id, read); });
  std::uint64_t timestamp = 0;
  ask(socket_path, request, [&](std::string_view message) {
    auto const reply = protocol::parse_reply(message);
    if (!reply) throw Stop(reply.error().message);
    if (!reply->entries.empty()) timestamp = reply->entries.back().timestamp;
    return reply->more;
  });
  return timestamp;
}

class StelePeer final : public Peer {
 public:
  StelePeer(std::string const& socket, Operation const& operation, bool is_floor)
      : operation_(operation), timeline_(operation.out_of_order_share) {
    if (is_floor) {
      backend_ = "one direct dsync write";
    } else {
      learn(socket);
    }
    if (operation.kind == Operation::Kind::write) render_writes();
  }

  void append_operation(std::string& out) override {
    if (operation_.kind == Operation::Kind::write) {
      templates_.append_next(out, timeline_);
      return;
    }
    protocol::ReadLogs read;
    read.start_ts = oldest_ts_ + random_.below(last_start_ts_ - oldest_ts_ + 1);
    read.limit = operation_.batch;
    append_frame(out, [&](std::string& text) { append_read_logs(text, request_id, read); });
  }

  std::unique_ptr<ReplyReader> make_reader() const override {
    return std::make_unique<SteleReplyReader>(operation_);
  }
  std::string backend() const override { return backend_; }

 private:
  void learn(std::string const& socket) {
    auto const stats = ask_stats(socket);
    backend_ = stats.at("wal").at("backend").as_string();
    if (operation_.kind == Operation::Kind::write) return;
    auto const& store = stats.at("store");
    if (store.at("entries").to_number<std::uint64_t>() < operation_.batch) {
      throw Stop("the log holds fewer entries than one read asks for");
    }
    oldest_ts_ = store.at("oldest_ts").to_number<std::uint64_t>();
    last_start_ts_ = ask_last_start(socket, operation_.batch);
  }

  void render_writes() {
    auto const template_count = std::max<std::size_t>(4, 256 / operation_.batch);
    for (std::size_t i = 0; i < template_count; ++i) {
      std::vector<LogEntry> entries;
      for (std::size_t j = 0; j < operation_.batch; ++j) {
        entries.push_back(make_entry(operation_.entry_bytes, i * operation_.batch + j));
      }
      std::string request;
      append_frame(request, [&](std::string& out) {
        if (operation_.batch == 1) {
          protocol::append_write_log(out, request_id, entries.front());
        } else {
          protocol::append_write_many_logs(out, request_id, entries);
        }
      });
      templates_.add(std::move(request));
    }
  }

  Operation operation_;
  Timeline timeline_;
  Random random_{};
  RequestTemplates templates_{};
  std::string backend_{};
  std::uint64_t oldest_ts_ = 0;
  std::uint64_t last_start_ts_ = 0;  ///< A read from here still finds `batch` entries.
};

}  // namespace

std::unique_ptr<Peer> make_stele_peer(std::string const& socket, Operation const& operation,
                                      bool is_floor) {
  return std::make_unique<StelePeer>(socket, operation, is_floor);
}

}  // namespace stele::bench
