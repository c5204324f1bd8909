// Follows of the real daemon: no gap and no double where history ends and what comes begins, for
// slow readers, over restarts, and for many at once.
// STELE_FOLLOW_ROUNDS chooses how often the hand-over is tried.
#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;

BOOST_AUTO_TEST_SUITE(follow_test)

namespace {

std::uint64_t number_after(std::string_view text, std::string_view member) {
  auto const at = text.rfind(member);
  if (at == text.npos) return 0;
  return std::stoull(std::string(text.substr(at + member.size(), 20)));
}

/// Takes the frames of one follow, and notes where they are not what they must be.
class Follower {
 public:
  explicit Follower(std::uint64_t last_seq = 0) : last_seq_(last_seq) {}

  /// Reads until an entry with this seq has come, or the follow has ended.
  void read_up_to(WirePeer& peer, std::uint64_t seq) {
    while (!ended_ && last_seq_ < seq) {
      auto const text = peer.receive();
      if (!text) {
        ended_ = true;
        return;
      }
      take(*text);
    }
  }
  void take(std::string const& text) {
    if (text.find("\"ok\":true") == text.npos) return complain(text);
    auto const tail = std::string_view(text).substr(text.rfind("],\"more\":"));
    if (tail.find("\"lagged\"") != tail.npos) {
      if (number_after(tail, "\"from_seq\":") != last_seq_ + 1) complain("a gap before " + text);
      lost_ += number_after(tail, "\"to_seq\":") - last_seq_;
      last_seq_ = number_after(tail, "\"to_seq\":");
    }
    for (auto const& entry : stele::test::entries_of(text)) {
      if (entry.seq != last_seq_ + 1) {
        complain(std::to_string(last_seq_) + " is followed by " + std::to_string(entry.seq));
      }
      last_seq_ = entry.seq;
      ++entries_;
    }
    if (number_after(tail, "\"seq\":") != last_seq_) complain("the seq is wrong: " + text);
    if (tail.find("\"caught_up\":true") != tail.npos) ++caught_up_;
    ended_ = tail.find("\"more\":false") != tail.npos;
  }

  bool ended() const noexcept { return ended_; }
  std::uint64_t last_seq() const noexcept { return last_seq_; }
  std::uint64_t entries() const noexcept { return entries_; }
  std::uint64_t lost() const noexcept { return lost_; }
  int caught_up() const noexcept { return caught_up_; }
  std::string const& complaint() const noexcept { return complaint_; }

 private:
  void complain(std::string sentence) {
    if (complaint_.empty()) complaint_ = std::move(sentence);
  }

  std::uint64_t last_seq_;
  std::uint64_t entries_ = 0;
  std::uint64_t lost_ = 0;
  int caught_up_ = 0;
  bool ended_ = false;
  std::string complaint_{};
};

std::string follow_after(std::uint64_t seq) {
  return R"({"op":"read_logs","id":"t","follow":true,"after_seq":)" + std::to_string(seq) + "}";
}

std::string write(std::size_t bytes = 20) {
  return R"({"op":"write_log","entry":{"message":")" + std::string(bytes, 'x') + "\"}}";
}

/// Writes in the background, some requests at a time, until it goes out of scope.
class Load {
 public:
  Load(std::string const& socket, std::size_t entry_bytes)
      : thread_([this, socket, entry_bytes] { run(socket, entry_bytes); }) {}
  ~Load() { stop(); }

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t last_seq() const noexcept { return last_seq_; }

 private:
  void run(std::string const& socket, std::size_t entry_bytes) try {
    WirePeer peer(socket);
    auto const request = write(entry_bytes);
    while (!stop_) {
      for (int i = 0; i < 4; ++i) peer.send(request);
      for (int i = 0; i < 4; ++i) {
        auto const reply = peer.receive();
        if (!reply) return;
        if (auto const seq = number_after(*reply, "\"seq\":"); seq > 0) last_seq_ = seq;
      }
    }
  } catch (std::exception const&) {
    return;
  }

  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> last_seq_ = 0;
  std::thread thread_;
};

/// One follow that begins at once and is read past the end of its history.
Follower follow_past_its_start(Steled const& daemon, std::uint64_t after_seq) {
  WirePeer peer(daemon.socket());
  peer.send(follow_after(after_seq));
  Follower follower(after_seq);
  while (!follower.ended() && follower.caught_up() == 0) {
    follower.read_up_to(peer, follower.last_seq() + 1);
  }
  follower.read_up_to(peer, follower.last_seq() + 20);
  return follower;
}

}  // namespace

BOOST_DATA_TEST_CASE(the_hand_over_from_history_to_what_comes_has_no_gap_and_no_double,
                     stele::test::backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  Load const load(daemon.socket(), 100);
  Load const other_load(daemon.socket(), 100);
  auto const rounds = stele::test::number_from_environment("STELE_FOLLOW_ROUNDS", 200);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    auto const newest = load.last_seq();
    auto const follower =
        follow_past_its_start(daemon, newest - std::min<std::uint64_t>(newest, round));
    BOOST_TEST(follower.complaint() == "");
    BOOST_TEST(!follower.ended());
    BOOST_TEST(follower.caught_up() == 1);
    BOOST_TEST(follower.lost() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(a_hundred_follows_at_once_get_every_entry_once) {
  constexpr std::uint64_t entry_count = 2000;
  Steled daemon;
  daemon.start();
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(std::make_unique<WirePeer>(daemon.socket()));
    peers.back()->send(follow_after(0));
  }
  WirePeer writer(daemon.socket());
  for (std::uint64_t i = 0; i < entry_count; ++i) writer.send(write());
  for (std::uint64_t i = 0; i < entry_count; ++i) writer.receive();
  for (auto const& peer : peers) {
    Follower follower;
    follower.read_up_to(*peer, entry_count);
    BOOST_TEST(follower.complaint() == "");
    BOOST_TEST(follower.entries() == entry_count);
  }
  auto const stats = writer.ask("{\"op\":\"stats\"}");
  BOOST_TEST(stats.at("tails").at("open").as_int64() == 100);
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_too_slow_is_told_what_it_lost_and_nobody_else_notices) {
  Steled daemon("posix", {"--retain-bytes", "16M"});
  daemon.start();
  WirePeer slow(daemon.socket());
  slow.send(follow_after(0));
  WirePeer writer(daemon.socket());
  std::uint64_t last = 0;
  for (int i = 0; i < 400; ++i) {
    last = writer.ask(write(100'000)).at("seq").to_number<std::uint64_t>();
  }
  Follower follower;
  follower.read_up_to(slow, last);
  BOOST_TEST(follower.complaint() == "");
  BOOST_TEST(follower.lost() > 0U);
  BOOST_TEST(follower.entries() + follower.lost() == last);
  BOOST_TEST(writer.ask("{\"op\":\"stats\"}").at("tails").at("lagged").as_int64() > 0);
}

BOOST_AUTO_TEST_CASE(a_cancel_under_load_ends_the_follow_before_its_own_reply) {
  Steled daemon;
  daemon.start();
  Load const load(daemon.socket(), 100);
  WirePeer peer(daemon.socket());
  for (int round = 0; round < 50; ++round) {
    auto const start = load.last_seq();
    peer.send(follow_after(start));
    Follower follower(start);
    follower.read_up_to(peer, start + 5);
    peer.send(R"({"op":"cancel","id":"c","target":"t"})");
    while (!follower.ended()) follower.take(peer.receive().value());
    BOOST_TEST(follower.complaint() == "");
    auto const reply = peer.receive_json();
    BOOST_REQUIRE(reply.at("id").as_string() == "c");
    BOOST_TEST(reply.at("cancelled").as_bool());
  }
}

BOOST_AUTO_TEST_CASE(a_half_close_under_load_ends_the_follow_with_all_that_was_durable) {
  Steled daemon;
  daemon.start();
  Load const load(daemon.socket(), 100);
  for (int round = 0; round < 20; ++round) {
    WirePeer peer(daemon.socket());
    auto const acknowledged = load.last_seq();
    peer.send(follow_after(0));
    peer.finish_sending();
    Follower follower;
    while (!follower.ended()) follower.take(peer.receive().value());
    BOOST_TEST(follower.complaint() == "");
    BOOST_TEST(follower.last_seq() >= acknowledged);
    BOOST_TEST(!peer.receive());
  }
}

BOOST_AUTO_TEST_CASE(a_follow_goes_on_over_restarts_behind_its_last_seq) {
  Steled daemon;
  daemon.start();
  std::uint64_t seen = 0;
  for (int life = 0; life < 6; ++life) {
    WirePeer peer(daemon.socket());
    peer.send(follow_after(seen));
    Follower follower(seen);
    {
      Load load(daemon.socket(), 100);
      follower.read_up_to(peer, seen + 100);
      if (life % 2 == 0) {
        BOOST_TEST(daemon.stop() == 0);
      } else {
        daemon.kill_hard();
      }
    }
    follower.read_up_to(peer, UINT64_MAX);
    BOOST_TEST(follower.complaint() == "");
    BOOST_TEST(follower.ended());
    seen = follower.last_seq();
    daemon.start();
  }
}

BOOST_AUTO_TEST_CASE(one_follow_more_than_a_connection_may_have_is_told_overloaded) {
  Steled daemon("posix", {"--max-tails", "2"});
  daemon.start();
  WirePeer peer(daemon.socket());
  for (int id = 1; id <= 2; ++id) {
    auto const frame =
        peer.ask(R"({"op":"read_logs","follow":true,"id":)" + std::to_string(id) + "}");
    BOOST_TEST(frame.at("caught_up").as_bool());
  }
  BOOST_TEST(error_code_of(peer.ask(R"({"op":"read_logs","follow":true,"id":3})")) == "overloaded");
  BOOST_TEST(peer.ask(R"({"op":"ping"})").at("ok").as_bool());
}

BOOST_AUTO_TEST_SUITE_END()
