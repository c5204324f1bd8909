#include "client-lib/cli/log_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "client-lib/hello_reply.hpp"

namespace stele::cli {
namespace {

Failure not_understood(std::string_view op) {
  return {ClientError::protocol_violation,
          "the daemon's reply to " + std::string{op} + " cannot be read"};
}

// 0 if it is no such number: what the daemon counts is never above 2^63.
std::uint64_t number_of(boost::json::value const& value) {
  boost::system::error_code ec;
  auto const number = value.to_number<std::uint64_t>(ec);
  return ec.failed() ? 0 : number;
}

Result<EntryCount> parse_count(std::string_view text) {
  auto const parsed = protocol::parse_reply_value(text);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return not_understood("count_logs");
  auto const& reply = parsed->get_object();
  auto const* total = reply.if_contains("count");
  if (total == nullptr) return not_understood("count_logs");
  EntryCount count{.count = number_of(*total)};
  auto const* buckets = reply.if_contains("buckets");
  if (buckets == nullptr || !buckets->is_array()) return count;
  for (auto const& bucket : buckets->get_array()) {
    if (!bucket.is_array() || bucket.get_array().size() != 2) return not_understood("count_logs");
    auto const& pair = bucket.get_array();
    count.buckets.emplace_back(number_of(pair[0]), number_of(pair[1]));
  }
  return count;
}

}  // namespace

Result<LogReader> LogReader::connect(ClientOptions const& options) {
  auto const path = options.socket_path.empty() ? default_socket_path() : options.socket_path;
  auto stream = client::UnixStream::connect(path, options.connect_timeout);
  if (!stream) return stream.error();
  LogReader reader{std::move(*stream), options.request_timeout};
  reader.connection_.state.hello(options.name);
  auto const answer = reader.receive();
  if (!answer) return answer.error();
  auto const hello = client::parse_hello(answer->text);
  if (!hello) return hello.error();
  reader.store_id_ = hello->server.store_id;
  return reader;
}

void LogReader::begin(protocol::ReadLogs const& read) {
  follows_ = read.follow;
  connection_.state.read_logs(read);
}

Result<protocol::Reply> LogReader::next() {
  auto answer = receive();
  if (!answer) return answer.error();
  return std::move(answer->reply);
}

Result<EntryCount> LogReader::count(protocol::CountLogs const& count) {
  follows_ = false;
  connection_.state.count_logs(count);
  auto const answer = receive();
  if (!answer) return answer.error();
  return parse_count(answer->text);
}

Result<client::ClientState::Answer> LogReader::receive() {
  bool const for_ever = follows_ || request_timeout_.count() <= 0;
  for (;;) {
    if (auto answer = connection_.state.next()) {
      if (!answer->reply.ok) return std::move(answer->reply.failure);
      return std::move(*answer);
    }
    auto const moved = connection_.move_bytes(for_ever ? Deadline{} : Deadline{request_timeout_});
    if (!moved) connection_.state.close(moved.error());
  }
}

}  // namespace stele::cli
