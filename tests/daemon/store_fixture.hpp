// A store with verbs for tests: entries by their timestamps and messages.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/query/range_read.hpp"
#include "daemon/store/store.hpp"
#include "protocol/entry/canonical_entry.hpp"

namespace stele::test {

struct StoreFixture {
  /// Stages an entry; returns its canonical text.
  std::string stage(std::uint64_t timestamp, std::string_view message = "m",
                    Level level = Level::info) {
    std::string const quoted = '"' + std::string(message) + '"';
    protocol::EntryDraft draft;
    draft.level = level;
    draft.message = quoted;
    draft.metadata = "{}";
    protocol::EntryStamp const stamp{next_seq++, timestamp, Origin{1, 2, 3}};
    return std::string(store.stage(draft, stamp));
  }
  std::string write(std::uint64_t timestamp, std::string_view message = "m",
                    Level level = Level::info) {
    auto const text = stage(timestamp, message, level);
    store.publish(next_seq - 1);
    return text;
  }
  void write_all(std::vector<std::uint64_t> const& timestamps) {
    for (auto const timestamp : timestamps) write(timestamp);
  }

  daemon::RangeRead begin(protocol::ReadLogs const& request) {
    auto read = daemon::RangeRead::make(request);
    BOOST_REQUIRE(read.has_value());
    BOOST_REQUIRE(read->begin(store).has_value());
    return *read;
  }
  /// One step, in a turn of its own.
  daemon::RangeRead::Step take_step(daemon::RangeRead& read, std::size_t bytes_max) {
    daemon::TurnBudget budget;
    return read.step(store, bytes_max, budget);
  }
  /// All entries of a read, as one JSON array without its brackets.
  std::string read_all(daemon::RangeRead& read, std::size_t step_bytes = 1 << 20) {
    std::string text;
    for (;;) {
      auto const step = take_step(read, step_bytes);
      for (auto const& run : step.runs) {
        if (!text.empty()) text += ',';
        text += run.text;
      }
      if (step.status != daemon::RangeRead::Status::more) return text;
    }
  }
  std::string read_all(protocol::ReadLogs const& request) {
    auto read = begin(request);
    return read_all(read);
  }

  daemon::Store store{};
  daemon::Seq next_seq = 1;
};

}  // namespace stele::test
