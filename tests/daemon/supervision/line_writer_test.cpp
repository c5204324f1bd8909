// Lines to streams of every kind, with readers that are there, slow, or gone.
#include "daemon/supervision/line_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

using stele::daemon::LineWriter;

namespace {

/// Both ends of a stream; what is written to the one is read from the other.
struct Ends {
  int reader = -1;
  int writer = -1;

  Ends() = default;
  Ends(Ends const&) = delete;
  Ends& operator=(Ends const&) = delete;
  ~Ends() {
    close_reader();
    if (writer >= 0) ::close(writer);
  }
  void close_reader() {
    if (reader >= 0) ::close(reader);
    reader = -1;
  }
  /// What is there now.
  std::string read_all() const {
    std::string text;
    std::array<char, 65536> part{};
    ::fcntl(reader, F_SETFL, ::fcntl(reader, F_GETFL) | O_NONBLOCK);
    for (;;) {
      auto const got = ::read(reader, part.data(), part.size());
      if (got <= 0) return text;
      text.append(part.data(), static_cast<std::size_t>(got));
    }
  }
};

struct Pipe : Ends {
  Pipe() {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    reader = ends[0];
    writer = ends[1];
  }
};

struct SocketPair : Ends {
  SocketPair() {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    reader = ends[0];
    writer = ends[1];
  }
};

struct Terminal : Ends {
  Terminal() { BOOST_REQUIRE(::openpty(&reader, &writer, nullptr, nullptr, nullptr) == 0); }
};

/// A number at its end, so that a line that is missing or torn is seen.
std::string line(int number) { return std::string(200, 'x') + ' ' + std::to_string(number) + '\n'; }

/// Lines that were written one after the other.
struct Written {
  std::string taken{};
  std::uint64_t refused = 0;
  int number = 0;

  bool write_one(LineWriter& lines) {
    auto const next = line(number++);
    bool const has_room = lines.write(next);
    if (has_room) taken += next;
    refused += has_room ? 0U : 1U;
    return has_room;
  }
};

/// Waits for as many bytes: what is written to a terminal reaches its reader later. Those that
/// had no room are flushed meanwhile. A terminal puts a `\r` before each line end.
std::string read_bytes(Ends const& ends, LineWriter& lines, std::size_t count) {
  std::string text;
  constexpr int minute_ms = 60'000;
  pollfd polled{.fd = ends.reader, .events = POLLIN, .revents = 0};
  while (text.size() < count && ::poll(&polled, 1, minute_ms) == 1) {
    text += ends.read_all();
    std::erase(text, '\r');
    lines.flush();
  }
  return text;
}

// A terminal may get room again while nobody reads: the kernel moves what it holds from one buffer
// to the next. So it is not counted which lines are refused, but that the others are there.
void judge_full(Ends& ends) {
  int const flags = ::fcntl(ends.writer, F_GETFL);
  LineWriter lines(ends.writer);
  Written written;
  while (written.write_one(lines)) {
  }
  BOOST_TEST(!written.taken.empty());
  for (int i = 0; i < 1000; ++i) written.write_one(lines);
  BOOST_TEST(written.refused > 0U);
  BOOST_TEST(lines.dropped() == written.refused);
  // Others who share the descriptor go on waiting as they did.
  BOOST_TEST(::fcntl(ends.writer, F_GETFL) == flags);

  BOOST_TEST((read_bytes(ends, lines, written.taken.size()) == written.taken));
  BOOST_TEST(lines.write("again\n"));
  BOOST_TEST(read_bytes(ends, lines, 6) == "again\n");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_writer_test)

BOOST_AUTO_TEST_CASE(a_pipe_that_nobody_reads_makes_nobody_wait_and_no_line_is_torn) {
  Pipe pipe;
  judge_full(pipe);
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_reads_makes_nobody_wait_and_no_line_is_torn) {
  SocketPair sockets;
  judge_full(sockets);
}

BOOST_AUTO_TEST_CASE(a_terminal_that_nobody_reads_makes_nobody_wait_and_no_line_is_torn) {
  Terminal terminal;
  judge_full(terminal);
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_gone_costs_lines_only) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  LineWriter to_pipe(pipe.writer);
  pipe.close_reader();
  BOOST_TEST(!to_pipe.write("x\n"));
  SocketPair sockets;
  LineWriter to_socket(sockets.writer);
  sockets.close_reader();
  BOOST_TEST(!to_socket.write("x\n"));
}

BOOST_AUTO_TEST_CASE(a_file_gets_every_line_behind_what_it_holds) {
  int const descriptor = ::memfd_create("log", MFD_CLOEXEC);
  BOOST_REQUIRE(descriptor >= 0);
  BOOST_REQUIRE(::write(descriptor, "before\n", 7) == 7);
  LineWriter lines(descriptor);
  BOOST_TEST(lines.write("one\n"));
  BOOST_REQUIRE(::write(descriptor, "between\n", 8) == 8);
  BOOST_TEST(lines.write("two\n"));
  std::string text(100, '\0');
  text.resize(static_cast<std::size_t>(::pread(descriptor, text.data(), text.size(), 0)));
  ::close(descriptor);
  BOOST_TEST(text == "before\none\nbetween\ntwo\n");
}

BOOST_AUTO_TEST_CASE(what_is_closed_is_never_written_to_whatever_gets_its_number) {
  int number = -1;
  {
    Pipe pipe;
    number = pipe.writer;
  }
  LineWriter lines(number);
  Pipe later;
  BOOST_TEST(!lines.write("x\n"));
  BOOST_TEST(later.read_all().empty());
}

BOOST_AUTO_TEST_SUITE_END()
