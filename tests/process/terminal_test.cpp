// The command as a person meets it: on a terminal, with colours, a pager and a full screen.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;

namespace {

using Environment = std::map<std::string, std::string>;

/// `stele` with a terminal of 100 columns and 30 lines of its own.
class OnTerminal {
 public:
  OnTerminal(Steled const& daemon, std::vector<std::string> words, Environment const& environment) {
    words.insert(words.begin(), stele_path());
    winsize size{};
    size.ws_row = 30;
    size.ws_col = 100;
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    BOOST_REQUIRE(pid_ >= 0);
    if (pid_ == 0) become(words, environment, daemon.socket());
  }
  OnTerminal(OnTerminal const&) = delete;
  OnTerminal& operator=(OnTerminal const&) = delete;
  ~OnTerminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(terminal_);
  }

  void type(std::string const& keys) {
    BOOST_REQUIRE(::write(terminal_, keys.data(), keys.size()) ==
                  static_cast<ssize_t>(keys.size()));
  }
  /// Whether this is shown before the program ends.
  bool shows(std::string const& text) {
    auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
    while (shown.find(text) == std::string::npos) {
      if (!read_more() || std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }
  /// Reads to the end; the exit code.
  int finish() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string shown{};

 private:
  [[noreturn]] static void become(std::vector<std::string> const& words,
                                  Environment const& environment, std::string const& socket) {
    for (auto const* name : {"NO_COLOR", "PAGER", "STELE_PAGER", "LESS"}) ::unsetenv(name);
    ::setenv("TERM", "xterm", 1);
    ::setenv("TZ", "UTC", 1);
    ::setenv("STELE_SOCKET", socket.c_str(), 1);
    for (auto const& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> pointers;
    for (auto const& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }

  bool read_more() {
    pollfd waiting{terminal_, POLLIN, 0};
    auto const longest = std::chrono::milliseconds(stele::test::patience);
    BOOST_REQUIRE_MESSAGE(::poll(&waiting, 1, static_cast<int>(longest.count())) == 1, shown);
    char bytes[4096];
    auto const count = ::read(terminal_, bytes, sizeof bytes);
    if (count <= 0) return false;  // EIO: nobody holds the other end any more.
    shown.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  pid_t pid_ = -1;
  int terminal_ = -1;
};

struct TerminalFixture {
  Steled daemon{};
  TerminalFixture() {
    daemon.start();
    run_stele(daemon, {"write", "-p", "error", "--timestamp", "@0", "bell \a and \x1b[31mred"});
    run_stele(daemon, {"write", "-p", "info", "--timestamp", "@1", "fine"});
  }
  std::string shown(std::vector<std::string> const& words, Environment const& environment = {}) {
    OnTerminal command(daemon, words, environment);
    BOOST_TEST(command.finish() == 0, command.shown);
    return command.shown;
  }
};

bool has(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(terminal_test, TerminalFixture)

BOOST_AUTO_TEST_CASE(levels_have_colours_unless_they_are_refused) {
  auto const coloured = "\x1b[31merror\x1b[0m bell";
  BOOST_TEST(has(shown({"read", "--no-pager"}), coloured));
  for (auto const& plain : {shown({"read", "--no-pager"}, {{"NO_COLOR", "1"}}),
                            shown({"read", "--no-pager"}, {{"TERM", "dumb"}}),
                            shown({"read", "--no-pager", "--color", "never"})}) {
    BOOST_TEST(has(plain, " error bell"));
    BOOST_TEST(!has(plain, "\x1b"));
  }
}

BOOST_AUTO_TEST_CASE(what_a_terminal_would_act_on_is_spelled_in_every_form) {
  for (std::string const form : {"short", "verbose", "json", "json-pretty", "cat", "export"}) {
    auto const text = shown({"read", "--no-pager", "--color", "never", "-o", form});
    BOOST_TEST(has(text, "bell \\u0007 and \\u001b[31mred"), form << ": " << text);
    BOOST_TEST(!has(text, "\x1b"), form);
    BOOST_TEST(!has(text, "\a"), form);
  }
}

BOOST_AUTO_TEST_CASE(a_pager_shows_what_is_read_and_not_what_is_followed) {
  Environment const own{{"STELE_PAGER", "sed 's/^/paged: /'"}, {"PAGER", "false"}};
  BOOST_TEST(has(shown({"read"}, own), "paged: 1970-01-01T00:00:01"));
  BOOST_TEST(!has(shown({"read", "--no-pager"}, own), "paged"));
  BOOST_TEST(has(shown({"read"}, {{"PAGER", "sed 's/^/general: /'"}}), "general: 1970"));
  BOOST_TEST(!has(shown({"read"}, {{"STELE_PAGER", ""}, {"PAGER", "false"}}), "general"));
  BOOST_TEST(has(shown({"read"}, {{"STELE_PAGER", "echo $LESS"}}), "FRSXMK"));
  BOOST_TEST(has(shown({"read", "-e"}, {{"STELE_PAGER", "echo $LESS"}}), "+G"));
  OnTerminal tail(daemon, {"tail"}, own);
  BOOST_TEST(tail.shows("fine"));
  BOOST_TEST(!has(tail.shown, "paged"));
}

BOOST_AUTO_TEST_CASE(a_pager_that_cannot_be_run_is_told_and_the_text_is_shown) {
  for (std::string const pager : {"/nope", "/etc/passwd", "no-such-pager -x"}) {
    auto const text = shown({"read"}, {{"PAGER", pager}});
    BOOST_TEST(has(text, "the pager '" + pager + "' cannot be run"), text);
    BOOST_TEST(has(text, "1970-01-01T00:00:01"), text);
  }
}

BOOST_AUTO_TEST_CASE(a_pager_that_ends_early_ends_the_read_without_a_word) {
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += "line " + std::to_string(i) + '\n';
  run_stele(daemon, {"import", "-"}, lines);
  OnTerminal command(daemon, {"read", "-o", "cat"}, {{"STELE_PAGER", "head -n 3"}});
  command.finish();
  BOOST_TEST(!has(command.shown, "stele:"), command.shown);
  BOOST_TEST(!has(command.shown, "line 40000"));
}

BOOST_AUTO_TEST_CASE(an_empty_range_is_told_to_a_person) {
  BOOST_TEST(has(shown({"read", "--since", "@5000"}), "no entries in this range"));
  BOOST_TEST(!has(shown({"read", "--since", "@5000", "-q"}), "no entries"));
}

BOOST_AUTO_TEST_CASE(top_fills_the_screen_until_q_and_gives_it_back) {
  OnTerminal top(daemon, {"top", "--delay", "20ms"}, {});
  BOOST_TEST(top.shows("\x1b[?1049h"));
  BOOST_TEST(top.shows("clients"));
  BOOST_TEST(!has(top.shown, "\x1b[?1049l"));
  top.type("q");
  BOOST_TEST(top.finish() == 0);
  BOOST_TEST(has(top.shown, "\x1b[?1049l"));
}

BOOST_AUTO_TEST_CASE(control_c_ends_top_and_gives_the_screen_back) {
  OnTerminal top(daemon, {"top", "--delay", "20ms"}, {});
  BOOST_TEST(top.shows("clients"));
  top.type("\x03");
  top.finish();
  BOOST_TEST(has(top.shown, "\x1b[?1049l"));
}

BOOST_AUTO_TEST_SUITE_END()
