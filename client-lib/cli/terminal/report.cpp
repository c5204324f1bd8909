#include "client-lib/cli/terminal/report.hpp"

#include <cerrno>
#include <cstdio>

#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {
namespace {

std::string_view hint_for_client(Failure const& failure) noexcept {
  switch (static_cast<ClientError>(failure.code.value())) {
    case ClientError::cannot_connect:
      if (failure.detail == "{\"errno\":" + std::to_string(EACCES) + "}") {
        return "you need write permission on the socket: join its group, or use sudo";
      }
      return "is steled running? name its socket with --socket or STELE_SOCKET";
    case ClientError::outcome_unknown:
      return "look with `stele read` before you write the same again";
    case ClientError::timed_out:
    case ClientError::cancelled:
      return "the daemon may be stopped or very busy: see its own log";
    case ClientError::connection_lost:
      return "see the daemon's own log for the reason";
    case ClientError::protocol_violation:
      return "is this the socket of steled, and of the same version as this command?";
    case ClientError::made_before_fork:
      return "this is a defect of the command: it forked, and used its parent's connection";
  }
  return {};
}

std::string_view hint_for_refusal(Error error) noexcept {
  switch (error) {
    case Error::invalid_entry:
      return "see `stele write --help`; `stele import` takes text that is not UTF-8";
    case Error::no_space:
      return "make room on the daemon's disk; it goes on by itself";
    case Error::overloaded:
    case Error::too_many_connections:
      return "try again in a moment";
    case Error::shutting_down:
      return "start the daemon again, then repeat the command";
    case Error::log_failed:
      return "look with `stele read` before you write the same again, when the daemon is back";
    default:
      return {};
  }
}

}  // namespace

void print_error(std::string_view sentence, std::string_view hint) {
  std::string text = "stele: ";
  append_visible(text, sentence);
  text += '\n';
  if (!hint.empty()) {
    text += "hint: ";
    append_visible(text, hint);
    text += '\n';
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void print_removed(SeqRange const& removed) {
  print_error("seqs " + std::to_string(removed.first_seq) + " to " +
                  std::to_string(removed.last_seq) + " were removed before they came here",
              "let the daemon keep more: retain-bytes");
}

std::string_view hint_for(Failure const& failure) noexcept {
  if (failure.code.category() == client_error_category()) return hint_for_client(failure);
  if (failure.code.category() == error_category()) {
    return hint_for_refusal(static_cast<Error>(failure.code.value()));
  }
  return {};
}

int exit_code_for(Failure const& failure) noexcept {
  if (failure.code.category() == client_error_category()) return exit_unreachable;
  if (failure.code.category() == error_category()) return exit_refused;
  return exit_failed;
}

int report(Failure const& failure) {
  print_error(failure.message.empty() ? failure.code.message() : failure.message,
              hint_for(failure));
  return exit_code_for(failure);
}

}  // namespace stele::cli
