#include "support/wire_peer.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "support/program.hpp"

namespace stele::test {
namespace {

int connected_socket(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

/// Takes `expected` off the front of `text`, or throws.
void expect_front(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) {
    throw std::runtime_error("expected " + std::string(expected) + " before " +
                             std::string(text.substr(0, 60)));
  }
  text.remove_prefix(expected.size());
}

std::uint64_t take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto const end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// The length of the JSON object at the front of `text`.
std::size_t object_bytes(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  throw std::runtime_error("an object without an end");
}

WireEntry cut_entry(std::string_view text) {
  WireEntry entry;
  expect_front(text, "{\"seq\":");
  entry.seq = take_number(text);
  expect_front(text, ",\"timestamp\":");
  entry.timestamp = take_number(text);
  expect_front(text, ",");
  auto const origin = text.rfind(",\"origin\":");
  if (origin == text.npos) throw std::runtime_error("no origin in " + std::string(text));
  entry.body = text.substr(0, origin);
  entry.origin = text.substr(origin + 10, text.size() - origin - 11);
  return entry;
}

}  // namespace

bool can_connect(std::string const& socket_path) {
  int const fd = connected_socket(socket_path);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

WirePeer::WirePeer(std::string const& socket_path, Form form)
    : fd_(connected_socket(socket_path)), form_(form) {
  if (fd_ < 0) throw std::runtime_error("cannot connect to " + socket_path);
  timeval const timeout{patience.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

WirePeer::~WirePeer() { ::close(fd_); }

bool WirePeer::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) throw std::runtime_error("the daemon does not read");
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool WirePeer::send(std::string_view text) {
  return send_bytes(form_ == Form::binary ? frame(text) : std::string(text) + "\n");
}

void WirePeer::finish_sending() { ::shutdown(fd_, SHUT_WR); }

bool WirePeer::fill() {
  char bytes[65536];
  for (;;) {
    auto const got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got > 0) {
      unread_.append(bytes, static_cast<std::size_t>(got));
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) throw std::runtime_error("the daemon does not answer");
    return false;
  }
}

std::optional<std::string> WirePeer::receive() {
  std::size_t searched = 0;
  for (;;) {
    std::size_t skipped = 0;
    std::size_t bytes = std::string::npos;
    if (form_ == Form::line) {
      bytes = unread_.find('\n', searched);
      searched = unread_.size();
    } else if (unread_.size() >= 4) {
      skipped = 4;
      bytes = 0;
      for (std::size_t i = 0; i < 4; ++i)
        bytes = bytes << 8 | static_cast<unsigned char>(unread_[i]);
    }
    auto const ending = form_ == Form::line ? 1U : 0U;
    if (bytes != std::string::npos && unread_.size() >= skipped + bytes + ending) {
      auto message = unread_.substr(skipped, bytes);
      unread_.erase(0, skipped + bytes + ending);
      return message;
    }
    if (!fill()) return std::nullopt;
  }
}

boost::json::object WirePeer::receive_json() {
  auto const text = receive();
  if (!text) throw std::runtime_error("the daemon closed the connection instead of answering");
  return boost::json::parse(*text).as_object();
}

boost::json::object WirePeer::ask(std::string_view text) {
  send(text);
  return receive_json();
}

std::string write_of(std::string const& message) {
  return R"({"op":"write_log","entry":{"message":")" + message + "\"}}";
}

void write_some(std::string const& socket, std::vector<std::string> const& messages) {
  WirePeer peer(socket);
  for (auto const& message : messages) peer.ask(write_of(message));
}

std::string frame(std::string_view text) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(text.size() >> shift & 0xff);
  }
  return bytes.append(text);
}

std::string error_code_of(boost::json::object const& reply) {
  if (reply.at("ok").as_bool()) return {};
  return std::string(reply.at("error").at("code").as_string());
}

std::vector<WireEntry> entries_of(std::string_view reply) {
  std::vector<WireEntry> entries;
  std::string_view const start = "\"entries\":[";
  auto const at = reply.find(start);
  if (at == reply.npos) throw std::runtime_error("no entries in " + std::string(reply));
  reply.remove_prefix(at + start.size());
  while (reply.front() != ']') {
    if (reply.front() == ',') reply.remove_prefix(1);
    auto const bytes = object_bytes(reply);
    entries.push_back(cut_entry(reply.substr(0, bytes)));
    reply.remove_prefix(bytes);
  }
  return entries;
}

std::vector<WireEntry> read_entries(WirePeer& peer, std::string_view members) {
  std::string request = "{\"op\":\"read_logs\"";
  if (!members.empty()) request.append(",").append(members);
  peer.send(request + "}");
  std::vector<WireEntry> all;
  for (;;) {
    auto const text = peer.receive();
    if (!text) throw std::runtime_error("the connection closed during a read");
    auto const entries = entries_of(*text);
    all.insert(all.end(), entries.begin(), entries.end());
    if (text->find("\"more\":false", text->size() > 400 ? text->size() - 400 : 0) != text->npos) {
      return all;
    }
  }
}

}  // namespace stele::test
