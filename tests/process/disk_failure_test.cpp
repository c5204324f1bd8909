// A full disk, and a disk that refuses: no acknowledgement without the bytes, in either case.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

/// A small file system at the daemon's data directory.
class SmallDisk {
 public:
  SmallDisk(std::string const& path, std::string const& options) : path_(path) {
    std::filesystem::create_directory(path);
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  SmallDisk(SmallDisk const&) = delete;
  SmallDisk& operator=(SmallDisk const&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

boost::test_tools::assertion_result may_mount(boost::unit_test::test_unit_id /*unit*/) {
  stele::test::TempDir const home;
  boost::test_tools::assertion_result result(SmallDisk(home / "disk", "size=1M").mounted());
  result.message() << "needs root, to mount a small file system";
  return result;
}

std::string write_request(int number) {
  return R"({"op":"write_log","entry":{"message":"m)" + std::to_string(number) + " " +
         std::string(50'000, 'x') + "\"}}";
}

/// Another program on the same disk, which takes whatever is free and whatever becomes free.
class GreedyNeighbour {
 public:
  explicit GreedyNeighbour(std::string const& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
        thread_([this] { take(); }) {
    while (!disk_was_full_) std::this_thread::yield();
  }
  GreedyNeighbour(GreedyNeighbour const&) = delete;
  GreedyNeighbour& operator=(GreedyNeighbour const&) = delete;
  ~GreedyNeighbour() {
    ends_ = true;
    thread_.join();
    ::close(fd_);
  }

 private:
  void take() {
    std::string const block(4096, 'n');
    while (!ends_) {
      if (::write(fd_, block.data(), block.size()) > 0) continue;
      disk_was_full_ = true;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }

  int fd_;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> disk_was_full_ = false;
  std::thread thread_;
};

/// Acknowledged writes by seq, and whether the log holds each of them.
class Acked {
 public:
  void add(boost::json::object const& reply, int number) {
    numbers_[reply.at("seq").to_number<std::uint64_t>()] = number;
  }
  bool are_all_in(std::vector<stele::test::WireEntry> const& stored) const {
    std::size_t found = 0;
    for (auto const& entry : stored) {
      auto const place = numbers_.find(entry.seq);
      if (place == numbers_.end()) continue;
      auto const message = "\"message\":\"m" + std::to_string(place->second) + " ";
      found += entry.body.find(message) != std::string::npos;
    }
    return found == numbers_.size();
  }
  std::size_t count() const { return numbers_.size(); }

 private:
  std::map<std::uint64_t, int> numbers_{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_failure_test)

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_mount))
BOOST_DATA_TEST_CASE(a_full_disk_refuses_writes_serves_reads_and_heals_by_itself,
                     stele::test::backends(), backend) {
  Steled daemon(backend);
  SmallDisk const disk(daemon.data_dir(), "size=24M,mode=0700");
  auto const filler = daemon.data_dir() + "/filler";
  // A log is there first: a directory with other files alone is refused.
  daemon.start();
  BOOST_REQUIRE_EQUAL(daemon.stop(), 0);
  stele::test::write_file(filler, std::string(8 << 20, 'f'));
  daemon.start();
  WirePeer peer(daemon.socket());
  Acked acked;
  int number = 0;
  boost::json::object refusal;
  for (; number < 10'000; ++number) {
    auto const reply = peer.ask(write_request(number));
    if (!reply.at("ok").as_bool()) {
      refusal = reply;
      break;
    }
    acked.add(reply, number);
  }
  BOOST_TEST(error_code_of(refusal) == "no_space");
  BOOST_TEST(refusal.at("state").as_string() == "not_written");
  BOOST_TEST(refusal.at("error").at("retryable").as_bool());
  BOOST_TEST(acked.count() > 0U);
  BOOST_TEST(acked.are_all_in(stele::test::read_entries(peer)));

  std::filesystem::remove(filler);
  auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
  for (;; ++number) {
    auto const reply = peer.ask(write_request(number));
    if (reply.at("ok").as_bool()) {
      acked.add(reply, number);
      break;
    }
    BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
    daemon.process().wait_for(std::chrono::milliseconds(10));
  }
  daemon.kill_hard();
  daemon.start();
  WirePeer reader(daemon.socket());
  auto const stored = stele::test::read_entries(reader);
  BOOST_TEST(acked.are_all_in(stored));
  BOOST_TEST(stored.size() == acked.count());
  daemon.stop();
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_mount))
BOOST_DATA_TEST_CASE(a_log_at_its_limit_goes_on_beside_one_who_takes_all_space,
                     stele::test::backends(), backend) {
  std::vector<std::string> const larger{"--segment-bytes", "1M", "--retain-bytes", "12M"};
  Steled daemon(backend, larger);
  SmallDisk const disk(daemon.data_dir(), "size=24M,mode=0700");
  daemon.start();
  Acked acked;
  int number = 0;
  auto const write_on = [&](int count) {
    WirePeer peer(daemon.socket());
    for (int const end = number + count; number < end; ++number) {
      auto const reply = peer.ask(write_request(number));
      BOOST_REQUIRE_MESSAGE(reply.at("ok").as_bool(), "write " << number);
      acked.add(reply, number);
    }
  };
  auto const log_bytes = [&] {
    WirePeer peer(daemon.socket());
    return peer.ask(R"({"op":"stats"})").at("wal").at("log_bytes").to_number<std::uint64_t>();
  };
  write_on(300);
  GreedyNeighbour const neighbour(daemon.data_dir() + "/neighbour");
  write_on(300);
  BOOST_TEST(log_bytes() <= (12U << 20));

  // A lower limit, as one does against a full disk, takes effect at the next start.
  BOOST_TEST(daemon.stop() == 0);
  daemon.use_flags({"--segment-bytes", "1M", "--retain-bytes", "4M"});
  daemon.start();
  write_on(100);
  BOOST_TEST(log_bytes() <= (4U << 20));
  daemon.kill_hard();
  daemon.start();
  write_on(100);
  WirePeer reader(daemon.socket());
  auto const audit = reader.ask(R"({"op":"audit"})");
  BOOST_TEST(audit.at("complete").as_bool());
  BOOST_TEST(audit.at("last_seq").to_number<int>() == number);
}

// A limit on the size of files makes the next write fail with EFBIG, as a failing device would
// with EIO. The signal that comes with it is ignored, or it would end the daemon first.
BOOST_DATA_TEST_CASE(a_failed_write_is_told_as_log_failed_and_ends_the_daemon_with_74,
                     stele::test::backends(), backend) {
  auto* const previous = ::signal(SIGXFSZ, SIG_IGN);
  Steled daemon(backend);
  daemon.start();
  ::signal(SIGXFSZ, previous);
  WirePeer peer(daemon.socket());
  WirePeer idle(daemon.socket());
  idle.ask(R"({"op":"ping"})");
  Acked acked;
  for (int number = 0; number < 20; ++number) {
    acked.add(peer.ask(write_request(number)), number);
  }
  rlimit const limit{4096, RLIM_INFINITY};
  BOOST_REQUIRE(::prlimit(daemon.process().pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
  auto const reply = peer.ask(write_request(20));
  BOOST_TEST(error_code_of(reply) == "log_failed");
  BOOST_TEST(reply.at("state").as_string() == "unknown");
  BOOST_TEST(daemon.process().wait() == 74);
  BOOST_TEST(!peer.receive());
  BOOST_TEST(!idle.receive());

  daemon.start();
  WirePeer reader(daemon.socket());
  auto const stored = stele::test::read_entries(reader);
  BOOST_TEST(acked.are_all_in(stored));
  BOOST_TEST(stored.size() <= acked.count() + 1);
}

BOOST_AUTO_TEST_SUITE_END()
