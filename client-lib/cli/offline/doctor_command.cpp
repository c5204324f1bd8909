#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/offline/doctor_facts.hpp"
#include "client-lib/cli/offline/doctor_judgement.hpp"
#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view doctor_help =
    R"(Is durability real on this machine? Looks, measures, and says what is wrong.

Examples:
  stele doctor
  stele doctor --data-dir /srv/log --socket /run/stele-web/stele.sock

Each line is a check: ok, note (not to be found out, or only to be known), warn, or bad (entries
that were acknowledged may be lost, or nothing works). Syncs are measured with 200 writes into a
file without a name in the data directory; run it as root or as the daemon's user. Nothing else is
written. Exit code by the worst line: 0 for ok and note, 8 for warn, 1 for bad.
)";

constexpr std::array doctor_options{
    Option{.names = "--data-dir",
           .value = "PATH",
           .help = "The log: the daemon's --data-dir",
           .default_value = default_data_dir},
    Option{.names = "--unit",
           .value = "PATH",
           .help = "The service's unit; default: steled.service where systemd looks"},
};

/// One line for each check; keeps the worst grade.
class Visit {
 public:
  void add(std::string_view check, Diagnosis const& diagnosis) {
    worst_ = std::max(worst_, diagnosis.grade);
    append_column(to_string(diagnosis.grade), 6);
    append_column(check, 13);
    append_visible(output_.text(), diagnosis.text);
    output_.text() += '\n';
  }

  int finish() {
    if (auto const exit_code = output_.finish(); exit_code != exit_ok) return exit_code;
    if (worst_ == Grade::bad) return exit_failed;
    return worst_ == Grade::warn ? exit_warned : exit_ok;
  }

 private:
  void append_column(std::string_view text, std::size_t width) {
    output_.text() += text;
    output_.text().append(width - std::min(width, text.size()), ' ');
  }

  Output output_{};
  Grade worst_ = Grade::ok;
};

int run_doctor(ClientOptions const& options, GivenOptions const& given) {
  auto const directory = nearest_directory(given.text("--data-dir", default_data_dir));
  auto const report = ask_daemon(options);
  auto const file_system = look_at_file_system(directory);
  auto space = look_at_space(directory);
  space.log_bytes = report.log_bytes;
  space.retain_bytes = report.retain_bytes;
  auto clock = look_at_clock();
  clock.newest_us = report.newest_us;

  auto const socket = options.socket_path.empty() ? default_socket_path() : options.socket_path;

  Visit visit;
  visit.add("daemon", judge_daemon(report.daemon));
  visit.add("socket", judge_socket(look_at_socket(socket)));
  visit.add("file system", judge_file_system(file_system));
  visit.add("write cache", judge_write_cache(file_system));
  visit.add("syncs", judge_syncs(measure_syncs(directory)));
  visit.add("io_uring", judge_ring(try_ring(), report.daemon));
  visit.add("space", judge_space(space));
  visit.add("memory", judge_memory(report.memory));
  visit.add("clock", judge_clock(clock));
  visit.add("unit", judge_unit(ask_for_exposure(given.text("--unit"))));
  return visit.finish();
}

}  // namespace

Verb const doctor_verb{
    .name = "doctor", .text = doctor_help, .options = doctor_options, .run = run_doctor};

}  // namespace stele::cli
