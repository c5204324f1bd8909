// The real daemon as the tests start, stop and kill it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/program.hpp"
#include "support/temp_dir.hpp"

namespace stele::test {

/// The storage backends that work on this machine: `posix`, and `io_uring` where the kernel lets
/// us. Says so on stderr, once, if it does not.
std::vector<std::string> const& backends();

/// steled with a directory of its own, which outlives each of its runs.
class Steled {
 public:
  /// Segments are small, so that a start takes milliseconds. `flags` come after the standard ones.
  explicit Steled(std::string_view backend = "posix", std::vector<std::string> flags = {});

  /// From the next start on the log is in this directory, which somebody else keeps.
  void keep_data_in(std::string path) { data_dir_ = std::move(path); }
  /// From the next start on these flags come in place of the earlier ones.
  void use_flags(std::vector<std::string> flags) { flags_ = std::move(flags); }
  /// From the next start on the daemon is started by these words with its own behind them. They
  /// must become the daemon in the same process, as `env NAME=VALUE` does.
  void start_through(std::vector<std::string> words) { launcher_ = std::move(words); }

  /// Starts the daemon and waits until it accepts connections. Throws, with what it wrote to
  /// stderr, if it ends or hangs instead.
  void start();
  /// Starts the daemon and does not wait.
  void launch();
  void wait_until_ready();

  /// SIGTERM, and the exit code.
  int stop();
  /// SIGKILL, and reaped.
  void kill_hard();
  Program& process() { return *process_; }

  std::string socket() const { return home_ / "stele.sock"; }
  std::string data_dir() const { return data_dir_.empty() ? home_ / "data" : data_dir_; }
  std::string home() const { return home_.path(); }
  /// What it wrote to stderr, all runs.
  std::string log() const { return read_file(home_ / "steled.log"); }
  /// The program and all its arguments; with another socket path, if one is given.
  std::vector<std::string> command(std::string const& socket_path = {}) const;

 private:
  TempDir home_{};
  std::string backend_;
  std::vector<std::string> flags_;
  std::string data_dir_{};
  std::vector<std::string> launcher_{};
  std::unique_ptr<Program> process_{};
};

/// The `stele` command with these arguments, against the daemon at this socket.
Finished run_stele(std::string const& socket, std::vector<std::string> const& arguments,
                   std::string_view input = {});
Finished run_stele(Steled const& daemon, std::vector<std::string> const& arguments,
                   std::string_view input = {});

}  // namespace stele::test
