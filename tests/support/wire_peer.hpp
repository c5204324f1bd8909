// A client without the client library: the bytes of the protocol, as written in PROTOCOL.md, with
// none of stele's own code between the test and the socket.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::test {

/// Whether someone accepts connections at this path.
bool can_connect(std::string const& socket_path);

/// One connection. Every call throws if the daemon takes longer than `patience`.
class WirePeer {
 public:
  enum class Form { binary, line };
  explicit WirePeer(std::string const& socket_path, Form form = Form::binary);
  WirePeer(WirePeer const&) = delete;
  WirePeer& operator=(WirePeer const&) = delete;
  ~WirePeer();

  /// Sends bytes as they are. False if the daemon has closed the connection.
  bool send_bytes(std::string_view bytes);
  /// Sends one message: with its length before it, or a line end after it.
  bool send(std::string_view text);
  /// No more requests: shuts down the sending half.
  void finish_sending();

  /// The next message, or nothing if the daemon closed the connection before it was whole.
  std::optional<std::string> receive();
  /// The next message as JSON; throws if there is none.
  boost::json::object receive_json();
  /// Sends one request and returns its reply.
  boost::json::object ask(std::string_view text);

  int fd() const noexcept { return fd_; }

 private:
  bool fill();

  int fd_ = -1;
  Form form_;
  std::string unread_{};
};

/// A write_log of this message, which needs no escapes.
std::string write_of(std::string const& message);
/// Writes these messages, one after the other, over a connection of its own.
void write_some(std::string const& socket, std::vector<std::string> const& messages);

/// The message with its length before it.
std::string frame(std::string_view text);

/// The code of a failure reply, or "" for a success.
std::string error_code_of(boost::json::object const& reply);

/// An entry as it stands in a reply, cut out of its text without parsing the JSON in it.
struct WireEntry {
  std::uint64_t seq = 0;
  std::uint64_t timestamp = 0;
  std::string body{};    ///< `"level":…,"message":…,"metadata":…,"version":1`
  std::string origin{};  ///< `{"pid":…,"uid":…,"gid":…}`
};
/// Throws if the text of an entry is not the canonical form.
std::vector<WireEntry> entries_of(std::string_view reply);

/// All entries that a read_logs with these members answers; `members` such as `"limit":5`.
/// Throws on an error reply.
std::vector<WireEntry> read_entries(WirePeer& peer, std::string_view members = {});

}  // namespace stele::test
