// Other programs as the tests run them: started with files for their output, awaited with a
// deadline, never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::test {

/// Against hanging only; no test passes or fails by a shorter time.
inline constexpr std::chrono::seconds patience{60};

/// A running child process. The destructor kills it.
class Program {
 public:
  struct Files {
    std::string in = "/dev/null";
    std::string out = "/dev/null";  ///< Appended to.
    std::string err{};              ///< Empty: the same as out.
  };
  /// `words` are the path of the program and its arguments.
  Program(std::vector<std::string> const& words, Files const& files);
  Program(Program const&) = delete;
  Program& operator=(Program const&) = delete;
  ~Program();

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;

  /// The exit code, or 128 + the signal that ended it; nothing if it still runs after `longest`.
  std::optional<int> wait_for(std::chrono::microseconds longest);
  /// The same; throws if it still runs after `patience`.
  int wait();

 private:
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  std::optional<int> exit_code_{};
};

struct Finished {
  int exit_code = 0;
  std::string out{};
  std::string err{};
};

/// Runs a program to its end. `input` is its standard input.
Finished run_program(std::vector<std::string> const& words, std::string_view input = {});

/// Whether the shell finds a program of this name.
bool exists_program(std::string const& name);

std::string read_file(std::string const& path);
void write_file(std::string const& path, std::string_view content);

}  // namespace stele::test
