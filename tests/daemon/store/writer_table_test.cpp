#include "daemon/store/writer_table.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using stele::daemon::NumberedWrite;
using stele::daemon::WriterId;
using stele::daemon::WriterTable;
using Decision = WriterTable::Decision;
using Seq = stele::wal::Seq;

WriterId id(std::uint16_t name) {
  WriterId writer{};
  writer[14] = static_cast<std::uint8_t>(name >> 8);
  writer[15] = static_cast<std::uint8_t>(name);
  return writer;
}

struct TableFixture {
  WriterTable::Attachment attach(std::uint16_t writer, std::optional<Seq> since = std::nullopt) {
    return table.attach(id(writer), since);
  }
  /// The log takes a write of `count` entries.
  NumberedWrite stage(std::uint16_t writer, std::uint64_t write_no, Seq count = 1,
                      std::uint32_t uid = 0) {
    NumberedWrite const write{write_no, next_seq, next_seq + count - 1};
    next_seq += count;
    auto const attachment = attach(writer);
    table.stage(attachment, write, uid, table.check(attachment, write_no).late);
    return write;
  }
  NumberedWrite write(std::uint16_t writer, std::uint64_t write_no, Seq count = 1,
                      std::uint32_t uid = 0) {
    auto const staged = stage(writer, write_no, count, uid);
    table.publish(staged.last_seq);
    return staged;
  }
  /// As a connection that comes now is told.
  Decision check(std::uint16_t writer, std::uint64_t write_no) {
    return table.check(attach(writer), write_no).decision;
  }
  NumberedWrite original(std::uint16_t writer, std::uint64_t write_no) {
    auto const checked = table.check(attach(writer), write_no);
    BOOST_TEST((checked.decision == Decision::repeated));
    return checked.original;
  }
  std::optional<std::uint64_t> known_above(std::uint16_t writer) {
    return table.knowledge(attach(writer)).known_above;
  }

  WriterTable table{3};
  Seq next_seq = 1;
};

/// Random writes of six writers of two users, and what becomes of them.
class RandomLife {
 public:
  explicit RandomLife(WriterTable& table) : table_(table) {}

  void write() {
    auto& name = names_[random_() % names_.size()];
    auto const write_no = 1 + random_() % (highest_[name] + 3);
    auto const connection = table_.attach(id(name));
    auto const checked = table_.check(connection, write_no);
    if (checked.decision == Decision::is_new) {
      NumberedWrite const write{write_no, next_seq_, next_seq_ + random_() % 3};
      next_seq_ = write.last_seq + 1;
      table_.stage(connection, write, name % 2U, checked.late);
      BOOST_REQUIRE(ever_.emplace(std::pair(name, write_no), write.first_seq).second);
      staged_.push_back({name, write, checked.late});
      highest_[name] = std::max(highest_[name], write_no);
    } else if (checked.decision == Decision::forgotten && random_() % 4 == 0) {
      name = ++last_name_;
    }
  }

  void go_on() {
    if (random_() % 3 == 0 && !staged_.empty()) {
      auto const count = static_cast<std::ptrdiff_t>(1 + random_() % staged_.size());
      table_.publish((staged_.begin() + count - 1)->write.last_seq);
      durable_.insert(durable_.end(), staged_.begin(), staged_.begin() + count);
      staged_.erase(staged_.begin(), staged_.begin() + count);
    } else if (random_() % 20 == 0 && !staged_.empty()) {
      next_seq_ = staged_.front().write.first_seq;
      table_.unstage_from(next_seq_);
      std::erase_if(ever_, [this](auto const& item) { return item.second >= next_seq_; });
      staged_.clear();
    } else if (random_() % 100 == 0 && !durable_.empty()) {
      removed_ = std::max(removed_, durable_[random_() % durable_.size()].write.last_seq);
      table_.remove_up_to(removed_);
    }
  }

  /// False: not all is on disk now.
  bool compare_with_a_restart() {
    if (!staged_.empty()) return false;
    WriterTable restarted(3);
    for (auto const& [name, write, late] : durable_) {
      if (write.last_seq > removed_) restarted.restore(id(name), write, name % 2U, late);
    }
    if (removed_ > 0) restarted.lose_up_to(removed_);
    for (auto const name : names_) {
      auto const now = table_.attach(id(name));
      auto const then = restarted.attach(id(name), 0);
      for (std::uint64_t no = 1; no < highest_[name] + 3; ++no) {
        auto const lived = table_.check(now, no);
        auto const filled = restarted.check(then, no);
        auto const written = ever_.find({name, no});
        if (lived.decision == Decision::repeated)
          BOOST_REQUIRE((filled.decision == lived.decision));
        if (filled.decision == Decision::repeated) {
          BOOST_REQUIRE_EQUAL(filled.original.first_seq, written->second);
        } else if (filled.decision != Decision::forgotten) {
          BOOST_REQUIRE((written == ever_.end()));
        }
      }
    }
    std::erase_if(durable_, [this](auto const& group) { return group.write.last_seq <= removed_; });
    return true;
  }

 private:
  struct Group {
    std::uint16_t writer;
    NumberedWrite write;
    bool late;
  };

  WriterTable& table_;
  std::mt19937_64 random_{17};
  std::vector<std::uint16_t> names_{1, 2, 3, 4, 5, 6};
  std::uint16_t last_name_ = 6;
  std::vector<Group> durable_{};
  std::vector<Group> staged_{};
  std::map<std::uint16_t, std::uint64_t> highest_{};
  std::map<std::pair<std::uint16_t, std::uint64_t>, Seq> ever_{};
  Seq next_seq_ = 1;
  Seq removed_ = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(writer_table_test, TableFixture)

BOOST_AUTO_TEST_CASE(what_is_not_remembered_of_a_writer_that_was_not_forgotten_is_new) {
  BOOST_TEST((check(1, 1) == Decision::is_new));
  BOOST_TEST((check(1, 2) == Decision::is_new));
  write(1, 2);
  BOOST_TEST((check(1, 2) == Decision::repeated));
  BOOST_TEST((check(1, 1) == Decision::is_new));
  BOOST_TEST((check(1, 1000) == Decision::is_new));
  BOOST_TEST((check(2, 1) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(a_repeated_write_is_answered_with_its_seqs) {
  write(1, 1);
  auto const second = write(1, 2, 5);
  write(1, 3);
  BOOST_TEST((original(1, 2) == second));
  BOOST_TEST((table.last(id(1))->write_no == 3U));
  BOOST_TEST(!table.last(id(2)).has_value());
}

BOOST_AUTO_TEST_CASE(a_number_that_was_passed_over_is_taken_late_up_to_63_below_the_highest) {
  write(1, 1);
  write(1, 65);
  BOOST_TEST((check(1, 2) == Decision::is_new));
  BOOST_TEST(table.check(attach(1), 2).late);
  BOOST_TEST(!table.check(attach(1), 66).late);
  write(1, 66);
  BOOST_TEST((check(1, 2) == Decision::passed_by));
  auto const third = write(1, 3);
  BOOST_TEST((original(1, 3) == third));
  BOOST_TEST(table.last(id(1))->write_no == 66U);
}

BOOST_AUTO_TEST_CASE(a_late_write_that_makes_room_leaves_the_numbers_above_it_as_new_as_they_were) {
  auto const attachment = attach(1);
  write(1, 2);
  write(1, 1);
  for (std::uint64_t number = 3; number <= 66; ++number) {
    if (number != 40) write(1, number);
  }
  BOOST_TEST((check(1, 1) == Decision::forgotten));
  BOOST_TEST(*known_above(1) == 1U);
  BOOST_TEST((check(1, 40) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(hello_is_told_which_numbers_are_written_and_which_are_under_way) {
  auto const attachment = attach(1);
  BOOST_TEST(*table.knowledge(attachment).known_above == 0U);
  write(1, 1);
  auto const third = write(1, 3);
  auto const second = stage(1, 2);
  auto const known = table.knowledge(attachment);
  BOOST_TEST(*known.known_above == 0U);
  BOOST_REQUIRE_EQUAL(known.written.size(), 2U);
  BOOST_TEST((known.written[1] == third));
  BOOST_REQUIRE_EQUAL(known.under_way.size(), 1U);
  BOOST_TEST((known.under_way[0] == second));
}

BOOST_AUTO_TEST_CASE(a_staged_write_counts_as_written_but_is_not_the_last_on_disk) {
  write(1, 1);
  auto const staged = stage(1, 2);
  BOOST_TEST((original(1, 2) == staged));
  BOOST_TEST(table.last(id(1))->write_no == 1U);
  stage(2, 1);
  BOOST_TEST(!table.last(id(2)).has_value());
  BOOST_TEST(table.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_write_never_was) {
  write(1, 1);
  auto const first = stage(1, 2).first_seq;
  stage(2, 1);
  stage(1, 3);
  table.unstage_from(first);
  BOOST_TEST((check(1, 2) == Decision::is_new));
  BOOST_TEST((check(2, 1) == Decision::is_new));
  next_seq = first;
  auto const second = write(1, 2);
  BOOST_TEST((original(1, 2) == second));
}

BOOST_AUTO_TEST_CASE(what_was_durable_before_a_refusal_stays) {
  write(1, 1);
  auto const second = stage(1, 2);
  auto const third = stage(1, 3);
  table.publish(second.last_seq);
  table.unstage_from(third.first_seq);
  BOOST_TEST((original(1, 2) == second));
  BOOST_TEST((check(1, 3) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(the_last_writes_of_a_writer_are_remembered_and_older_ones_are_not) {
  for (std::uint64_t no = 1; no <= WriterTable::writes_max + 5; ++no) write(1, no);
  BOOST_TEST((check(1, 5) == Decision::forgotten));
  BOOST_TEST((check(1, 6) == Decision::repeated));
  BOOST_TEST((check(1, WriterTable::writes_max + 5) == Decision::repeated));
  BOOST_TEST(*known_above(1) == 5U);
}

BOOST_AUTO_TEST_CASE(one_write_more_than_are_remembered_is_not_staged) {
  for (std::uint64_t no = 1; no <= WriterTable::writes_max; ++no) {
    BOOST_TEST((check(1, no) == Decision::is_new));
    stage(1, no);
  }
  BOOST_TEST((check(1, WriterTable::writes_max + 1) == Decision::crowded));
  BOOST_TEST((check(1, 1) == Decision::repeated));
  table.publish(1);
  BOOST_TEST((check(1, WriterTable::writes_max + 1) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(the_writer_that_wrote_longest_ago_is_forgotten_for_a_new_one) {
  write(1, 1);
  auto const of_2 = write(2, 1);
  write(3, 1);
  write(1, 2);
  BOOST_TEST(table.forgotten_seq() == 0U);
  write(4, 1);
  BOOST_TEST(table.size() == 3U);
  for (std::uint64_t no : {1U, 2U, 3U}) BOOST_TEST((check(2, no) == Decision::forgotten));
  BOOST_TEST(!known_above(2).has_value());
  BOOST_TEST((check(1, 2) == Decision::repeated));
  BOOST_TEST((check(1, 1) == Decision::repeated));
  BOOST_TEST((check(3, 1) == Decision::repeated));
  BOOST_TEST(table.forgotten_seq() == of_2.last_seq);
  BOOST_TEST((check(5, 1) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(the_writers_of_one_user_cannot_push_out_those_of_another) {
  write(1, 1, 1, 1000);
  write(2, 1, 1, 1001);
  for (std::uint16_t writer = 10; writer < 100; ++writer) write(writer, 1, 1, 1001);
  BOOST_TEST((check(1, 1) == Decision::repeated));
  BOOST_TEST((check(2, 1) == Decision::forgotten));
  BOOST_TEST((check(98, 1) == Decision::repeated));
  BOOST_TEST((check(99, 1) == Decision::repeated));
  BOOST_TEST(table.size() == 3U);
  BOOST_TEST(table.users() == 2U);
  // Whoever has less than others takes a place from them.
  write(3, 1, 1, 7);
  BOOST_TEST((check(1, 1) == Decision::repeated));
  BOOST_TEST((check(98, 1) == Decision::forgotten));
  BOOST_TEST(table.users() == 3U);
}

BOOST_AUTO_TEST_CASE(a_connection_keeps_what_is_known_of_its_writer_when_that_is_forgotten) {
  auto const connection = attach(1);
  write(1, 1);
  write(1, 2);
  for (std::uint16_t writer = 2; writer <= 4; ++writer) write(writer, 1);
  BOOST_TEST(table.size() == 3U);
  BOOST_TEST((check(1, 2) == Decision::forgotten));
  BOOST_TEST((check(1, 3) == Decision::is_new));
  BOOST_TEST(*known_above(1) == 2U);
}

BOOST_AUTO_TEST_CASE(a_writer_says_since_when_it_writes_and_is_told_whether_that_is_enough) {
  write(1, 1);
  auto const before = next_seq - 1;
  BOOST_TEST((table.check(attach(9, before), 7).decision == Decision::is_new));
  write(9, 1);
  for (std::uint16_t writer = 2; writer <= 4; ++writer) write(writer, 1);
  BOOST_TEST((check(9, 1) == Decision::forgotten));
  BOOST_TEST((table.check(attach(9, before), 1).decision == Decision::forgotten));
  BOOST_TEST((table.check(attach(8, table.forgotten_seq()), 7).decision == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(where_the_log_is_not_seen_whole_only_number_1_may_be_a_writers_word) {
  table.lose_up_to(5);
  next_seq = 6;
  BOOST_TEST((check(1, 2) == Decision::forgotten));
  BOOST_TEST((table.check(attach(1, 4), 1).decision == Decision::forgotten));
  BOOST_TEST((table.check(attach(1, 5), 2).decision == Decision::is_new));
  auto const connection = attach(2);
  BOOST_TEST((check(2, 3) == Decision::forgotten));
  BOOST_TEST((check(2, 1) == Decision::is_new));
  BOOST_TEST((check(2, 3) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(a_writer_is_forgotten_for_what_is_on_disk_and_not_for_what_is_staged) {
  for (std::uint16_t writer = 1; writer <= 3; ++writer) write(writer, 1);
  auto const staged = stage(4, 1);
  BOOST_TEST((check(1, 1) == Decision::repeated));
  table.unstage_from(staged.first_seq);
  BOOST_TEST((check(1, 1) == Decision::repeated));
}

BOOST_AUTO_TEST_CASE(a_writer_with_staged_writes_keeps_those_when_it_is_forgotten) {
  for (std::uint16_t writer = 1; writer <= 3; ++writer) write(writer, 1);
  auto const fourth = stage(4, 1);
  auto const staged = stage(1, 2);
  table.publish(fourth.last_seq);
  BOOST_TEST((check(1, 1) == Decision::forgotten));
  BOOST_TEST((original(1, 2) == staged));
  table.publish(staged.last_seq);
  BOOST_TEST((original(1, 2) == staged));
  BOOST_TEST(table.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_retention_removed_is_forgotten) {
  auto const first = write(1, 1);
  write(2, 1);
  auto const second = write(1, 3);
  table.remove_up_to(second.first_seq - 1);
  BOOST_TEST((check(1, 1) == Decision::forgotten));
  BOOST_TEST((check(1, 2) == Decision::is_new));
  BOOST_TEST((original(1, 3) == second));
  BOOST_TEST((check(2, 2) == Decision::forgotten));
  BOOST_TEST(table.size() == 1U);
  BOOST_TEST(table.forgotten_seq() == second.first_seq - 1);
  BOOST_TEST(first.last_seq < table.forgotten_seq());
}

BOOST_AUTO_TEST_CASE(a_batch_of_which_entries_were_removed_is_forgotten) {
  auto const batch = write(1, 1, 3);
  table.remove_up_to(batch.first_seq);
  BOOST_TEST((check(1, 1) == Decision::forgotten));
  BOOST_TEST(table.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_writer_that_begins_anew_in_the_log_is_taken_from_there) {
  WriterTable larger{10};
  larger.restore(id(1), {57, 1, 1}, 0, false);
  larger.restore(id(1), {1, 2, 2}, 0, false);
  auto const attachment = larger.attach(id(1));
  BOOST_TEST((larger.check(attachment, 57).decision == Decision::forgotten));
  BOOST_TEST((larger.check(attachment, 58).decision == Decision::is_new));
  BOOST_TEST((larger.check(attachment, 1).decision == Decision::repeated));
  BOOST_TEST(larger.size() == 1U);
}

// What came before may have expired: of a write in order all of it was below, of a late one not.
BOOST_AUTO_TEST_CASE(a_start_takes_what_it_did_not_see_for_written) {
  table.restore(id(1), {7, 11, 11}, 0, false);
  table.restore(id(2), {7, 12, 12}, 0, true);
  table.restore(id(3), {7, 13, 13}, 0, true);
  table.restore(id(3), {20, 14, 14}, 0, false);
  table.lose_up_to(10);
  BOOST_TEST((check(1, 6) == Decision::forgotten));
  BOOST_TEST((check(1, 8) == Decision::is_new));
  BOOST_TEST((check(2, 8) == Decision::forgotten));
  BOOST_TEST((check(2, 70) == Decision::forgotten));
  BOOST_TEST((check(2, 71) == Decision::is_new));
  BOOST_TEST((check(3, 19) == Decision::forgotten));
  BOOST_TEST((check(3, 21) == Decision::is_new));
}

BOOST_AUTO_TEST_CASE(memory_is_within_its_bound_when_all_places_are_taken) {
  WriterTable full{100};
  Seq seq = 0;
  for (std::uint16_t writer = 1; writer <= 200; ++writer) {
    auto const attachment = full.attach(id(writer));
    for (std::uint64_t no = 1; no <= 200; ++no) {
      full.stage(attachment, {no, seq + 1, seq + 1}, writer, false);
      full.publish(++seq);
    }
  }
  BOOST_TEST(full.size() == 100U);
  BOOST_TEST(full.bytes() <= WriterTable::bytes_max(100, 1));
}

// Invariants checked: after random writes, also late ones, refusals, retention and restarts, a
// table that is filled from the log never contradicts the one that lived through it all, and
// remembers each write that the other does.
BOOST_AUTO_TEST_CASE(a_table_filled_from_the_log_does_not_contradict_the_one_before_it) {
  RandomLife life{table};
  std::size_t compared = 0;
  for (int i = 0; i < 20'000; ++i) {
    life.write();
    life.go_on();
    if (i % 10 == 0 && life.compare_with_a_restart()) ++compared;
  }
  BOOST_TEST(compared > 100U);
}

BOOST_AUTO_TEST_SUITE_END()
