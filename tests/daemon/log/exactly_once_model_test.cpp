// Every order of what two connections of one writer, the disk, retention and other writers can do,
// up to a depth, on the real table and handler, against an oracle that only keeps what was written.
// STELE_ONCE_DEPTH chooses the depth.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/recovery/store_loader.hpp"
#include "support/environment.hpp"
#include "support/sanitized.hpp"

BOOST_AUTO_TEST_SUITE(exactly_once_model_test)

namespace {

using stele::daemon::Peer;
using stele::daemon::ReadyReply;
using stele::daemon::RequestHandler;
using stele::daemon::Seq;
using stele::daemon::Store;
using stele::daemon::StoreLoader;
using stele::daemon::WriteReply;
using stele::protocol::FrameForm;

constexpr std::string_view name_of_writer = "000000000000000000000000000000a1";

enum class Deed : std::uint8_t {
  a_writes_1,
  a_writes_2,
  a_writes_3,
  b_writes_1,
  b_writes_2,
  b_writes_3,
  a_is_refused_1,
  a_is_refused_2,
  b_is_refused_2,
  commit,
  disk_is_full,
  crash_before_durable,
  crash_after_durable,
  another_writes,
  oldest_expires,
  all_expires,
  a_comes_again,
  b_comes_again,
  b_leaves,
};
constexpr std::size_t deeds = static_cast<std::size_t>(Deed::b_leaves) + 1;
using Path = std::vector<Deed>;

/// A daemon that remembers one writer, and what its log really held.
class World {
 public:
  World() { boot(); }
  World(World const&) = delete;
  World& operator=(World const&) = delete;

  /// False: there is nothing to do for this deed now.
  bool perform(Deed deed);
  std::string const& complaint() const noexcept { return complaint_; }
  /// Worlds with the same text go on in the same way.
  std::string fingerprint();

 private:
  struct Group {
    unsigned write_no = 0;  ///< 0: another writer's.
    bool removed = false;
  };
  enum Connection : std::size_t { a, b };

  void boot();
  bool write(Connection connection, unsigned write_no);
  bool refuse(Connection connection, unsigned write_no);
  bool commit();
  bool lose_staged();
  bool crash();
  bool another_writes();
  bool expire(Seq seq);
  bool greet(Connection connection);
  bool was_written(unsigned write_no) const;
  void complain(std::string sentence) {
    if (complaint_.empty()) complaint_ = std::move(sentence);
  }

  stele::test::FakeLog log_{};
  stele::test::StandingClock clock_{};
  stele::daemon::ServiceFacts facts_{};
  stele::daemon::Metrics metrics_{};
  std::unique_ptr<Store> store_{};
  std::unique_ptr<RequestHandler> handler_{};
  std::array<Peer, 2> peers_{};
  std::vector<Group> groups_{};  ///< By seq.
  Seq durable_ = 0;
  Seq removed_ = 0;
  unsigned others_ = 0;
  bool forgot_ = false;   ///< The table had a reason to forget something of the writer.
  bool amnesia_ = false;  ///< A start could not see all that the writer had written.
  std::string complaint_{};
};

void World::boot() {
  peers_ = {};
  handler_.reset();
  store_ = std::make_unique<Store>(1);
  StoreLoader loader(*store_, clock_);
  for (Seq seq = removed_ + 1; seq <= durable_; ++seq) {
    loader.on_group(log_.marks[seq - 1], seq, seq);
    loader.on_payload(seq, log_.payloads[seq - 1]);
  }
  if (removed_ > 0) {
    if (durable_ == removed_) store_->publish(removed_);
    loader.on_gap({1, removed_, stele::wal::GapReason::expired, 1, 0});
  }
  handler_ = std::make_unique<RequestHandler>(facts_, *store_, log_, clock_, metrics_);
  greet(a);
  greet(b);
}

/// `a` never says since when it writes; `b` always does: from the first entry on.
bool World::greet(Connection connection) {
  std::string text = R"({"op":"hello","writer":")" + std::string(name_of_writer) + '"';
  if (connection == b) text += R"(,"since_seq":0)";
  handler_->handle(text + '}', FrameForm::binary, peers_[connection]);
  return true;
}

bool World::was_written(unsigned write_no) const {
  return std::ranges::any_of(groups_, [&](Group const& g) { return g.write_no == write_no; });
}

bool World::write(Connection connection, unsigned write_no) {
  if (!peers_[connection].writer) return false;
  auto const text = R"({"op":"write_log","write_no":)" + std::to_string(write_no) +
                    R"(,"entry":{"message":"m)" + std::to_string(write_no) + "\"}}";
  auto const reply = handler_->handle(text, FrameForm::binary, peers_[connection]);
  auto const about = std::to_string(write_no) + " of " + (connection == a ? "a" : "b");
  if (auto const* const taken = std::get_if<WriteReply>(&reply); taken && taken->dup) {
    auto const& group = groups_.at(taken->first_seq - 1);
    if (group.write_no != write_no || group.removed) complain("wrong original of " + about);
  } else if (taken) {
    bool const is_its_word = connection == a && write_no == 1 && amnesia_;
    if (was_written(write_no) && !is_its_word) complain("written twice: " + about);
    groups_.push_back({write_no, false});
  } else {
    auto const& answer = std::get<ReadyReply>(reply).text;
    if (answer.find("\"unknown_retry\"") == answer.npos) complain("refused: " + answer);
    bool const is_sure = answer.find("\"not_written\"") != answer.npos;
    // All numbers are near one another: none is too low to be written.
    if (is_sure) complain("not written: " + about);
    if (!forgot_) complain("forgotten without a reason: " + about);
  }
  return true;
}

/// The entry is not valid, so that nothing is written.
bool World::refuse(Connection connection, unsigned write_no) {
  if (!peers_[connection].writer) return false;
  auto const text = R"({"op":"write_log","write_no":)" + std::to_string(write_no) +
                    R"(,"entry":{"message":"m","timestamp":-1}})";
  auto const reply = handler_->handle(text, FrameForm::binary, peers_[connection]);
  auto const* const answer = std::get_if<ReadyReply>(&reply);
  if (answer == nullptr || answer->text.find("\"invalid_entry\"") == std::string::npos) {
    complain("an entry that is not valid was taken");
  }
  return true;
}

bool World::commit() {
  if (durable_ == groups_.size()) return false;
  durable_ = groups_.size();
  store_->publish(durable_);
  return true;
}

bool World::lose_staged() {
  if (durable_ == groups_.size()) return false;
  store_->unstage_from(durable_ + 1);
  groups_.resize(durable_);
  log_.payloads.resize(durable_);
  log_.marks.resize(durable_);
  return true;
}

bool World::crash() {
  for (auto const& group : groups_) amnesia_ = amnesia_ || (group.removed && group.write_no != 0);
  boot();
  return true;
}

bool World::another_writes() {
  Peer other;
  auto const write_no = std::to_string(++others_);
  handler_->handle(R"({"op":"hello","writer":"000000000000000000000000000000ff"})",
                   FrameForm::binary, other);
  handler_->handle(R"({"op":"write_log","write_no":)" + write_no + R"(,"entry":{"message":"o"}})",
                   FrameForm::binary, other);
  // It may itself be forgotten, and refused.
  if (log_.payloads.size() > groups_.size()) groups_.push_back({});
  forgot_ = true;
  commit();
  return true;
}

bool World::expire(Seq seq) {
  if (seq <= removed_) return false;
  for (auto at = removed_; at < seq; ++at) groups_[at].removed = true;
  removed_ = seq;
  store_->remove_up_to(seq);
  forgot_ = true;
  return true;
}

bool World::perform(Deed deed) {
  switch (deed) {
    case Deed::a_writes_1:
    case Deed::a_writes_2:
    case Deed::a_writes_3:
      return write(a, 1 + static_cast<unsigned>(deed));
    case Deed::b_writes_1:
    case Deed::b_writes_2:
    case Deed::b_writes_3:
      return write(b, 1 + static_cast<unsigned>(deed) - static_cast<unsigned>(Deed::b_writes_1));
    case Deed::a_is_refused_1:
      return refuse(a, 1);
    case Deed::a_is_refused_2:
      return refuse(a, 2);
    case Deed::b_is_refused_2:
      return refuse(b, 2);
    case Deed::commit:
      return commit();
    case Deed::disk_is_full:
      return lose_staged();
    case Deed::crash_before_durable:
      lose_staged();
      return crash();
    case Deed::crash_after_durable:
      return commit() && crash();
    case Deed::another_writes:
      return another_writes();
    case Deed::oldest_expires:
      return removed_ < durable_ && expire(removed_ + 1);
    case Deed::all_expires:
      return expire(durable_);
    case Deed::a_comes_again:
      return greet(a);
    case Deed::b_comes_again:
      return greet(b);
    case Deed::b_leaves:
      if (!peers_[b].writer) return false;
      peers_[b].writer = {};
      return true;
  }
  return false;
}

std::string World::fingerprint() {
  std::string text;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    text += std::to_string(groups_[i].write_no) + (groups_[i].removed ? "x" : "") +
            (log_.marks[i].late ? "l" : "") + (i + 1 == durable_ ? "|" : ",");
  }
  text += std::to_string(others_) + (forgot_ ? "f" : "") + (amnesia_ ? "y" : "");
  for (auto const& peer : peers_) {
    text += peer.writer ? '+' : '-';
    if (!peer.writer) continue;
    auto const known = store_->writers().knowledge(peer.writer);
    text += known.known_above ? std::to_string(*known.known_above) : "?";
    for (auto const& write : known.written) text += ';' + std::to_string(write.write_no);
  }
  return text + std::to_string(store_->writers().forgotten_seq());
}

std::string to_text(Path const& path) {
  std::string text;
  for (auto const deed : path) text += std::to_string(static_cast<unsigned>(deed)) + ' ';
  return text;
}

}  // namespace

// Invariants checked: no number is in the log twice; what is called repeated is there; and each
// number is taken as long as nothing was forgotten.
BOOST_AUTO_TEST_CASE(no_order_of_events_writes_a_number_twice_or_blocks_one_that_was_refused) {
  constexpr std::uint64_t depth_default = stele::test::is_sanitized_test ? 5 : 6;
  auto const depth = stele::test::number_from_environment("STELE_ONCE_DEPTH", depth_default);
  std::unordered_set<std::string> seen;
  std::vector<Path> frontier{{}};
  std::size_t orders = 0;
  for (std::uint64_t level = 0; level < depth; ++level) {
    std::vector<Path> next;
    for (auto const& path : frontier) {
      for (std::size_t i = 0; i < deeds; ++i) {
        World world;
        for (auto const deed : path) world.perform(deed);
        if (!world.perform(static_cast<Deed>(i))) continue;
        ++orders;
        auto longer = path;
        longer.push_back(static_cast<Deed>(i));
        BOOST_REQUIRE_MESSAGE(world.complaint().empty(), world.complaint()
                                                             << " after " << to_text(longer));
        if (seen.insert(world.fingerprint()).second) next.push_back(std::move(longer));
      }
    }
    frontier = std::move(next);
  }
  std::cout << "exactly_once_model_test: " << orders << " orders of " << depth
            << " events at most, " << seen.size() << " states\n";
}

BOOST_AUTO_TEST_SUITE_END()
