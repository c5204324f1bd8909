// Numbered writes: sent again after every kind of end, and in the log once.
// STELE_ONCE_ROUNDS and STELE_SEED choose how often and which; the seed is printed.
#include <atomic>
#include <boost/json/serialize.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/kill_oracle.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using namespace stele::test;

namespace {

constexpr std::size_t writer_count = 4;

std::string writer_name(std::size_t number) {
  auto const digits = std::to_string(number);
  return std::string(31 - digits.size(), '0') + digits + "a";
}

std::string hello(std::size_t number) {
  return R"({"op":"hello","writer":")" + writer_name(number) + "\"}";
}

std::string write(std::uint64_t write_no, std::string const& message = "m") {
  return R"({"op":"write_log","write_no":)" + std::to_string(write_no) +
         R"(,"entry":{"message":")" + message + "\"}}";
}

std::uint64_t number_after(std::string_view reply, std::string_view member) {
  auto const at = reply.find(member);
  return at == reply.npos ? 0 : std::stoull(std::string(reply.substr(at + member.size())));
}

/// Sends random numbered writes over as many connections as it takes, until it is told to stop and
/// all of them are acknowledged.
class NumberedWriter {
 public:
  NumberedWriter(std::string socket, std::size_t number, std::uint64_t seed)
      : socket_(std::move(socket)), number_(number), random_(seed) {}

  void run(std::atomic<bool> const& stop) {
    while (!stop || acked_ < conversation_.size()) {
      try {
        WirePeer peer(socket_);
        converse(peer, stop);
      } catch (std::exception const&) {
        // No daemon, or it ended before its answer.
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }

  Conversation conversation() const { return conversation_; }
  std::size_t acked() const noexcept { return acked_; }
  std::size_t dups() const noexcept { return dups_; }
  std::vector<std::string> const& complaints() const noexcept { return complaints_; }

 private:
  void converse(WirePeer& peer, std::atomic<bool> const& stop) {
    auto const greeting = peer.ask(hello(number_));
    auto const* const last = greeting.if_contains("last_write_no");
    auto const known = last == nullptr ? 0 : last->to_number<std::uint64_t>();
    if (known < acked_) complain("hello forgot an acknowledged write");
    if (known > conversation_.size()) complain("hello invented a write");
    // Whether what is on disk already is sent again is the client's choice: both are right.
    if (random_() % 2 == 0 && known > acked_) acked_ = known;
    std::size_t sent = acked_;
    for (;;) {
      auto const under_way = 1 + random_() % 8;
      while (sent - acked_ < under_way && (sent < conversation_.size() || !stop)) {
        if (sent == conversation_.size()) add_write();
        if (!peer.send(requests_[sent++])) return;
      }
      if (sent == acked_) return;
      auto const reply = peer.receive();
      if (!reply) return;
      take(*reply, known);
    }
  }

  void add_write() {
    auto random = random_write(random_, "w" + std::to_string(number_), conversation_.size());
    conversation_.push_back(std::move(random.intent));
    auto const members = random.text.find(',');
    requests_.push_back(random.text.substr(0, members) + ",\"write_no\":" +
                        std::to_string(conversation_.size()) + random.text.substr(members));
  }

  void take(std::string const& reply, std::uint64_t known) {
    if (reply.find("\"ok\":true") == reply.npos) return complain("refused: " + reply);
    bool const is_dup = reply.find("\"dup\":true") != reply.npos;
    if (!is_dup && acked_ < known) complain("written again: " + reply);
    dups_ += is_dup ? 1 : 0;
    auto& intent = conversation_[acked_];
    intent.first_seq = number_after(reply, "\"first_seq\":") + number_after(reply, "\"seq\":");
    intent.last_seq = number_after(reply, "\"last_seq\":") + number_after(reply, "\"seq\":");
    acked_ = acked_ + 1;
  }

  void complain(std::string sentence) { complaints_.push_back(std::move(sentence)); }

  std::string socket_;
  std::size_t number_;
  std::mt19937_64 random_;
  Conversation conversation_{};
  std::vector<std::string> requests_{};
  std::atomic<std::size_t> acked_ = 0;  ///< Also those that hello said are on disk.
  std::size_t dups_ = 0;
  std::vector<std::string> complaints_{};
};

using Writers = std::vector<std::unique_ptr<NumberedWriter>>;

std::size_t acked_by(Writers const& writers) {
  std::size_t acked = 0;
  for (auto const& writer : writers) acked += writer->acked();
  return acked;
}

/// Lets writers write while the daemon is killed again and again, until all is acknowledged.
Writers write_through_kills(Steled& daemon, std::uint64_t rounds, std::mt19937_64& random) {
  Writers writers;
  std::vector<std::thread> threads;
  std::atomic<bool> stop = false;
  for (std::size_t i = 1; i <= writer_count; ++i) {
    writers.push_back(std::make_unique<NumberedWriter>(daemon.socket(), i, random()));
    threads.emplace_back([&stop, writer = writers.back().get()] { writer->run(stop); });
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    auto const wanted = acked_by(writers) + random() % 200;
    auto const deadline = std::chrono::steady_clock::now() + patience;
    while (acked_by(writers) < wanted && std::chrono::steady_clock::now() < deadline) {
      daemon.process().wait_for(std::chrono::microseconds(200));
    }
    daemon.process().wait_for(std::chrono::microseconds(random() % 2000));
    daemon.kill_hard();
    daemon.start();
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  return writers;
}

std::vector<WireEntry> read_all(Steled const& daemon) {
  WirePeer peer(daemon.socket());
  return read_entries(peer);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(exactly_once_test)

BOOST_DATA_TEST_CASE(writes_sent_again_after_kill_9_are_in_the_log_once_and_in_order, backends(),
                     backend) {
  auto const rounds = number_from_environment("STELE_ONCE_ROUNDS", is_sanitized() ? 5 : 25);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  BOOST_TEST_MESSAGE("STELE_SEED=" << seed);
  std::mt19937_64 random(seed);
  Steled daemon(backend, {"--retain-bytes", "0"});
  daemon.start();
  auto const writers = write_through_kills(daemon, rounds, random);

  KillOracle oracle;
  std::size_t dups = 0;
  for (auto const& writer : writers) {
    for (auto const& sentence : writer->complaints()) BOOST_ERROR(sentence);
    dups += writer->dups();
    oracle.add(writer->conversation());
  }
  auto const stored = read_all(daemon);
  for (auto const& sentence : oracle.judge(stored)) BOOST_ERROR(sentence);
  BOOST_TEST(stored.size() == oracle.intended());
  std::cout << "exactly_once_test " << backend << ": " << rounds << " kills, " << stored.size()
            << " entries, each once; " << dups
            << " writes were answered as repeated (STELE_SEED=" << seed << ")\n";
}

BOOST_AUTO_TEST_CASE(a_number_that_was_used_is_told_what_is_known_before_and_after_a_restart) {
  Steled daemon;
  daemon.start();
  for (int life = 0; life < 3; ++life) {
    BOOST_TEST_CONTEXT(life) {
      WirePeer peer(daemon.socket());
      auto const greeting = peer.ask(hello(1));
      if (life == 0) {
        BOOST_TEST(!greeting.contains("last_write_no"));
        for (std::uint64_t no : {1U, 2U, 4U}) {
          BOOST_TEST(!peer.ask(write(no)).contains("dup"));
        }
      } else {
        BOOST_TEST(greeting.at("last_write_no").as_int64() == 4);
        BOOST_TEST(greeting.at("last_seq").as_int64() == 3);
      }
      auto const again = peer.ask(write(2));
      BOOST_TEST(again.at("dup").as_bool());
      BOOST_TEST(again.at("seq").as_int64() == 2);
      BOOST_TEST(error_code_of(peer.ask(write(2, "other"))) == "id_conflict");
      BOOST_TEST(greeting.at("known_above").as_int64() == 0);
      auto const mended = peer.ask(write(3, "mended"));
      BOOST_TEST(mended.at("seq").as_int64() == 4);
      BOOST_TEST(mended.contains("dup") == (life > 0));
      auto const known = peer.ask(hello(1));
      BOOST_TEST(boost::json::serialize(known.at("written")) == "[[1,4]]");
      BOOST_TEST(known.at("last_seq").as_int64() == 3);
    }
    if (life == 0) daemon.kill_hard();
    if (life == 1) BOOST_TEST(daemon.stop() == 0);
    daemon.start();
  }
  BOOST_TEST(read_all(daemon).size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_writer_that_was_forgotten_is_told_so_on_every_connection) {
  Steled daemon("posix", {"--max-writers", "2"});
  daemon.start();
  WirePeer first(daemon.socket());
  {
    WirePeer second(daemon.socket());
    first.ask(hello(1));
    second.ask(hello(1));
    for (std::uint64_t no = 1; no <= 3; ++no) first.ask(write(no));
    BOOST_TEST(second.ask(write(4)).at("ok").as_bool());
  }
  for (std::size_t writer : {2U, 3U, 4U}) {
    WirePeer other(daemon.socket());
    other.ask(hello(writer));
    BOOST_TEST(other.ask(write(1)).at("ok").as_bool());
  }
  for (std::uint64_t no = 1; no <= 4; ++no) {
    BOOST_TEST(error_code_of(first.ask(write(no))) == "unknown_retry");
  }
  BOOST_TEST(first.ask(write(5)).at("seq").as_int64() == 8);
  BOOST_TEST(read_all(daemon).size() == 8U);
}

BOOST_AUTO_TEST_CASE(the_writers_that_wrote_last_are_remembered_before_and_after_a_restart) {
  Steled daemon("posix", {"--max-writers", "2"});
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    for (std::size_t writer : {1U, 2U, 3U}) {
      peer.ask(hello(writer));
      BOOST_TEST(peer.ask(write(1)).at("ok").as_bool());
    }
    BOOST_TEST(peer.ask("{\"op\":\"stats\"}").at("writers").at("remembered").as_int64() == 2);
  }
  for (int life = 0; life < 2; ++life) {
    WirePeer peer(daemon.socket());
    auto const forgotten = peer.ask(hello(1));
    BOOST_TEST(!forgotten.contains("last_write_no"));
    BOOST_TEST(forgotten.at("forgotten_seq").as_int64() == 1);
    BOOST_TEST(error_code_of(peer.ask(write(2))) == "unknown_retry");
    for (std::size_t writer : {2U, 3U}) {
      BOOST_TEST(peer.ask(hello(writer)).at("last_write_no").as_int64() == 1);
      BOOST_TEST(peer.ask(write(1)).at("dup").as_bool());
    }
    daemon.kill_hard();
    daemon.start();
  }
}

BOOST_AUTO_TEST_SUITE_END()
