#include "daemon/operations/machine_memory.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/operations/default_log.hpp"
#include "daemon/operations/memory_account.hpp"

using namespace stele::daemon;

namespace {

constexpr std::uint64_t mib_bytes = std::uint64_t{1} << 20;

/// A machine as its kernel tells it.
struct Machine {
  Machine() { std::filesystem::create_directories(root); }
  ~Machine() { std::filesystem::remove_all(root); }
  Machine(Machine const&) = delete;
  Machine& operator=(Machine const&) = delete;

  void tell(std::string const& path, std::string const& text) const {
    auto const whole = root / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  void has(std::uint64_t total_mib, std::uint64_t free_mib) {
    bytes = total_mib * mib_bytes;
    tell("proc/meminfo",
         "MemTotal:       " + std::to_string(total_mib * 1024) +
             " kB\nMemFree:  1 kB\nMemAvailable:   " + std::to_string(free_mib * 1024) + " kB\n");
  }
  MachineMemory look() const {
    return look_at_memory({.machine_bytes = bytes,
                           .proc = (root / "proc").string(),
                           .cgroups = (root / "groups").string()});
  }

  std::uint64_t bytes = 0;
  std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("stele-machine-" + std::to_string(::getpid()));
};

/// Writes the settings that a line proposes into a file, as a person would.
void take_proposal(std::string const& line, Config& config) {
  auto const begin = line.find("; set ") + 6;
  auto list = line.substr(begin, line.rfind(", or give it more") - begin);
  for (auto at = list.find(", "); at != list.npos; at = list.find(", ")) list.replace(at, 2, "\n");
  std::istringstream file(list);
  BOOST_TEST(parse_config_file(file, "proposal", config).empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_memory_test)

BOOST_AUTO_TEST_CASE(a_machine_that_tells_nothing_has_no_limit) {
  Machine machine;
  BOOST_TEST(machine.look().bytes == UINT64_MAX);
  BOOST_TEST(misfit_line({}, machine.look()) == "");
}

BOOST_AUTO_TEST_CASE(the_least_limit_of_all_groups_up_to_the_root_holds) {
  Machine machine;
  machine.has(16'000, 12'000);
  machine.tell("proc/self/cgroup", "0::/a.slice/b.service\n");
  machine.tell("groups/a.slice/b.service/memory.max", "max\n");
  BOOST_TEST(machine.look().bytes == 16'000 * mib_bytes);
  BOOST_TEST(machine.look().free_bytes == 12'000 * mib_bytes);
  machine.tell("groups/a.slice/memory.max", std::to_string(1000 * mib_bytes) + "\n");
  machine.tell("groups/a.slice/memory.current", std::to_string(700 * mib_bytes) + "\n");
  machine.tell("groups/a.slice/memory.stat",
               "anon 1\nfile " + std::to_string(100 * mib_bytes) + "\nfile_mapped 5\n");
  auto const memory = machine.look();
  BOOST_TEST(memory.bytes == 1000 * mib_bytes);
  BOOST_TEST(memory.limit.find("/a.slice ") != std::string::npos);
  BOOST_TEST(memory.free_bytes == 400 * mib_bytes);
  machine.tell("groups/a.slice/b.service/memory.max", std::to_string(300 * mib_bytes) + "\n");
  BOOST_TEST(machine.look().bytes == 300 * mib_bytes);
}

BOOST_AUTO_TEST_CASE(the_limit_of_the_running_unit_holds_for_a_shell_that_tries_settings) {
  Machine machine;
  machine.has(16'000, 16'000);
  machine.tell("proc/self/cgroup", "0::/user.slice\n");
  machine.tell("groups/system.slice/system-stele.slice/steled.service/memory.max",
               std::to_string(500 * mib_bytes) + "\n");
  BOOST_TEST(machine.look().bytes == 500 * mib_bytes);
}

BOOST_AUTO_TEST_CASE(a_unit_that_sees_processes_alone_still_knows_what_the_machine_has) {
  BOOST_TEST(physical_bytes() > 0U);
  Machine machine;
  machine.bytes = 1000 * mib_bytes;
  BOOST_TEST(machine.look().bytes == 1000 * mib_bytes);
  BOOST_TEST(machine.look().free_bytes == 1000 * mib_bytes);
  auto const anonymous = std::to_string(600 * mib_bytes);
  machine.tell("groups/memory.stat", "anon " + anonymous + "\nfile 7\nanon_thp 9\n");
  BOOST_TEST(machine.look().free_bytes == 400 * mib_bytes);
  BOOST_TEST(misfit_line({}, machine.look()).find("the machine has 1000 MiB, of which 400") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_running_unit_has_taken_is_free_to_who_tries_its_settings) {
  Machine machine;
  machine.has(4000, 2300);
  machine.tell("proc/self/cgroup", "0::/user.slice\n");
  std::string const unit = "groups/system.slice/system-stele.slice/steled.service/";
  machine.tell(unit + "memory.max", std::to_string(3000 * mib_bytes) + "\n");
  machine.tell(unit + "memory.current", std::to_string(1700 * mib_bytes) + "\n");
  machine.tell(unit + "memory.stat", "anon 1\nfile " + std::to_string(200 * mib_bytes) + "\n");
  BOOST_TEST(machine.look().bytes == 3000 * mib_bytes);
  BOOST_TEST(machine.look().free_bytes == 3000 * mib_bytes);
  BOOST_TEST(misfit_line({}, machine.look()) == "");
  machine.has(4000, 500);  // Others have 2000.
  BOOST_TEST(machine.look().free_bytes == 2000 * mib_bytes);
  machine.tell("groups/system.slice/system-stele.slice/memory.max",
               std::to_string(2500 * mib_bytes) + "\n");
  machine.tell("groups/system.slice/system-stele.slice/memory.current",
               std::to_string(2400 * mib_bytes) + "\n");
  BOOST_TEST(machine.look().free_bytes == 1600 * mib_bytes);
}

BOOST_AUTO_TEST_CASE(half_of_what_there_is_is_told_where_no_setting_bounds_the_entries) {
  Config config;
  config.retain_bytes = 0;
  BOOST_TEST(memory_line(config, 1000 * mib_bytes).find("entries 500, ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(groups_of_the_first_version_are_looked_at_too) {
  Machine machine;
  machine.has(16'000, 16'000);
  machine.tell("proc/self/cgroup", "5:memory:/docker/x\n1:name=systemd:/docker/x\n");
  machine.tell("groups/memory/docker/x/memory.limit_in_bytes", "9223372036854771712\n");
  BOOST_TEST(machine.look().bytes == 16'000 * mib_bytes);
  machine.tell("groups/memory/docker/memory.limit_in_bytes", std::to_string(mib_bytes) + "\n");
  BOOST_TEST(machine.look().bytes == mib_bytes);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_one_line_whose_settings_do) {
  Machine machine;
  for (std::uint64_t const mib : {400U, 700U, 1000U, 1500U, 2000U, 2400U}) {
    machine.has(mib, mib);
    auto const memory = machine.look();
    Config small_log;  // Whose files are a quarter of it already.
    small_log.retain_bytes = 512 * mib_bytes;
    small_log.segment_bytes = 128 * mib_bytes;
    Config large_entries;
    large_entries.max_entry_bytes = large_entries.max_frame_bytes;
    Config all_readers_are_one;
    all_readers_are_one.max_user_unsent_bytes = 124 * mib_bytes;
    for (auto config : {Config{}, small_log, large_entries, all_readers_are_one}) {
      BOOST_REQUIRE(validate(config).empty());
      auto const line = misfit_line(config, memory);
      BOOST_TEST_CONTEXT(line) {
        BOOST_TEST(line.find('\n') == line.npos);
        if (line.empty() || line.find("no settings make it fit") != line.npos) continue;
        BOOST_TEST(line.find("the machine has " + std::to_string(mib) + " MiB") != line.npos);
        take_proposal(line, config);
        BOOST_TEST(misfit_line(config, memory) == "");
        BOOST_TEST(validate(config) == std::vector<std::string>(),
                   boost::test_tools::per_element());
        BOOST_TEST((with_default_log(config, memory) == config));
      }
    }
    BOOST_TEST(misfit_line({}, memory).find("; set retain-bytes = ") != std::string::npos);
  }
  machine.has(64'000, 60'000);
  BOOST_TEST(misfit_line({}, machine.look()) == "");
  machine.has(64'000, 2000);
  BOOST_TEST(misfit_line({}, machine.look()).find("of which 2000 MiB are free") !=
             std::string::npos);
  machine.has(40, 40);
  BOOST_TEST(misfit_line({}, machine.look()).find("give it more") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(entries_never_get_more_than_there_is) {
  Machine machine;
  machine.has(1000, 1000);
  BOOST_TEST(fitting_store_bytes({}, machine.look()) == 872 * mib_bytes);
  Config small;
  small.retain_bytes = 64 * mib_bytes;
  BOOST_TEST(fitting_store_bytes(small, machine.look()) == store_bytes_max(small, UINT64_MAX));
}

BOOST_AUTO_TEST_SUITE_END()
