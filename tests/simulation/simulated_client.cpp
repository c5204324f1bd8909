#include "simulation/simulated_client.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <tuple>
#include <utility>

namespace stele::test {
namespace {

constexpr std::size_t asked_max = 6;

std::string frame(std::string_view text, bool is_line) {
  if (is_line) return std::string(text) + '\n';
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(text.size() >> static_cast<unsigned>(shift) & 0xff);
  }
  return bytes.append(text);
}

std::uint64_t number(boost::json::object const& object, char const* name) {
  return object.at(name).to_number<std::uint64_t>();
}

std::string code_of(boost::json::object const& reply) {
  return std::string(reply.at("error").at("code").as_string());
}

}  // namespace

void SimulatedClient::connect(SimulatedService& service) {
  service_ = &service;
  session_ = service.connect();
  connection_ = ledger_.add_connection();
  is_line_ = dice_.one_in(2);
}

void SimulatedClient::disconnect() {
  session_.reset();
  service_ = nullptr;
  outbox_.clear();
  inbox_.clear();
  asked_.clear();
  finishing_ = false;
}

void SimulatedClient::ask() {
  if (finishing_ || asked_.size() >= asked_max) return;
  auto const choice = dice_.below(13);
  if (choice < 9) return ask_write();
  if (choice < 11) return ask_read(choice == 9);
  if (choice == 12) return ask_confirm();
  ask_ping();
}

void SimulatedClient::ask_write() {
  auto const count = dice_.one_in(2) ? 1 : 1 + dice_.below(4);
  std::vector<SentEntry> entries;
  std::string texts;
  for (std::uint64_t i = 0; i < count; ++i) {
    SentEntry entry;
    entry.message = std::to_string(number_) + '.' + std::to_string(next_message_++) + ':' +
                    std::string(dice_.below(dice_.one_in(8) ? 3000 : 100), 'x');
    if (!dice_.one_in(3)) entry.timestamp = 1'000'000 + dice_.below(50);
    if (!texts.empty()) texts += ',';
    texts += R"({"message":")" + entry.message + '"';
    if (entry.timestamp) texts += R"(,"timestamp":)" + std::to_string(*entry.timestamp);
    texts += '}';
    entries.push_back(std::move(entry));
  }
  Asked asked{.kind = Asked::Kind::write, .id = next_id_};
  asked.group = ledger_.sent(connection_, std::move(entries));
  asked_.push_back(std::move(asked));
  auto const head = R"(,"id":)" + std::to_string(next_id_++);
  bool const single = count == 1 && dice_.one_in(2);
  send(single ? R"({"op":"write_log")" + head + R"(,"entry":)" + texts + '}'
              : R"({"op":"write_many_logs")" + head + R"(,"entries":[)" + texts + "]}");
}

void SimulatedClient::ask_read(bool all) {
  Asked asked{.kind = all ? Asked::Kind::read_all : Asked::Kind::read, .id = next_id_};
  asked.acknowledged = ledger_.newest_acknowledged();
  asked.falling = dice_.one_in(2);
  std::string text = R"({"op":"read_logs","id":)" + std::to_string(next_id_++);
  if (asked.falling) text += R"(,"order":"desc")";
  if (!all) {
    text += R"(,"start_ts":)" + std::to_string(1'000'000 + dice_.below(50)) + R"(,"limit":)" +
            std::to_string(dice_.below(20));
  }
  asked_.push_back(std::move(asked));
  send(text + '}');
}

void SimulatedClient::ask_ping() {
  asked_.push_back({.kind = Asked::Kind::ping, .id = next_id_});
  send(R"({"op":"ping","id":)" + std::to_string(next_id_++) + '}');
}

/// Of what was acknowledged to anybody: the log has come so far, whatever is left of it.
void SimulatedClient::ask_confirm() {
  asked_.push_back({.kind = Asked::Kind::confirm, .id = next_id_});
  auto const seq = dice_.below(ledger_.newest_acknowledged() + 1);
  send(R"({"op":"confirm","consumer":"archive","seq":)" + std::to_string(seq) + R"(,"id":)" +
       std::to_string(next_id_++) + '}');
}

void SimulatedClient::send(std::string_view text) { outbox_ += frame(text, is_line_); }

void SimulatedClient::push() {
  auto const bytes = std::min<std::size_t>(outbox_.size(), 1 + dice_.below(4000));
  outbox_.erase(0, session_->receive(std::string_view(outbox_).substr(0, bytes)));
  if (finishing_ && outbox_.empty()) session_->end_input();
}

void SimulatedClient::pull() {
  inbox_ += session_->send(1 + dice_.below(4000));
  while (take_reply()) {
  }
}

void SimulatedClient::take_turn() { session_->take_turn(); }

void SimulatedClient::finish() {
  if (std::exchange(finishing_, true)) return;
  if (outbox_.empty()) session_->end_input();
}

void SimulatedClient::drain() { session_->drain(); }

bool SimulatedClient::move_all() {
  auto const before = std::tuple(outbox_.size(), inbox_.size(), asked_.size());
  push();
  take_turn();
  pull();
  return before != std::tuple(outbox_.size(), inbox_.size(), asked_.size());
}

ShownEntries SimulatedClient::read_all() {
  ask_read(true);
  for (int round = 0; !is_quiet(); ++round) {
    BOOST_TEST_REQUIRE(round < 100'000, "a read does not end");
    move_all();
  }
  return last_read_;
}

bool SimulatedClient::take_reply() {
  std::string text;
  if (is_line_) {
    auto const end = inbox_.find('\n');
    if (end == std::string::npos) return false;
    text = inbox_.substr(0, end);
    inbox_.erase(0, end + 1);
  } else {
    if (inbox_.size() < 4) return false;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      bytes = bytes << 8 | static_cast<unsigned char>(inbox_[i]);
    }
    if (inbox_.size() < 4 + bytes) return false;
    text = inbox_.substr(4, bytes);
    inbox_.erase(0, 4 + bytes);
  }
  on_reply(boost::json::parse(text).as_object());
  return true;
}

void SimulatedClient::on_reply(boost::json::object const& reply) {
  BOOST_TEST_REQUIRE(!asked_.empty());
  auto& asked = asked_.front();
  BOOST_TEST_REQUIRE(number(reply, "id") == asked.id, "replies come in the order of requests");
  if (asked.kind == Asked::Kind::write) {
    on_write_reply(asked, reply);
  } else if (asked.kind == Asked::Kind::confirm) {
    BOOST_TEST(reply.at("ok").as_bool() == service_->has_consumers(), "a confirmation");
  } else if (asked.kind != Asked::Kind::ping && on_read_reply(asked, reply)) {
    return;  // More follows.
  }
  asked_.pop_front();
}

void SimulatedClient::on_write_reply(Asked const& asked, boost::json::object const& reply) {
  if (reply.at("ok").as_bool()) {
    bool const single = reply.contains("seq");
    auto const first = number(reply, single ? "seq" : "first_seq");
    return ledger_.acknowledged(asked.group, first, single ? first : number(reply, "last_seq"));
  }
  auto const code = code_of(reply);
  BOOST_TEST((code == "no_space" || code == "log_failed" || code == "shutting_down"), code);
  if (reply.at("state") == "not_written") ledger_.refused(asked.group);
}

bool SimulatedClient::on_read_reply(Asked& asked, boost::json::object const& reply) {
  if (!reply.at("ok").as_bool()) {
    BOOST_TEST(code_of(reply) == "cursor_expired");
    return false;
  }
  for (auto const& value : reply.at("entries").as_array()) {
    auto const& entry = value.as_object();
    auto const seq = number(entry, "seq");
    auto const timestamp = number(entry, "timestamp");
    asked.keys.emplace_back(timestamp, seq);
    asked.shown.emplace(seq, ShownEntry{timestamp, std::string(entry.at("message").as_string())});
  }
  if (reply.at("more").as_bool()) return true;
  if (asked.falling) std::ranges::reverse(asked.keys);
  BOOST_TEST((std::ranges::adjacent_find(asked.keys, std::greater_equal<>()) == asked.keys.end()),
             "a read is ordered by timestamp and seq");
  ledger_.shown(asked.shown, asked.kind == Asked::Kind::read_all, asked.acknowledged,
                service_->removed_seq());
  last_read_ = std::move(asked.shown);
  return false;
}

}  // namespace stele::test
