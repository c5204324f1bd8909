// steled: reads the command line, then hands over to the service.
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "daemon/config/config.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/operations/default_log.hpp"
#include "daemon/operations/machine_memory.hpp"
#include "daemon/operations/memory_account.hpp"
#include "daemon/service.hpp"
#include "daemon/supervision/diagnostics.hpp"
#include "daemon/version.hpp"

namespace {

using namespace stele::daemon;

void print(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

int report(ConfigErrors const& errors) {
  for (auto const& message : errors.messages) print(stderr, "steled: " + message + "\n");
  print(stderr, "hint: steled --help lists all settings\n");
  return errors.exit_code;
}

/// Settings that a start takes are valid; what it warns of is a warning here, too. So a reload is
/// not refused since the machine is short of memory for a moment.
int check_config(Config const& config) {
  auto const memory = look_at_memory();
  auto const fitting = with_default_log(config, memory);
  print(stdout, "the settings are valid\n" + memory_line(fitting, memory.bytes) + "\n");
  if (auto const smaller = default_log_line(fitting, memory); !smaller.empty()) {
    print(stdout, smaller + "\n");
  }
  if (auto const misfit = misfit_line(fitting, memory); !misfit.empty()) {
    print(stderr, "steled: warning: " + misfit + "\n");
  }
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  Invocation invocation;
  std::span<char const* const> const arguments(argv + 1, argc > 0 ? argv + argc : argv + 1);
  if (auto const errors = parse_command_line(arguments, invocation)) return report(*errors);
  switch (invocation.action) {
    case Invocation::Action::help:
      print(stdout, help_text());
      return exit_ok;
    case Invocation::Action::version:
      print(stdout, "steled " + std::string(version) + "\n");
      return exit_ok;
    case Invocation::Action::check_config:
      return check_config(invocation.config);
    case Invocation::Action::run:
      break;
  }
  start_diagnostics(invocation.config.log_level);
  return run_service(invocation.config, [arguments](Config& config) {
    Invocation again;
    auto errors = parse_command_line(arguments, again);
    config = again.config;
    return errors;
  });
}
