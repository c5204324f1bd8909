#include "daemon/operations/machine_memory.hpp"

#include <unistd.h>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>

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

/// The value of a setting that a line proposes.
std::string proposed(std::string const& line, std::string const& name) {
  auto const at = line.find(name + " = ");
  if (at == line.npos) return {};
  auto const begin = at + name.size() + 3;
  return line.substr(begin, line.find(',', begin) - begin);
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
    Config config;
    auto const line = misfit_line(config, memory);
    BOOST_TEST_CONTEXT(line) {
      BOOST_TEST(line.find('\n') == line.npos);
      BOOST_TEST(line.find("the machine has " + std::to_string(mib) + " MiB") != line.npos);
      auto const take = [&](std::string const& name, std::uint64_t& setting) {
        auto const text = proposed(line, name);
        if (text.empty()) return;
        std::size_t end = 0;
        setting = std::stoull(text, &end);
        for (char const unit : text.substr(end, 1)) {
          setting <<= unit == 'G' ? 30U : unit == 'M' ? 20U : unit == 'K' ? 10U : 0U;
        }
      };
      take("retain-bytes", config.retain_bytes);
      take("max-frame-bytes", config.max_frame_bytes);
      take("max-in-flight-bytes", config.max_in_flight_bytes);
      take("max-all-unsent-bytes", config.max_all_unsent_bytes);
      take("max-connections", config.max_connections);
      take("max-writers", config.max_writers);
      BOOST_TEST(misfit_line(config, memory) == "");
    }
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
