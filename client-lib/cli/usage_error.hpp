// What is wrong with a command line, for the person who typed it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace stele::cli {

/// The command line is wrong: a sentence, and what to do.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(std::string const& sentence, std::string hint = {})
      : std::runtime_error(sentence), hint_(std::move(hint)) {}
  std::string const& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

}  // namespace stele::cli
