// The binary protocol of stele.
#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <vector>

#include "bench/peer.hpp"
#include "bench/stele_replies.hpp"
#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"

namespace stele::bench {
namespace {

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
    if (message.ends_with(more_follows)) return true;
    auto const reply = protocol::parse_reply(message);
    if (!reply) throw Stop(reply.error().message);
    if (!reply->entries.empty()) timestamp = reply->entries.back().timestamp;
    return false;
  });
  return timestamp;
}

class StelePeer final : public Peer {
 public:
  StelePeer(std::string const& socket, Operation const& operation, bool is_floor)
      : operation_(operation),
        timeline_(operation.out_of_order_share, operation.seed),
        random_(operation.seed) {
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
    if (operation_.kind == Operation::Kind::read) return make_read_reply_reader(operation_);
    return make_write_reply_reader(operation_.batch);
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
      std::string entries;
      for (std::size_t j = 0; j < operation_.batch; ++j) {
        if (j > 0) entries += ',';
        entries += make_entry_text(operation_.entry_bytes, i * operation_.batch + j);
      }
      std::string request;
      append_frame(request, [&](std::string& out) {
        out += operation_.batch == 1
                   ? R"({"op":"write_log","id":1,"entry":)" + entries
                   : R"({"op":"write_many_logs","id":1,"entries":[)" + entries + ']';
        out += '}';
      });
      templates_.add(std::move(request));
    }
  }

  Operation operation_;
  Timeline timeline_;
  Random random_;
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
