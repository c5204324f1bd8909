#include "support/steled.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include "support/subject.hpp"
#include "support/wire_peer.hpp"

namespace stele::test {

std::vector<std::string> const& backends() {
  static auto const found = [] {
    std::vector<std::string> names{"posix"};
    // A probe with no parameters: EFAULT means that the call exists and is allowed.
    if (::syscall(SYS_io_uring_setup, 1, nullptr) < 0 && errno == EFAULT) {
      names.emplace_back("io_uring");
    } else {
      std::cerr << "io_uring is not tested here: " << std::strerror(errno) << "\n";
    }
    return names;
  }();
  return found;
}

Steled::Steled(std::string_view backend, std::vector<std::string> flags)
    : backend_(backend), flags_(std::move(flags)) {}

std::vector<std::string> Steled::command(std::string const& socket_path) const {
  auto words = launcher_;
  words.insert(words.end(), {steled_path(), "--data-dir", data_dir()});
  words.insert(words.end(), {"--socket", socket_path.empty() ? socket() : socket_path});
  words.insert(words.end(), {"--wal-backend", backend_, "--segment-bytes", "4M"});
  words.insert(words.end(), flags_.begin(), flags_.end());
  return words;
}

void Steled::launch() {
  process_.reset();  // One that still runs is killed first: it has the lock.
  process_ = std::make_unique<Program>(
      command(), Program::Files{"/dev/null", home_ / "steled.log", home_ / "steled.log"});
}

void Steled::wait_until_ready() {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (!can_connect(socket())) {
    if (auto const code = process_->wait_for(std::chrono::milliseconds(2))) {
      throw std::runtime_error("steled ended with " + std::to_string(*code) + ":\n" + log());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("steled accepts no connection:\n" + log());
    }
  }
}

void Steled::start() {
  launch();
  wait_until_ready();
}

int Steled::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void Steled::kill_hard() {
  process_->signal(SIGKILL);
  process_->wait();
}

Finished run_stele(std::string const& socket, std::vector<std::string> const& arguments,
                   std::string_view input) {
  std::vector<std::string> words{stele_path(), "--socket", socket};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_program(words, input);
}

Finished run_stele(Steled const& daemon, std::vector<std::string> const& arguments,
                   std::string_view input) {
  return run_stele(daemon.socket(), arguments, input);
}

}  // namespace stele::test
