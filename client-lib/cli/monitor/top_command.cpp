#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/monitor/top_screen.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/time_spec.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view top_help =
    R"(Watch the daemon at work: rates, latencies, clients, disk. q ends it.

Examples:
  stele top
  stele top --delay 5s
  stele top --count 1 --delay 10s >> metrics.txt
)";

constexpr std::array top_options{
    Option{.names = "-d,--delay",
           .value = "SPAN",
           .help = "Time between two looks",
           .default_value = "1s"},
    Option{.names = "-c,--count",
           .value = "N",
           .help = "End after this many screens; default: never, but one where the output is no "
                   "terminal"},
};

// The terminal as a screen of our own, for as long as this lives.
class FullScreen {
 public:
  FullScreen(bool wanted, Output& output) : active_(wanted), output_(output) {
    if (!active_) return;
    output_.text() += "\x1b[?1049h\x1b[?25l";
    has_keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!has_keys_) return;
    auto raw = before_;
    raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  FullScreen(FullScreen const&) = delete;
  FullScreen& operator=(FullScreen const&) = delete;
  ~FullScreen() {
    if (!active_) return;
    output_.text() += "\x1b[?25h\x1b[?1049l";
    output_.flush();
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  void draw(std::string const& text) {
    if (active_) output_.text() += "\x1b[H\x1b[J";
    output_.text() += text;
    output_.flush();
  }
  /// Until the time is over; false: a person wants to end.
  bool wait(std::chrono::milliseconds longest) {
    pollfd keys{has_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
    auto const ready = ::poll(&keys, 1, static_cast<int>(longest.count()));
    if (interrupted()) return false;
    if (ready <= 0 || !has_keys_) return true;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) has_keys_ = false;
    return key != 'q';
  }

 private:
  bool active_;
  Output& output_;
  bool has_keys_ = false;
  termios before_{};
};

std::uint64_t delay_us_of(GivenOptions const& given) {
  auto const text = given.text("--delay", "1s");
  auto const delay_us = parse_span_us(text);
  if (delay_us && *delay_us >= 10'000 && *delay_us <= hour_us) return *delay_us;
  throw UsageError{"--delay: '" + text + "' is not from 10ms to 1h", "try 1s, 500ms"};
}

Result<TopSample> look(Client& client) {
  auto const stats = client.stats_json();
  if (!stats) return stats.error();
  return parse_top_sample(*stats).value_or(TopSample{});
}

Result<void> watch(Client& client, Output& output, std::chrono::microseconds delay,
                   std::optional<std::uint64_t> screens) {
  using Clock = std::chrono::steady_clock;
  bool const full_screen = is_terminal(STDOUT_FILENO);
  if (!screens && !full_screen) screens = 1;
  auto before = look(client);
  if (!before) return before.error();
  auto looked = Clock::now();
  FullScreen screen{full_screen, output};
  if (full_screen) screen.draw("looking …\n");
  for (std::uint64_t shown = 0; output.ok() && (!screens || shown < *screens); ++shown) {
    auto const pause = std::chrono::ceil<std::chrono::milliseconds>(delay);
    if (!screen.wait(pause)) return {};
    auto now = look(client);
    if (!now) return now.error();
    auto const moment = Clock::now();
    std::chrono::duration<double> const seconds = moment - looked;
    screen.draw(top_screen(*before, *now, seconds.count(), terminal_size()));
    before = std::move(now);
    looked = moment;
  }
  return {};
}

int run_top(ClientOptions const& options, GivenOptions const& given) {
  std::chrono::microseconds const delay{delay_us_of(given)};
  auto const screens = given.number("--count");
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  watch_for_interrupt();
  Output output;
  auto const watched = watch(*client, output, delay, screens);
  auto const exit_code = output.finish();
  return watched ? exit_code : report(watched.error());
}

}  // namespace

Verb const top_verb{.name = "top", .text = top_help, .options = top_options, .run = run_top};

}  // namespace stele::cli
