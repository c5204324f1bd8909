// A start that takes packed entries by their notes against one that looks at each payload.
// Invariant checked: both fill the store with the same, and judge the log alike.
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/recovery/store_loader.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "support/environment.hpp"
#include "support/log_fixture.hpp"
#include "support/packed_log.hpp"
#include "support/sanitized.hpp"
#include "wal/recover/log_reading.hpp"

namespace {

using namespace stele;
using daemon::Seq;

wal::WriterId writer_id(std::uint64_t number) {
  wal::WriterId id{};
  id.front() = static_cast<std::uint8_t>(1 + number);
  return id;
}

/// Lives of a log, of which some left segments that are packed now.
class WrittenLog {
 public:
  explicit WrittenLog(std::uint64_t seed) : random_(seed) {
    options_ = test::LogFixture::small_options();
    options_.retain_bytes = chance(3) ? 10 * options_.segment_bytes : 0;
    options_.packing = {.worker = &worker_, .separator = ',', .notes = &notes_};
  }

  void live() {
    test::LogFixture life(disk, options_);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (auto commits = 20 + random_() % 100; commits > 0; --commits) {
      for (auto groups = 1 + random_() % 4; groups > 0; --groups) write_group(life);
      if (chance(12)) life.log->append_dropped(writer_id(random_() % 4), 1 + random_() % 9);
      if (chance(30)) life.log->append_acknowledged(1, 1 + random_() % 20);
      life.settle();
      if (chance(10)) life.idle();
    }
    if (chance(2)) return life.stop();
    life.start_commit();
    life.crash(test::Crash::power_cut);
  }
  void write_foreign() {
    test::LogFixture life(disk, options_);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 40; ++i) life.write(std::string(5000, 'x'));
    life.stop();
  }
  std::vector<std::string> packs() const {
    std::vector<std::string> names;
    for (auto const& name : disk.names()) {
      if (name.ends_with(".pack")) names.push_back(name);
    }
    return names;
  }

  test::SimulatedDisk disk{{}};

 private:
  bool chance(std::uint64_t of) { return random_() % of == 0; }

  void write_group(test::LogFixture& life) {
    Origin const origin{1, static_cast<std::uint32_t>(random_() % 3), 0};
    auto seq = life.log->next_seq();
    std::vector<std::string> payloads;
    for (auto entries = 1 + random_() % 12; entries > 0; --entries) {
      std::string const message = '"' + test::noise(random_() % 900) + '"';
      protocol::EntryDraft const draft{.level = static_cast<Level>(random_() % 6),
                                       .message = message,
                                       .metadata = protocol::empty_metadata};
      clock_ += random_() % 3 * (random_() % 5'000);
      auto const late = chance(10) ? random_() % 100'000 : 0;
      protocol::append_canonical_entry(payloads.emplace_back(), draft,
                                       {seq++, clock_ - late, origin});
    }
    wal::WriterMark mark;
    if (auto const writer = random_() % 5; writer < 3) {
      mark = {writer_id(writer), ++written_[writer], chance(9)};
    }
    life.append_group(payloads, mark);
  }

  std::mt19937_64 random_;
  wal::Options options_{};
  wal::InlinePackWorker worker_{};
  daemon::EntryNotes notes_{};
  std::uint64_t clock_ = 1'700'000'000'000'000;
  std::map<std::uint64_t, std::uint64_t> written_{};
};

/// What a start makes of a log.
class Start final : wal::RecoverySink {
 public:
  Start(test::SimulatedDisk const& disk, bool by_notes) : by_notes_(by_notes) {
    auto copy = disk.clone();
    auto const directory = copy.mount();
    wal::PackedDirectory packed(*directory);
    wal::ReadAhead reader(packed);
    auto read = wal::read_log(packed, reader, *this, report);
    BOOST_TEST_REQUIRE(read.has_value());
    recovered = std::move(read->recovered);
  }

  test::StandingClock clock{};
  daemon::Store store{};
  daemon::StoreLoader loader{store, clock};
  wal::RecoveryReport report{};
  wal::Recovered recovered{};
  std::uint64_t packs_taken = 0;

 private:
  bool on_pack(wal::PackContents& contents) override {
    bool const taken = by_notes_ && loader.on_pack(contents);
    packs_taken += taken ? 1 : 0;
    return taken;
  }
  void on_group(wal::WriterMark const& writer, Seq first, Seq last) override {
    loader.on_group(writer, first, last);
  }
  void on_payload(Seq seq, std::string_view payload) override { loader.on_payload(seq, payload); }
  void on_commit(std::uint64_t segment_no, std::uint64_t disk_bytes) override {
    loader.on_commit(segment_no, disk_bytes);
  }
  void on_packed(wal::PackedBlock block) override { loader.on_packed(std::move(block)); }
  void on_gap(wal::Gap const& gap) override { loader.on_gap(gap); }

  bool by_notes_;
};

std::string text_of(daemon::TimeKey key, daemon::Store const& store) {
  daemon::Store::Finder finder(store);
  return std::to_string(key.timestamp) + ' ' + std::string(finder.find(key.seq).text) + '\n';
}

std::string contents_of(daemon::Store const& store) {
  std::string text = std::to_string(store.visible_seq()) + ' ' +
                     std::to_string(store.removed_seq()) + ' ' +
                     std::to_string(store.history().bytes()) + '\n';
  for (auto const& [uid, bytes] : store.history().largest(10)) {
    text += std::to_string(uid) + " has " + std::to_string(bytes) + '\n';
  }
  store.index().ascend({}, [&](daemon::TimeIndex::Keys keys) {
    for (auto const key : keys) text += text_of(key, store);
    return true;
  });
  return text;
}

std::string text_of(wal::LogEnd const& end) {
  return std::to_string(end.commit_no) + ' ' + std::to_string(end.chain) + ' ' +
         std::to_string(end.next_seq);
}

std::string judgement_of(Start const& start) {
  auto const& report = start.report;
  std::string text = text_of(start.recovered.start) + ' ' + std::to_string(report.bytes) + ' ' +
                     std::to_string(report.commits) + ' ' + std::to_string(report.payloads) + ' ' +
                     (report.clean_stop ? "clean" : "not clean") + '\n' +
                     test::text_of(report.gaps) + test::text_of(report.acknowledgements) +
                     test::text_of(start.recovered.new_gaps);
  for (auto const& finding : report.findings) text += finding + '\n';
  for (auto const& segment : start.recovered.segments) {
    text += std::to_string(segment.segment_no) + ' ' + std::to_string(segment.bytes) + ' ' +
            std::to_string(segment.end_offset) + ' ' + std::to_string(segment.first_commit_no) +
            ' ' + std::to_string(segment.first_chain) + ' ' + std::to_string(segment.first_seq) +
            ' ' + std::to_string(segment.last_age.count()) + (segment.damaged ? " damaged" : "") +
            (segment.ends_in_zeros ? " zeros" : "") + (segment.packed ? " packed\n" : "\n");
  }
  return text;
}

/// Of each write that might be remembered, what is.
std::string knowledge_of(daemon::Store& store) {
  std::string text;
  for (std::uint64_t writer = 0; writer < 3; ++writer) {
    auto const attached = store.writers().attach(writer_id(writer), store.visible_seq());
    for (auto const& written : store.writers().knowledge(attached).written) {
      text += std::to_string(written.write_no) + ' ' + std::to_string(written.first_seq) + ' ' +
              std::to_string(written.last_seq) + '\n';
    }
  }
  return text;
}

std::uint64_t lives_of(std::uint64_t seed) { return 1 + seed % 4; }

void check_alike(test::SimulatedDisk const& disk, Start& by_notes) {
  Start by_payloads(disk, false);
  BOOST_TEST((contents_of(by_notes.store) == contents_of(by_payloads.store)));
  BOOST_TEST(judgement_of(by_notes) == judgement_of(by_payloads));
  BOOST_TEST(knowledge_of(by_notes.store) == knowledge_of(by_payloads.store));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(packed_start_test)

BOOST_AUTO_TEST_CASE(a_start_by_notes_fills_the_store_as_one_by_payloads_does) {
  std::uint64_t packs = 0;
  for (std::uint64_t seed = 1; seed <= (test::is_sanitized_test ? 6U : 24U); ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      WrittenLog log(seed);
      for (auto lives = lives_of(seed); lives > 0; --lives) log.live();
      Start by_notes(log.disk, true);
      // What a crash left behind the last commit is looked at.
      BOOST_TEST(by_notes.packs_taken + lives_of(seed) > by_notes.recovered.packed.size());
      packs += by_notes.packs_taken;
      check_alike(log.disk, by_notes);
    }
  }
  BOOST_TEST(packs > 0u);
}

BOOST_AUTO_TEST_CASE(whatever_is_damaged_a_start_by_notes_gives_what_one_by_payloads_gives) {
  std::mt19937_64 random(1);
  for (std::uint64_t seed = 1; seed <= (test::is_sanitized_test ? 10U : 40U); ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      WrittenLog log(100 + seed);
      for (int lives = 0; lives < 2; ++lives) log.live();
      auto const packs = log.packs();
      BOOST_TEST_REQUIRE(!packs.empty());
      for (auto places = 1 + random() % 3; places > 0; --places) {
        auto& bytes = log.disk.bytes(packs[random() % packs.size()]);
        auto const at = random() % bytes.size();
        auto const count = random() % 2 == 0 ? 1 : random() % 40'000;
        for (auto i = at; i < std::min(bytes.size(), at + count); ++i) bytes[i] ^= std::byte{1};
      }
      Start by_notes(log.disk, true);
      check_alike(log.disk, by_notes);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pack_with_the_bytes_of_another_gives_no_entry_twice) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      WrittenLog log(200 + seed);
      for (int lives = 0; lives < 3; ++lives) log.live();
      auto const packs = log.packs();
      BOOST_TEST_REQUIRE(packs.size() > 2u);
      auto const copied = log.disk.bytes(packs[seed % 2 == 0 ? 0 : packs.size() - 1]);
      log.disk.put(packs[packs.size() / 2], copied);
      Start by_notes(log.disk, true);
      check_alike(log.disk, by_notes);
    }
  }
}

BOOST_AUTO_TEST_CASE(payloads_that_are_no_entries_get_no_notes_and_are_counted_one_by_one) {
  WrittenLog log(1);
  log.live();
  auto const before = log.packs().size();
  log.write_foreign();
  BOOST_TEST_REQUIRE(log.packs().size() > before);
  Start start(log.disk, true);
  BOOST_TEST(start.packs_taken < log.packs().size());
  BOOST_TEST(start.loader.rejected() == 40u);
  check_alike(log.disk, start);
}

BOOST_AUTO_TEST_CASE(a_note_of_a_block_that_is_cut_or_changed_is_refused_or_fits) {
  daemon::BlockNoteWriter writer;
  std::vector<std::uint64_t> written;
  for (std::uint64_t i = 0; i < 50; ++i) {
    written.push_back(1'700'000'000'000'000 + i * i * 997 % 1'000'000);
    writer.add(written.back(), static_cast<Level>(i % 6));
  }
  auto const note = writer.take();
  std::vector<std::uint64_t> read;
  BOOST_TEST(daemon::append_timestamps(note, written.size(), read));
  BOOST_TEST(read == written, boost::test_tools::per_element());
  BOOST_TEST(daemon::read_block_summary(note, written.size())->of_level[5] == 8u);
  for (std::size_t length = 0; length < note.size(); ++length) {
    read.clear();
    BOOST_TEST(!daemon::append_timestamps(std::span(note).first(length), written.size(), read));
  }
  for (std::size_t at = 0; at < note.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      auto changed = note;
      changed[at] = static_cast<std::byte>(value);
      read.clear();
      bool const fits = daemon::append_timestamps(changed, written.size(), read);
      BOOST_TEST((!fits || read.size() == written.size()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_note_of_a_pack_that_does_not_fit_it_is_refused_and_nothing_is_taken) {
  test::StandingClock clock;
  daemon::Store store;
  daemon::StoreLoader loader(store, clock);
  std::vector<wal::PackedGroup> const groups(3, {{}, 1, 1});
  for (auto const& stretches : std::vector<std::vector<daemon::PackNote::Stretch>>{
           {}, {{0, 2}}, {{0, 4}}, {{0, 2}, {1, 2}}, {{0, UINT64_MAX}, {1, 4}}}) {
    auto const note = daemon::encode_pack_note({.groups = stretches});
    wal::PackContents contents{.note = note, .groups = groups};
    BOOST_TEST(!loader.on_pack(contents));
  }
  auto const note = daemon::encode_pack_note({.groups = {{0, 1}, {700, 2}}, .users = {{700, 9}}});
  BOOST_TEST(daemon::decode_pack_note(note)->users.front().bytes == 9u);
  for (std::size_t length = 0; length < note.size(); ++length) {
    BOOST_TEST(!daemon::decode_pack_note(std::span(note).first(length)).has_value());
  }
  BOOST_TEST(store.visible_seq() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
