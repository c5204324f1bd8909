#include "support/scripted_daemon.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/wire_peer.hpp"

namespace stele::test {
namespace {

constexpr int read_frames = 3;

std::string entry_text(int seq) {
  return R"({"seq":)" + std::to_string(seq) +
         R"(,"timestamp":5,"level":"info","message":"m","metadata":{},"version":1,)"
         R"("origin":{"pid":1,"uid":0,"gid":0}})";
}

std::string ok_text(std::uint64_t id, std::string const& members) {
  return frame(R"({"id":)" + std::to_string(id) + R"(,"ok":true)" + members + '}');
}

std::string refusal_text(std::uint64_t id, std::string const& code) {
  return frame(R"({"id":)" + std::to_string(id) + R"(,"ok":false,"error":{"code":")" + code +
               R"(","message":"m","retryable":false,"detail":{}},"state":"not_written"})");
}

std::string read_answer(std::uint64_t id, bool follow) {
  std::string text;
  for (int i = 1; i <= read_frames; ++i) {
    bool const more = i < read_frames;
    auto members = R"(,"entries":[)" + entry_text(2 * i - 1) + ',' + entry_text(2 * i) +
                   R"(],"more":)" + (more ? "true" : "false");
    if (!more) members += R"(,"cursor":null)";
    if (follow) members += R"(,"seq":)" + std::to_string(2 * i);
    text += ok_text(id, members);
  }
  return text;
}

std::string answer_to(std::string const& op, std::uint64_t id, std::uint64_t seq, bool follow) {
  auto const number = std::to_string(seq);
  if (op == "hello") return ok_text(id, R"(,"protocol":1,"store_id":"s","limits":{})");
  if (op == "write_log") return ok_text(id, R"(,"seq":)" + number);
  if (op == "write_many_logs") {
    return ok_text(id, R"(,"first_seq":)" + number + R"(,"last_seq":)" + number);
  }
  if (op == "read_logs") return read_answer(id, follow);
  if (op == "count_logs") return ok_text(id, R"(,"count":7)");
  if (op == "stats") return ok_text(id, R"(,"limits":{},"state":"ok")");
  if (op == "audit") return ok_text(id, R"(,"complete":true,"gaps":[])");
  if (op == "report_dropped") return ok_text(id, R"(,"before_seq":1)");
  if (op == "cancel") return ok_text(id, R"(,"cancelled":false)");
  return ok_text(id, "");
}

void send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// The next whole message of `unread`, or nothing.
bool take_message(std::string& unread, std::string& message) {
  if (unread.size() < 4) return false;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i)
    length = length << 8U | static_cast<unsigned char>(unread[static_cast<std::size_t>(i)]);
  if (unread.size() < 4 + length) return false;
  message = unread.substr(4, length);
  unread.erase(0, 4 + length);
  return true;
}

}  // namespace

ScriptedDaemon::ScriptedDaemon() {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const path = socket();
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::bind(listener_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen at " + path);
  }
  thread_ = std::thread([this] { run(); });
}

ScriptedDaemon::~ScriptedDaemon() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void ScriptedDaemon::set_cut(Cut cut) {
  std::lock_guard const lock{mutex_};
  cut_ = cut;
}

std::uint64_t ScriptedDaemon::seq_of(std::string const& message) {
  std::lock_guard const lock{mutex_};
  auto const found = seqs_.find(message);
  return found == seqs_.end() ? 0 : found->second;
}

void ScriptedDaemon::refuse_writes(std::string code) {
  std::lock_guard const lock{mutex_};
  refusal_ = std::move(code);
}

std::uint64_t ScriptedDaemon::requests() {
  std::lock_guard const lock{mutex_};
  return requests_;
}

std::size_t ScriptedDaemon::answer_bytes(std::string const& op) {
  bool const follow = op == "follow";
  return answer_to(follow ? "read_logs" : op, 2, 1000, follow).size();
}

void ScriptedDaemon::run() {
  for (;;) {
    int const descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    serve(descriptor);
    ::close(descriptor);
  }
}

void ScriptedDaemon::serve(int descriptor) {
  Cut cut;
  {
    std::lock_guard const lock{mutex_};
    cut = cut_;
  }
  std::string unread;
  std::string held_back;
  std::array<char, 4096> buffer;
  for (int requests = 0;;) {
    std::string message;
    if (!take_message(unread, message)) {
      auto const received = ::recv(descriptor, buffer.data(), buffer.size(), 0);
      if (received <= 0) return;
      unread.append(buffer.data(), static_cast<std::size_t>(received));
      continue;
    }
    auto bytes = held_back + answer(boost::json::parse(message).as_object());
    held_back.clear();
    if (requests == 0 && !cut.greets) bytes.clear();
    if (++requests == 2 && cut.bytes < bytes.size()) {
      held_back = bytes.substr(cut.bytes);
      bytes.resize(cut.bytes);
    }
    send_all(descriptor, bytes);
    if (!held_back.empty() && cut.rest == Rest::end) return;
  }
}

std::string ScriptedDaemon::answer(boost::json::object const& request) {
  std::string const op(request.at("op").as_string());
  auto const id = request.at("id").to_number<std::uint64_t>();
  std::lock_guard const lock{mutex_};
  ++requests_;
  if (op.starts_with("write_") && !refusal_.empty()) return refusal_text(id, refusal_);
  auto const seq = next_seq_++;
  if (op == "write_log") seqs_[std::string(request.at("entry").at("message").as_string())] = seq;
  return answer_to(op, id, seq, request.contains("follow"));
}

}  // namespace stele::test
