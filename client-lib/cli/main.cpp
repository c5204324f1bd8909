// The command `stele`: parse, run one verb, exit with its code.
#include <fcntl.h>

#include <csignal>
#include <cstdlib>
#include <exception>

#include "client-lib/cli/command_line/arguments.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/text/text_pattern.hpp"

namespace {

// A descriptor that is closed would be given to the first thing that is opened, such as a file of
// a backup, and what is meant for a person would go there. Reading what takes the place of
// standard input fails, as does writing to what takes that of the other two.
void keep_standard_descriptors_taken() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) std::_Exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace stele::cli;
  keep_standard_descriptors_taken();
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
  } catch (PatternLimitError const& error) {
    print_error(error.what(), "a simpler pattern, or --contains for a text as it stands");
    return exit_failed;
  } catch (std::exception const& error) {  // Out of memory, or a defect.
    print_error(error.what());
    return exit_failed;
  }
}
