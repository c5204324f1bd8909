// Output to a terminal goes through a pager, as journalctl's does.
#pragma once

#include <sys/types.h>

namespace stele::cli {

/// Runs `$STELE_PAGER`, else `$PAGER`, else less or more. From start() on standard output leads to
/// the pager; finish() (or the destructor) waits for it. SIGINT then ends what is being done
/// (interrupt.hpp), not the pager.
class Pager {
 public:
  Pager() = default;
  Pager(Pager const&) = delete;
  Pager& operator=(Pager const&) = delete;
  ~Pager() { finish(); }

  /// `at_end` shows the end of the text first. Where no pager can be started the output stays.
  void start(bool at_end);
  void finish() noexcept;

 private:
  pid_t pid_ = -1;
};

/// Whether a person asked for none: the variable is empty or `cat`, or TERM is `dumb`.
bool pager_is_refused() noexcept;

}  // namespace stele::cli
