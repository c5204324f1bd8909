#include "daemon/log/committer.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/committer_fixture.hpp"

namespace {

using stele::daemon::Seq;
using stele::test::NotingWaiter;

using Notes = std::vector<std::string>;

struct CommitFixture : stele::test::CommitterFixture {
  NotingWaiter make(std::string name) { return {std::move(name), notes}; }

  Notes notes{};
};

/// The daemon's own lines, while this lives.
class OwnLines {
 public:
  OwnLines() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("lines", std::move(sink)));
  }
  OwnLines(OwnLines const&) = delete;
  OwnLines& operator=(OwnLines const&) = delete;
  ~OwnLines() { spdlog::set_default_logger(before_); }

  int count(std::string_view wanted) const {
    auto const text = text_.str();
    int found = 0;
    for (auto at = text.find(wanted); at != text.npos; at = text.find(wanted, at + 1)) ++found;
    return found;
  }

 private:
  std::ostringstream text_{};
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(committer_test, CommitFixture)

BOOST_AUTO_TEST_CASE(writes_of_one_turn_share_a_commit) {
  for (int i = 0; i < 10; ++i) append();
  BOOST_TEST(turns.requested == 1);
  settle();
  BOOST_TEST(commits() == 1U);
  BOOST_TEST(store.visible_seq() == 10U);
}

BOOST_AUTO_TEST_CASE(what_arrives_during_a_commit_shares_the_next_one) {
  append();
  end_turn();
  for (int i = 0; i < 10; ++i) {
    append();
    end_turn();
  }
  settle();
  BOOST_TEST(commits() == 2U);
}

BOOST_AUTO_TEST_CASE(the_next_commit_is_on_its_way_before_anyone_is_told_of_the_last) {
  struct Waiter final : NotingWaiter {
    using NotingWaiter::NotingWaiter;
    void on_log_progress() override { pending_bytes = committer->pending_bytes(); }
    stele::daemon::Committer* committer = nullptr;
    std::optional<std::size_t> pending_bytes{};
  };
  Waiter waiter("a", notes);
  waiter.committer = committer.get();
  append();
  committer->await(waiter);
  end_turn();
  append();
  auto const operations = disk.operations();
  on_disk_event();
  BOOST_TEST(waiter.pending_bytes.has_value());
  on_disk_event();
  BOOST_TEST(disk.operations() == operations + 2);
  BOOST_TEST(store.visible_seq() == 2U);
}

BOOST_AUTO_TEST_CASE(a_waiter_is_told_once_its_write_is_visible_and_not_before) {
  auto waiter = make("a");
  auto const seq = append();
  committer->await(waiter);
  end_turn();
  BOOST_TEST(notes.empty());
  BOOST_TEST(store.visible_seq() == 0U);
  settle();
  BOOST_TEST(notes == Notes{"a goes on"}, boost::test_tools::per_element());
  BOOST_TEST(store.visible_seq() == seq);
}

BOOST_AUTO_TEST_CASE(waiters_are_told_in_the_order_in_which_they_asked) {
  auto a = make("a");
  auto b = make("b");
  auto c = make("c");
  append();
  for (auto* const waiter : {&b, &a, &c, &b}) committer->await(*waiter);
  settle();
  Notes const expected{"b goes on", "a goes on", "c goes on"};
  BOOST_TEST(notes == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_waiter_that_asks_again_while_it_is_told_waits_for_the_next_news) {
  struct Waiter final : NotingWaiter {
    using NotingWaiter::NotingWaiter;
    void on_log_progress() override {
      NotingWaiter::on_log_progress();
      if (again) again();
    }
    std::function<void()> again{};
  };
  Waiter waiter("a", notes);
  waiter.again = [&] {
    append();
    committer->await(waiter);
    waiter.again = {};
  };
  append();
  committer->await(waiter);
  end_turn();
  on_disk_event();
  BOOST_TEST(notes.size() == 1U);
  settle();
  BOOST_TEST(notes.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_waiter_may_end_while_another_is_told) {
  auto second = std::make_unique<NotingWaiter>("b", notes);
  struct Waiter final : NotingWaiter {
    using NotingWaiter::NotingWaiter;
    void on_log_progress() override { other->reset(); }
    std::unique_ptr<NotingWaiter>* other = nullptr;
  };
  Waiter first("a", notes);
  first.other = &second;
  append();
  committer->await(first);
  committer->await(*second);
  settle();
  BOOST_TEST(!second);
  BOOST_TEST(notes.empty());
}

// The spare segment turns out to find no space when more is queued than the active one can take.
BOOST_AUTO_TEST_CASE(a_refusal_is_known_to_all_before_any_of_them_goes_on) {
  struct Waiter final : NotingWaiter {
    Waiter(std::string own_name, CommitFixture& fix)
        : NotingWaiter(std::move(own_name), fix.notes), fixture(fix) {}
    void on_log_progress() override {
      NotingWaiter::on_log_progress();
      if (!refused) fixture.committer->await(*this);
    }
    void on_refused(Seq first) override {
      NotingWaiter::on_refused(first);
      refused = true;
    }
    CommitFixture& fixture;
    bool refused = false;
  };
  Waiter a("a", *this);
  Waiter b("b", *this);
  disk.set_capacity(disk.used_bytes() + segment_bytes);
  for (int i = 0; i < 50; ++i) append(std::string(5000, 'x'));
  committer->await(a);
  committer->await(b);
  end_turn();
  for (int i = 0; i < 1000 && !a.refused; ++i) on_disk_event();

  Seq const first = committer->next_seq();
  BOOST_TEST(first > 1U);
  BOOST_TEST(first <= 50U);
  BOOST_TEST(store.visible_seq() + 1 == first);
  std::string const from = std::to_string(first);
  BOOST_REQUIRE(notes.size() >= 4U);
  notes.erase(notes.begin(), notes.end() - 4);
  Notes const expected{"a refused from " + from, "b refused from " + from, "a goes on",
                       "b goes on"};
  BOOST_TEST(notes == expected, boost::test_tools::per_element());
}

// Large writes are refused while small ones still fit: that is full, too.
BOOST_AUTO_TEST_CASE(a_full_disk_has_a_line_and_a_state_when_it_begins_and_a_line_when_it_heals) {
  OwnLines const lines;
  auto const capacity = disk.used_bytes();
  disk.set_capacity(capacity);
  for (int i = 0; i < 1000 && committer->log().missing_segment() == nullptr; ++i) {
    append(std::string(1000, 'x'));
    settle();
  }
  BOOST_TEST(lines.count("will be refused") == 1);
  BOOST_TEST(!committer->is_full());
  constexpr std::size_t large = 8000;
  for (int i = 0; i < 100 && !committer->admit(1, large); ++i) {
    append(std::string(1000, 'x'));
    settle();
  }
  BOOST_TEST((committer->admit(1, large) == stele::wal::Errc::no_space));
  BOOST_TEST(!committer->admit(1, 100));
  for (int i = 0; i < 11; ++i) committer->note_refused();
  append();
  settle();
  BOOST_TEST(committer->is_full());
  BOOST_TEST(lines.count("the disk is full: writes from seq") == 1);
  BOOST_TEST(lines.count("there is room again") == 0);
  disk.set_capacity(capacity + 4 * segment_bytes);
  clock.instant += std::chrono::seconds(2);
  committer->on_timer();
  settle();
  BOOST_TEST(!committer->is_full());
  BOOST_TEST(!committer->admit(1, large));
  BOOST_TEST(lines.count("there is room again: writes are taken; 11 were refused") == 1);
  BOOST_TEST(lines.count("the disk is full") == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_to_all_and_then_to_the_owner_once) {
  auto a = make("a");
  auto b = make("b");
  committer->set_failure_handler([this] { notes.push_back("the owner"); });
  append();
  committer->await(a);
  committer->await(b);
  end_turn();
  disk.fail_after(0, make_error_code(boost::system::errc::io_error));
  on_disk_event();
  Notes const expected{"a failed", "b failed", "the owner"};
  BOOST_TEST(notes == expected, boost::test_tools::per_element());
  BOOST_TEST(committer->failed());
  on_disk_event();
  BOOST_TEST(notes.size() == 3U);
}

BOOST_AUTO_TEST_CASE(idleness_is_told_at_the_end_of_the_turn_or_when_the_disk_is_done) {
  committer->notify_when_idle([this] { notes.push_back("idle"); });
  BOOST_TEST(notes.empty());
  end_turn();
  BOOST_TEST(notes == Notes{"idle"}, boost::test_tools::per_element());

  append();
  end_turn();
  committer->notify_when_idle([this] { notes.push_back("idle again"); });
  end_turn();
  BOOST_TEST(notes.size() == 1U);
  settle();
  BOOST_TEST(notes.back() == "idle again");
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_segment_is_told_when_it_is_there) {
  auto waiter = make("waiter");
  constexpr std::size_t large = 60'000;  // Nearly a segment.
  int times = 0;
  for (int i = 0; i < 100 && times < 3; ++i) {
    append(std::string(9000, 'x'));
    end_turn();
    while (committer->pending_bytes() > 0) on_disk_event();
    if (committer->has_segment_for(large)) continue;
    ++times;
    notes.clear();
    committer->await(waiter);
    for (int events = 0; events < 1000 && notes.empty(); ++events) on_disk_event();
    BOOST_TEST(notes.size() == 1U);
    BOOST_TEST(committer->has_segment_for(large));
  }
  BOOST_TEST(times == 3);
}

BOOST_AUTO_TEST_SUITE_END()
