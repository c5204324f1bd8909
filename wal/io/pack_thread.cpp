// The thread that packs, beside the loop and behind everybody else.
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <boost/assert.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "wal/io/disk_directory.hpp"
#include "wal/quiet_thread.hpp"

namespace stele::wal {
namespace {

constexpr int lowest_priority = 19;

class PackThread final : public PackWorker {
 public:
  explicit PackThread(int event_fd);
  ~PackThread() override;

  void start(std::function<void()> work) override;
  bool is_done() const noexcept override;
  void wait() noexcept override;

 private:
  void run();

  int const event_fd_;
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::function<void()> work_{};  ///< Empty: there is none.
  bool stopping_ = false;
  std::thread thread_;  ///< Last: it uses the others.
};

PackThread::PackThread(int event_fd)
    : event_fd_(event_fd), thread_(start_quiet_thread([this] { run(); })) {}

PackThread::~PackThread() {
  wait();
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void PackThread::start(std::function<void()> work) {
  {
    std::lock_guard const lock(mutex_);
    BOOST_ASSERT(!work_);
    work_ = std::move(work);
  }
  changed_.notify_all();
}

bool PackThread::is_done() const noexcept {
  std::lock_guard const lock(mutex_);
  return !work_;
}

void PackThread::wait() noexcept {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !work_; });
}

void PackThread::run() {
  // Of this thread alone. Where a filter of system calls refuses it, packing is only less modest.
  (void)::setpriority(PRIO_PROCESS, 0, lowest_priority);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return work_ || stopping_; });
    if (!work_) return;
    lock.unlock();
    work_();
    lock.lock();
    work_ = nullptr;
    changed_.notify_all();
    (void)::eventfd_write(event_fd_, 1);
  }
}

}  // namespace

std::unique_ptr<PackWorker> start_pack_thread(Directory const& directory) {
  return std::make_unique<PackThread>(directory.event_fd());
}

}  // namespace stele::wal
