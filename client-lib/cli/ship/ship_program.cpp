// In `stele`: both verbs are those of `stele-ship`, which is run with the same words.
#include "client-lib/cli/ship/ship_program.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "client-lib/cli/terminal/report.hpp"

namespace stele::cli {
namespace {

constexpr auto program = "stele-ship";

std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(std::move(word));
  return words;
}

/// Returns only if it cannot be run.
int run_program() {
  auto words = own_words();
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::error_code error;
  auto const beside =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / program;
  ::execv(beside.c_str(), arguments.data());
  if (errno == ENOENT) ::execvp(program, arguments.data());
  if (errno == ENOENT) {
    print_error(
        "stele-ship is not installed: it needs the library of NATS, and is a program of "
        "its own",
        "install the package stele-ship, or libnats-dev before stele is built");
  } else {
    print_error(std::string(program) + ": " + std::system_category().message(errno));
  }
  return exit_failed;
}

}  // namespace

int run_ship(ClientOptions const&, GivenOptions const&) { return run_program(); }
int run_remote_read(GivenOptions const&) { return run_program(); }

}  // namespace stele::cli
