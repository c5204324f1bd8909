// A log at work packs what it has left, and nothing else of it changes.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/environment.hpp"
#include "support/packed_log.hpp"
#include "support/sanitized.hpp"
#include "support/segment_view.hpp"
#include "wal/format/manifest.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

InlinePackWorker worker;

/// Takes its time: until finish().
class SlowPackWorker final : public PackWorker {
 public:
  void start(std::function<void()> work) override { work_ = std::move(work); }
  bool is_done() const noexcept override { return !work_; }
  void wait() noexcept override { finish(); }
  void finish() {
    if (auto const work = std::exchange(work_, nullptr)) work();
  }

 private:
  std::function<void()> work_{};
};

Options packing_options() {
  auto options = LogFixture::small_options();
  options.packing = {.worker = &worker, .separator = ','};
  return options;
}

std::vector<std::uint64_t> packs_of(SimulatedDisk const& disk) {
  std::vector<std::uint64_t> numbers;
  for (auto const& name : disk.names()) {
    if (auto const number = parse_pack_name(name)) numbers.push_back(*number);
  }
  return numbers;
}

std::uint8_t manifest_major(SimulatedDisk const& disk) {
  return std::to_integer<std::uint8_t>(disk.bytes(std::string(manifest_name))[8]);
}

/// Payloads that were acknowledged, and those that may be there.
struct Written {
  std::map<Seq, std::string> durable{};
  std::map<Seq, std::string> sent{};
};

/// Writes until the disk stops.
void write_until_stopped(LogFixture& life, SimulatedDisk const& disk, int count, Written& written) {
  for (int i = 0; i < count && !disk.stopped(); ++i) {
    if (life.log->admit(1, 9000)) return;
    auto const payload = noise(200 + static_cast<std::size_t>(i) * 397 % 9000);
    auto const seq = life.append(payload);
    written.sent[seq] = payload;
    life.settle();
    for (auto const& [sent, text] : written.sent) {
      if (sent <= life.listener.durable) written.durable[sent] = text;
    }
  }
}

/// All that was acknowledged is there, and nothing that was never sent.
void check_start(SimulatedDisk& disk, Options const& options, Written const& written) {
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  for (auto const& [seq, payload] : written.durable) {
    auto const found = life.sink.payloads.find(seq);
    bool const is_there = found != life.sink.payloads.end() && found->second == payload;
    BOOST_TEST(is_there, "seq " << seq);
  }
  for (auto const& [seq, payload] : life.sink.payloads) {
    auto const sent = written.sent.find(seq);
    BOOST_TEST((sent != written.sent.end() && sent->second == payload));
  }
  for (auto const& finding : life.report().findings) {
    BOOST_TEST(finding.find("unfinished commit") != std::string::npos, finding);
  }
  life.settle();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_packing_test)

BOOST_AUTO_TEST_CASE(segments_that_were_left_become_packs) {
  SimulatedDisk disk{{}};
  auto const options = packing_options();
  std::map<Seq, std::string> payloads;
  {
    LogFixture life(disk, options);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 60; ++i) {
      auto const payload = std::to_string(i) + std::string(5000, 'x');
      payloads[life.write(payload)] = payload;
    }
    BOOST_TEST(packs_of(disk).size() == life.metrics().segments - 1);
    BOOST_TEST(life.metrics().segments_packed == packs_of(disk).size());
    BOOST_TEST(life.metrics().packed_bytes < life.metrics().packed_from_bytes / 2);
    BOOST_TEST(life.metrics().segments_not_packed == 0u);
    life.stop();
  }
  auto const before = packs_of(disk).size();
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads == payloads));
  BOOST_TEST(life.report().findings.empty());
  // Also the one that was active when the life before ended.
  life.write("next");
  BOOST_TEST(packs_of(disk).size() == before + 1);
}

BOOST_AUTO_TEST_CASE(the_owner_gets_the_blocks_of_each_pack_when_it_is_made_and_at_a_start) {
  SimulatedDisk disk{{}};
  std::map<Seq, std::string> payloads;
  {
    LogFixture life(disk, packing_options());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 60; ++i) {
      auto const payload = std::to_string(i) + std::string(5000, 'x');
      payloads[life.write(payload)] = payload;
    }
    // All but what lies in the active segment.
    auto const active = life.metrics().active_first_seq;
    std::map<Seq, std::string> const left(payloads.begin(), payloads.lower_bound(active));
    BOOST_TEST(!left.empty());
    BOOST_TEST((life.listener.packed->payloads == left));
    life.crash(Crash::kill);
    LogFixture next(disk, LogFixture::small_options());
    BOOST_TEST_REQUIRE(next.open(), next.failure.message);
    BOOST_TEST((next.sink.packed->payloads == left));
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_does_not_pack_reads_what_another_life_has_packed) {
  SimulatedDisk disk{{}};
  Written written;
  {
    LogFixture life(disk, packing_options());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    write_until_stopped(life, disk, 40, written);
    life.stop();
  }
  BOOST_TEST(!packs_of(disk).empty());
  check_start(disk, LogFixture::small_options(), written);
  // And while one is there, a program that knows none is to refuse the log.
  BOOST_TEST(manifest_major(disk) == 2);
}

BOOST_AUTO_TEST_CASE(whenever_it_is_interrupted_nothing_that_was_durable_is_lost) {
  std::uint64_t const step = number_from_environment("STELE_PACK_STEP", is_sanitized_test ? 10 : 3);
  std::size_t with_both = 0;
  for (std::uint64_t stop = 0; stop < 260; stop += step) {
    for (auto const kind : {Crash::kill, Crash::power_cut}) {
      SimulatedDisk disk({.seed = stop + 1});
      Written written;
      {
        LogFixture life(disk, packing_options());
        disk.stop_after(stop);
        if (life.open()) write_until_stopped(life, disk, 40, written);
        life.crash(kind);
      }
      BOOST_TEST_CONTEXT("stopped after " << stop) {
        for (auto const number : packs_of(disk)) with_both += disk.has(segment_name(number));
        auto with_packing = disk.clone();
        check_start(with_packing, packing_options(), written);
        check_start(with_packing, packing_options(), written);
        check_start(disk, LogFixture::small_options(), written);
      }
    }
  }
  BOOST_TEST(with_both > 0u);
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_damaged_is_told_once_and_stays) {
  SimulatedDisk disk{{}};
  struct Listener final : LogListener {
    void on_durable(Seq seq) override { durable = seq; }
    void on_refused(Seq) override {}
    void on_failed(Failure const&) override {}
    void on_expired(Seq) override {}
    void on_not_packed(Failure const& failure) override { told.push_back(failure.message); }
    Seq durable = 0;
    std::vector<std::string> told{};
  };
  {
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.fill(30);
    life.stop();
  }
  // The start finds nothing wrong; what it read rots before it is packed.
  auto const directory = disk.mount();
  Listener listener;
  CollectingSink sink;
  auto options = packing_options();
  options.entropy = [&] { return disk.random(UINT64_MAX); };
  auto opened = Log::open(*directory, options, sink, listener);
  BOOST_TEST_REQUIRE(opened.has_value());
  auto const name = segment_name(1);
  disk.bytes(name)[commits_of(disk, name).at(3).offset + 100] ^= std::byte{1};
  auto const before = disk.bytes(name);
  Instant now{};
  for (int i = 0; i < 300; ++i) (*opened)->poll(now);
  BOOST_TEST_REQUIRE(listener.told.size() == 1u);
  BOOST_TEST(listener.told[0].starts_with(name + ": not packed: offset "), listener.told[0]);
  BOOST_TEST((*opened)->metrics().segments_not_packed == 1u);
  BOOST_TEST((*opened)->metrics().segments_packed >= 2u);
  BOOST_TEST((disk.bytes(name) == before));
  std::string_view const payload = "goes on";
  auto const seq = (*opened)->append({}, std::span(&payload, 1));
  (*opened)->start_commit(now);
  for (int i = 0; i < 20; ++i) (*opened)->poll(now);
  BOOST_TEST(listener.durable == seq);
}

BOOST_AUTO_TEST_CASE(a_pack_that_had_to_be_repaired_is_written_again) {
  SimulatedDisk disk{{}};
  Written written;
  {
    LogFixture life(disk, packing_options());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    write_until_stopped(life, disk, 40, written);
    life.stop();
  }
  auto const name = pack_name(packs_of(disk).front());
  auto const whole = disk.bytes(name);
  for (std::size_t at = 1000; at < 9000; at += 1700) {
    auto damaged = disk.clone();
    damaged.bytes(name)[at] ^= std::byte{1};
    LogFixture life(damaged, packing_options());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST_REQUIRE(life.report().findings.size() == 1u);
    BOOST_TEST(life.report().findings[0].starts_with(name + ": damaged sectors: 1;"));
    life.settle();
    BOOST_TEST((damaged.bytes(name) == whole));
    BOOST_TEST(life.metrics().segments_not_packed == 0u);
    life.stop();
    check_start(damaged, packing_options(), written);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_postpones_packing_and_it_goes_on_with_room) {
  SimulatedDisk disk{{}};
  {
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 30; ++i) life.write(noise(5000));
    life.stop();
  }
  LogFixture life(disk, packing_options());
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  disk.set_capacity(disk.used_bytes() + 4096);
  life.settle();
  BOOST_TEST(packs_of(disk).empty());
  BOOST_TEST(life.log->next_deadline().has_value());
  disk.set_capacity(UINT64_MAX);
  life.wait(std::chrono::seconds(2));
  BOOST_TEST(packs_of(disk).size() >= 3u);
  BOOST_TEST(life.metrics().segments_not_packed == 0u);
}

BOOST_AUTO_TEST_CASE(retention_goes_on_beside_it_and_leaves_no_file_behind) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SimulatedDisk disk({.seed = seed});
    SlowPackWorker slow;
    auto options = packing_options();
    options.packing.worker = &slow;
    options.retain_bytes = 400 << 10;
    LogFixture life(disk, options);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 120; ++i) {
      life.append(noise(5000));
      life.start_commit();
      for (std::uint64_t polls = disk.random(12); polls > 0; --polls) life.poll();
      if (disk.random(4 + seed) == 0) slow.finish();
    }
    for (int i = 0; i < 50; ++i) {
      slow.finish();
      life.settle();
    }
    BOOST_TEST(life.metrics().segments_packed > 0u);
    BOOST_TEST(life.listener.expired > 0u);
    auto const decoded = decode_manifest(std::span<std::byte const, manifest_bytes>(
        disk.bytes(std::string(manifest_name)).data(), manifest_bytes));
    auto const& manifest = std::get<Manifest>(decoded);
    for (auto const& name : disk.names()) {
      auto const number = parse_pack_name(name) ? parse_pack_name(name) : parse_segment_name(name);
      if (number) BOOST_TEST(*number >= manifest.first_segment_no, name);
      BOOST_TEST((!is_unfinished_name(name) || name == unfinished(manifest_name)), name);
    }
    life.stop();
  }
}

BOOST_AUTO_TEST_CASE(manifest_says_that_there_may_be_packs_as_long_as_there_may_be) {
  SimulatedDisk disk{{}};
  auto options = LogFixture::small_options();
  {
    LogFixture life(disk, options);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.fill(20);
    life.stop();
  }
  BOOST_TEST(manifest_major(disk) == 1);
  {
    LogFixture life(disk, packing_options());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(manifest_major(disk) == 2);
    life.settle();
    BOOST_TEST(!packs_of(disk).empty());
    life.stop();
  }
  options.retain_bytes = 100 << 10;
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  life.fill(60);
  BOOST_TEST(packs_of(disk).empty());
  life.stop();
  BOOST_TEST(manifest_major(disk) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
