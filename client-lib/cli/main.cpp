// The command `stele`: parse, run one verb, exit with its code.
#include <csignal>
#include <exception>

#include "client-lib/cli/arguments.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/report.hpp"

int main(int argc, char** argv) {
  using namespace stele::cli;
  std::signal(SIGPIPE, SIG_IGN);  // A reader that goes away shows as an error of write(2).
  std::signal(SIGXFSZ, SIG_IGN);  // So does a file that may not grow further (ulimit -f).
  try {
    auto const parsed = parse_arguments(argc, argv);
    if (!parsed.arguments) return parsed.exit_code;
    auto const& arguments = *parsed.arguments;
    return arguments.verb->run(arguments.options, arguments.given);
  } catch (UsageError const& error) {
    print_error(error.what(), error.hint());
    return exit_usage;
  } catch (std::exception const& error) {  // Out of memory, or a defect.
    print_error(error.what());
    return exit_failed;
  }
}
