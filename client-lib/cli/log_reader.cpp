#include "client-lib/cli/log_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

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

std::string store_id_of(std::string_view text) {
  auto const parsed = protocol::parse_reply_value(text);
  if (!parsed || !parsed->is_object()) return {};
  auto const* id = parsed->get_object().if_contains("store_id");
  if (id == nullptr || !id->is_string()) return {};
  return {id->get_string().data(), id->get_string().size()};
}

}  // namespace

Result<LogReader> LogReader::connect(ClientOptions const& options) {
  auto const path = options.socket_path.empty() ? default_socket_path() : options.socket_path;
  auto stream = client::UnixStream::connect(path, options.connect_timeout);
  if (!stream) return stream.error();
  LogReader reader{std::move(*stream)};
  reader.request_timeout_ = options.request_timeout;
  reader.state_.hello(options.name);
  auto const answer = reader.receive(false);
  if (!answer) return answer.error();
  reader.store_id_ = store_id_of(answer->text);
  return reader;
}

void LogReader::begin(protocol::ReadLogs const& read) {
  follows_ = read.follow;
  state_.read_logs(read);
}

Result<protocol::Reply> LogReader::next() {
  auto answer = receive(follows_);
  if (!answer) return answer.error();
  return std::move(answer->reply);
}

Result<EntryCount> LogReader::count(protocol::CountLogs const& count) {
  state_.count_logs(count);
  auto const answer = receive(false);
  if (!answer) return answer.error();
  return parse_count(answer->text);
}

Result<client::ClientState::Answer> LogReader::receive(bool for_ever) {
  for (;;) {
    if (auto answer = state_.next()) {
      if (!answer->reply.ok) return std::move(answer->reply.failure);
      return std::move(*answer);
    }
    auto moved = move_bytes(for_ever);
    if (!moved) state_.close(moved.error());
  }
}

Result<void> LogReader::move_bytes(bool for_ever) {
  if (state_.unsent().empty()) {
    auto const received = receive_now();
    if (!received) return received.error();
    if (*received) return {};
  } else {
    auto const sent = stream_.send_some(state_.unsent());
    if (!sent) return sent.error();
    state_.sent(*sent);
  }
  auto const deadline = for_ever ? client::Deadline{} : client::deadline_after(request_timeout_);
  return stream_.wait(!state_.unsent().empty(), deadline);
}

// Whether bytes had arrived.
Result<bool> LogReader::receive_now() {
  auto const received = stream_.receive_some(state_.receive_buffer());
  if (!received) return received.error();
  if (!received->has_value()) return false;
  if (**received == 0) {
    return Failure{ClientError::connection_lost, "the daemon closed the connection"};
  }
  state_.received(**received);
  return true;
}

}  // namespace stele::cli
