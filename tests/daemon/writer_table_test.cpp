#include "daemon/writer_table.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using stele::daemon::NumberedWrite;
using stele::daemon::WriterId;
using stele::daemon::WriterTable;
using Verdict = WriterTable::Verdict;
using Seq = stele::wal::Seq;

WriterId id(std::uint8_t name) {
  WriterId writer{};
  writer[15] = name;
  return writer;
}

struct TableFixture {
  /// The log takes a write of `count` entries.
  NumberedWrite stage(std::uint8_t writer, std::uint64_t write_no, Seq count = 1) {
    NumberedWrite const write{write_no, next_seq, next_seq + count - 1};
    next_seq += count;
    table.stage(id(writer), write);
    return write;
  }
  NumberedWrite write(std::uint8_t writer, std::uint64_t write_no, Seq count = 1) {
    auto const staged = stage(writer, write_no, count);
    table.publish(staged.last_seq);
    return staged;
  }
  Verdict judge(std::uint8_t writer, std::uint64_t write_no, std::uint64_t counted_to = 0) {
    return table.judge(id(writer), write_no, counted_to).verdict;
  }
  NumberedWrite original(std::uint8_t writer, std::uint64_t write_no) {
    auto const judgement = table.judge(id(writer), write_no, 0);
    BOOST_TEST((judgement.verdict == Verdict::repeated));
    return judgement.original;
  }

  WriterTable table{3};
  Seq next_seq = 1;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(writer_table_test, TableFixture)

BOOST_AUTO_TEST_CASE(a_writer_begins_with_1_and_its_numbers_rise) {
  BOOST_TEST((judge(1, 1) == Verdict::is_new));
  BOOST_TEST((judge(1, 2) == Verdict::forgotten));
  write(1, 1);
  BOOST_TEST((judge(1, 1) == Verdict::repeated));
  BOOST_TEST((judge(1, 2) == Verdict::is_new));
  BOOST_TEST((judge(1, 1000) == Verdict::is_new));
  BOOST_TEST((judge(2, 1) == Verdict::is_new));
}

BOOST_AUTO_TEST_CASE(a_repeated_write_is_answered_with_its_seqs) {
  write(1, 1);
  auto const second = write(1, 2, 5);
  write(1, 3);
  BOOST_TEST((original(1, 2) == second));
  BOOST_TEST((table.last(id(1))->write_no == 3U));
  BOOST_TEST(!table.last(id(2)).has_value());
}

BOOST_AUTO_TEST_CASE(a_number_that_was_passed_over_is_known_not_to_be_written) {
  write(1, 1);
  write(1, 5);
  BOOST_TEST((judge(1, 3) == Verdict::skipped));
}

BOOST_AUTO_TEST_CASE(
    a_writer_that_counted_on_this_connection_goes_on_although_nothing_was_written) {
  BOOST_TEST((judge(1, 2, 1) == Verdict::is_new));
  BOOST_TEST((judge(1, 2, 2) == Verdict::forgotten));
  BOOST_TEST((judge(1, 2, 3) == Verdict::forgotten));
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
  BOOST_TEST((judge(1, 2) == Verdict::is_new));
  BOOST_TEST((judge(2, 1) == Verdict::is_new));
  BOOST_TEST((judge(2, 2) == Verdict::forgotten));
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
  BOOST_TEST((judge(1, 3) == Verdict::is_new));
}

BOOST_AUTO_TEST_CASE(the_last_writes_of_a_writer_are_remembered_and_older_ones_are_not) {
  for (std::uint64_t no = 1; no <= WriterTable::writes_max + 5; ++no) write(1, no);
  BOOST_TEST((judge(1, 5) == Verdict::forgotten));
  BOOST_TEST((judge(1, 6) == Verdict::repeated));
  BOOST_TEST((judge(1, WriterTable::writes_max + 5) == Verdict::repeated));
}

BOOST_AUTO_TEST_CASE(staged_writes_are_remembered_beyond_the_limit) {
  write(1, 1);
  for (std::uint64_t no = 2; no <= WriterTable::writes_max + 5; ++no) stage(1, no);
  BOOST_TEST((judge(1, 1) == Verdict::repeated));
  table.publish(next_seq - 1);
  BOOST_TEST((judge(1, 5) == Verdict::forgotten));
  BOOST_TEST((judge(1, 6) == Verdict::repeated));
}

BOOST_AUTO_TEST_CASE(the_writer_that_wrote_longest_ago_is_forgotten_for_a_new_one) {
  write(1, 1);
  auto const of_2 = write(2, 1);
  write(3, 1);
  write(1, 2);
  BOOST_TEST(table.forgotten_seq() == 0U);
  write(4, 1);
  BOOST_TEST(table.size() == 3U);
  BOOST_TEST((judge(2, 2) == Verdict::forgotten));
  BOOST_TEST((judge(1, 2) == Verdict::repeated));
  BOOST_TEST((judge(1, 1) == Verdict::repeated));
  BOOST_TEST((judge(3, 1) == Verdict::repeated));
  BOOST_TEST(table.forgotten_seq() == of_2.last_seq);
}

BOOST_AUTO_TEST_CASE(a_writer_is_forgotten_for_what_is_on_disk_and_not_for_what_is_staged) {
  for (std::uint8_t writer = 1; writer <= 3; ++writer) write(writer, 1);
  auto const staged = stage(4, 1);
  BOOST_TEST((judge(1, 1) == Verdict::repeated));
  table.unstage_from(staged.first_seq);
  BOOST_TEST((judge(1, 1) == Verdict::repeated));
}

BOOST_AUTO_TEST_CASE(a_writer_with_staged_writes_keeps_those_when_it_is_forgotten) {
  for (std::uint8_t writer = 1; writer <= 3; ++writer) write(writer, 1);
  auto const fourth = stage(4, 1);
  auto const staged = stage(1, 2);
  table.publish(fourth.last_seq);
  BOOST_TEST((judge(1, 1) == Verdict::forgotten));
  BOOST_TEST((original(1, 2) == staged));
  table.publish(staged.last_seq);
  BOOST_TEST((original(1, 2) == staged));
  BOOST_TEST(table.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_retention_removed_is_forgotten) {
  auto const first = write(1, 1);
  write(2, 1);
  auto const second = write(1, 2);
  table.remove_up_to(second.first_seq - 1);
  BOOST_TEST((judge(1, 1) == Verdict::forgotten));
  BOOST_TEST((original(1, 2) == second));
  BOOST_TEST((judge(2, 2) == Verdict::forgotten));
  BOOST_TEST(table.size() == 1U);
  BOOST_TEST(table.forgotten_seq() == second.first_seq - 1);
  BOOST_TEST(first.last_seq < table.forgotten_seq());
}

BOOST_AUTO_TEST_CASE(a_writer_that_begins_anew_in_the_log_is_taken_from_there) {
  WriterTable larger{10};
  larger.stage(id(1), {57, 1, 1});
  larger.publish(1);
  larger.stage(id(1), {1, 2, 2});
  larger.publish(2);
  BOOST_TEST((larger.judge(id(1), 57, 0).verdict == Verdict::is_new));
  BOOST_TEST((larger.judge(id(1), 1, 0).verdict == Verdict::repeated));
  BOOST_TEST(larger.size() == 1U);
}

// Invariants checked: after random writes, refusals, retention and restarts, a table that is filled
// from the log says what the table says that lived through it all.
BOOST_AUTO_TEST_CASE(a_table_filled_from_the_log_says_what_the_one_before_it_said) {
  struct Group {
    std::uint8_t writer;
    NumberedWrite write;
  };
  std::mt19937_64 random(17);
  std::vector<Group> durable;
  std::vector<Group> staged;
  std::map<std::uint8_t, std::uint64_t> counted_to;
  Seq removed = 0;
  std::size_t compared = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto const writer = static_cast<std::uint8_t>(1 + random() % 6);
    auto const write_no = random() % 20 == 0 ? 1 : counted_to[writer] + 1 + random() % 2;
    if (judge(writer, write_no, counted_to[writer]) == Verdict::is_new) {
      staged.push_back({writer, stage(writer, write_no, 1 + random() % 3)});
      counted_to[writer] = write_no;
    }
    if (random() % 3 == 0 && !staged.empty()) {
      auto const count = 1 + random() % staged.size();
      table.publish(staged[count - 1].write.last_seq);
      durable.insert(durable.end(), staged.begin(),
                     staged.begin() + static_cast<std::ptrdiff_t>(count));
      staged.erase(staged.begin(), staged.begin() + static_cast<std::ptrdiff_t>(count));
    } else if (random() % 20 == 0 && !staged.empty()) {
      next_seq = staged.front().write.first_seq;
      table.unstage_from(next_seq);
      staged.clear();
    } else if (random() % 100 == 0 && !durable.empty()) {
      removed = std::max(removed, durable[random() % durable.size()].write.last_seq);
      table.remove_up_to(removed);
    }
    if (!staged.empty() || i % 10 != 0) continue;

    WriterTable restarted(3);
    for (auto const& [name, write] : durable) {
      if (write.last_seq <= removed) continue;
      restarted.stage(id(name), write);
      restarted.publish(write.last_seq);
    }
    restarted.remove_up_to(removed);
    BOOST_REQUIRE_EQUAL(restarted.size(), table.size());
    for (std::uint8_t name = 1; name <= 6; ++name) {
      for (auto const& group : durable) {
        auto const a = table.judge(id(name), group.write.write_no, 0);
        auto const b = restarted.judge(id(name), group.write.write_no, 0);
        BOOST_REQUIRE((a.verdict == b.verdict && a.original == b.original));
      }
      BOOST_REQUIRE((table.last(id(name)) == restarted.last(id(name))));
    }
    ++compared;
    std::erase_if(durable, [&](Group const& group) { return group.write.last_seq <= removed; });
  }
  BOOST_TEST(compared > 100U);
}

BOOST_AUTO_TEST_SUITE_END()
