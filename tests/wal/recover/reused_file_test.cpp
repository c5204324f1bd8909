// On a full disk a log writes over files that it has no use for any more, and who reads beside it
// may have them open.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "support/forwarding_directory.hpp"
#include "support/log_fixture.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/backup.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/recover/log_files.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::ForwardingDirectory;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(reused_file_test)
namespace {

/// Lets something happen when a file of this name is first made.
class EventfulTarget final : public ForwardingDirectory {
 public:
  EventfulTarget(Directory& directory, std::string name, std::function<void()> event)
      : ForwardingDirectory(directory), name_(std::move(name)), event_(std::move(event)) {}

  Result<std::unique_ptr<File>> create(std::string_view name, std::uint64_t bytes) override {
    if (name == name_ && event_) std::exchange(event_, nullptr)();
    return ForwardingDirectory::create(name, bytes);
  }

 private:
  std::string name_;
  std::function<void()> event_;
};

/// MANIFEST is half written, this many times that it is opened.
class HalfWritten final : public ForwardingDirectory {
 public:
  HalfWritten(Directory& directory, SimulatedDisk& disk, int times)
      : ForwardingDirectory(directory), disk_(disk), times_(times) {}

  Result<std::unique_ptr<File>> open(std::string_view name) override {
    auto& byte = disk_.bytes(std::string(manifest_name)).at(60);
    if (std::exchange(is_changed_, false)) byte ^= std::byte{1};
    if (times_-- > 0) {
      byte ^= std::byte{1};
      is_changed_ = true;
    }
    return ForwardingDirectory::open(name);
  }

 private:
  SimulatedDisk& disk_;
  int times_;
  bool is_changed_ = false;
};

Options retaining(std::uint64_t segments) {
  auto options = LogFixture::small_options();
  options.retain_bytes = segments * options.segment_bytes;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_segment_that_becomes_another_while_it_is_copied_is_not_in_the_copy) {
  SimulatedDisk disk{{}};
  SimulatedDisk copy{{.seed = 5}};
  LogFixture life(disk, retaining(6));
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  life.fill(100);
  life.idle();
  disk.take_free_space();
  auto const removed = life.metrics().segments_removed;
  auto const first = removed + 1;
  BOOST_TEST_REQUIRE(disk.has(segment_name(first)));
  auto const from = disk.mount();
  auto const mounted = copy.mount();
  EventfulTarget to(*mounted, unfinished(segment_name(first)), [&] {
    while (life.metrics().segments_removed == removed) life.fill(1);
  });
  auto const done = backup_log(*from, to, [] { return true; });
  BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
  BOOST_TEST(life.metrics().segments_removed == first);
  BOOST_TEST(!copy.has(segment_name(first)));
  BOOST_TEST(!copy.has(unfinished(segment_name(first))));
  LogFixture restored(copy, retaining(6));
  BOOST_TEST_REQUIRE(restored.open(), restored.failure.message);
  BOOST_TEST(restored.report().findings.empty());
  BOOST_TEST(restored.sink.payloads.rbegin()->first == 100U);
  BOOST_TEST(restored.sink.payloads.begin()->first == restored.expired_when_opened() + 1);
}

// Retention takes the segment in which the earlier copy ends while that is copied, and no other.
BOOST_AUTO_TEST_CASE(a_copy_that_retention_overtakes_by_one_segment_is_a_log) {
  for (std::uint64_t stop = 0; stop < 40; ++stop) {
    SimulatedDisk disk{{}};
    SimulatedDisk copy{{.seed = 5}};
    LogFixture life(disk, retaining(6));
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.fill(100);
    life.idle();
    auto const last = life.metrics().segments_made;
    auto const from = disk.mount();
    BOOST_TEST_REQUIRE(backup_log(*from, *copy.mount(), [] { return true; }).has_value());
    while (life.metrics().segments_removed < last - 1) life.fill(1);
    life.idle();
    auto const mounted = copy.mount();
    EventfulTarget to(*mounted, unfinished(segment_name(last)), [&] {
      while (life.metrics().segments_removed < last) life.fill(1);
    });
    copy.stop_after(stop);
    (void)backup_log(*from, to, [] { return true; });
    copy.crash(Crash::kill);
    auto const checked = check_log(*copy.mount(), [] { return false; });
    BOOST_TEST_REQUIRE(checked.has_value());
    BOOST_TEST(!checked->has(Finding::Kind::damage), "stopped at " << stop);
  }
}

BOOST_AUTO_TEST_CASE(a_manifest_that_is_written_over_while_it_is_read_is_read_again) {
  for (int const times : {0, 1, 2, 3}) {
    SimulatedDisk disk{{}};
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.stop();
    auto const mounted = disk.mount();
    HalfWritten directory(*mounted, disk, times);
    auto const read = read_manifest(directory);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(std::holds_alternative<Manifest>(*read) == (times < 3), times << " times");
  }
}

BOOST_AUTO_TEST_SUITE_END()
