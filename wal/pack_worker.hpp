// Where work is done that takes longer than a turn of the loop may.
#pragma once

#include <functional>

namespace stele::wal {

/// One piece of work at a time.
class PackWorker {
 public:
  PackWorker() = default;
  PackWorker(PackWorker const&) = delete;
  PackWorker& operator=(PackWorker const&) = delete;
  virtual ~PackWorker() = default;

  /// Begins `work`, which owns what it touches. Precondition: is_done().
  virtual void start(std::function<void()> work) = 0;
  /// Whether nothing is under way. When it has become so, the directory's event_fd is readable.
  virtual bool is_done() const noexcept = 0;
  /// Blocks until it is so.
  virtual void wait() noexcept = 0;
};

/// Does it at once.
class InlinePackWorker final : public PackWorker {
 public:
  void start(std::function<void()> work) override { work(); }
  bool is_done() const noexcept override { return true; }
  void wait() noexcept override {}
};

}  // namespace stele::wal
