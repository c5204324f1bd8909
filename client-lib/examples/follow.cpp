// Follows the log in a loop of one's own, here around poll(2), beside other things: what the log
// has from now on, and lines of standard input, which are written. Ends with the input.
//
//   stele-follow
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "stele/buffered_logger.hpp"
#include "stele/follower.hpp"

int main() {
  stele::BufferedLogger logger{{.name = "follow"}};
  stele::Follower follower{{.name = "follow"}, {.newest = 0}};
  auto const print = [](stele::FollowPart& part) {
    for (auto const& entry : part.entries) std::cout << entry.seq << ' ' << entry.message << '\n';
    std::cout << std::flush;
    return true;
  };
  pollfd watched[] = {{follower.descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    if (auto const goes_on = follower.process(print); !goes_on) {
      std::cerr << "stele-follow: " << goes_on.error().message << '\n';
      return 1;
    }
    if (::poll(watched, 2, -1) < 0) return 1;
    if (watched[1].revents == 0) continue;
    std::string line(4096, '\0');
    auto const bytes = ::read(STDIN_FILENO, line.data(), line.size());
    if (bytes <= 0) return 0;
    line.resize(static_cast<std::size_t>(bytes));
    if (line.ends_with('\n')) line.pop_back();
    logger.log(stele::Level::info, line);
  }
}
