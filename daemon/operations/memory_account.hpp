// What connections hold of the memory: a bound over all of them and one for each user, and who
// waits for room. Knows no sockets.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "daemon/config/config.hpp"
#include "protocol/frame/spare_memory.hpp"

namespace stele::daemon {

/// One who waits for memory. Told once for each time that it asked; it is forgotten when it is
/// destroyed.
class MemoryWaiter : public boost::intrusive::list_base_hook<
                         boost::intrusive::tag<struct MemoryTag>,
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// Others gave some back. To be taken note of only.
  virtual void on_memory_freed() = 0;

 protected:
  ~MemoryWaiter() = default;
};

class MemoryWaiters {
 public:
  void await(MemoryWaiter& waiter) noexcept;
  bool empty() const noexcept { return waiting_.empty(); }
  std::size_t count() const noexcept { return waiting_.size(); }
  void on_freed(std::size_t bytes) noexcept;

 private:
  using List =
      boost::intrusive::list<MemoryWaiter,
                             boost::intrusive::base_hook<boost::intrusive::list_base_hook<
                                 boost::intrusive::tag<MemoryTag>,
                                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
                             boost::intrusive::constant_time_size<false>>;
  List waiting_{};
  std::size_t freed_bytes_ = 0;  ///< Since they were notified.
};

/// Memory of one kind that connections hold.
class MemoryQuota {
 public:
  struct Limits {
    std::size_t all_max = SIZE_MAX;
    std::size_t user_max = SIZE_MAX;
  };
  /// How much of the bounds one asks for.
  enum class Part : std::uint8_t {
    half,  ///< So that what is small never takes all from what is large.
    whole,
  };

  explicit MemoryQuota(MemoryWaiters& waiters) noexcept : waiters_(waiters) {}
  MemoryQuota(MemoryQuota const&) = delete;
  MemoryQuota& operator=(MemoryQuota const&) = delete;

  void set_limits(Limits limits) noexcept { limits_ = limits; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct User {
    std::size_t bytes = 0;
    std::size_t shares = 0;
  };

 public:
  /// What one connection holds. The quota outlives it.
  class Share {
   public:
    Share(MemoryQuota& quota, std::uint32_t uid);
    Share(Share&& other) noexcept;
    Share& operator=(Share&&) = delete;
    ~Share();

    std::size_t bytes() const noexcept { return bytes_; }
    void set(std::size_t bytes) noexcept;
    /// Whether `more` fit. Of the bound over all an eighth is kept for root.
    bool has_room(std::size_t more, Part part = Part::whole) const noexcept;

   private:
    MemoryQuota* quota_;
    User* user_;
    std::uint32_t uid_;
    std::size_t bytes_ = 0;
  };

 private:
  MemoryWaiters& waiters_;
  Limits limits_{};
  std::size_t bytes_ = 0;
  std::unordered_map<std::uint32_t, User> users_{};  ///< Only those that have shares.
};

/// Of all connections.
class MemoryAccount {
 public:
  MemoryAccount() = default;

  void apply(Config const& config) noexcept;
  MemoryQuota& unread() noexcept { return unread_; }
  MemoryQuota const& unread() const noexcept { return unread_; }
  MemoryQuota& unsent() noexcept { return unsent_; }
  MemoryQuota const& unsent() const noexcept { return unsent_; }
  MemoryWaiters& waiters() noexcept { return waiters_; }
  MemoryWaiters const& waiters() const noexcept { return waiters_; }
  /// Of large requests; nobody holds them.
  protocol::SpareBuffers& spare_buffers() noexcept { return spare_buffers_; }

 private:
  MemoryWaiters waiters_{};
  protocol::SpareBuffers spare_buffers_{};
  MemoryQuota unread_{waiters_};
  MemoryQuota unsent_{waiters_};
};

/// What the daemon may take of the memory, by what takes it.
struct MemoryBounds {
  std::uint64_t program = 0;      ///< Code, tables, what is on its way between the others.
  std::uint64_t store = 0;        ///< Entries and their index.
  std::uint64_t in_flight = 0;    ///< Commits.
  std::uint64_t writers = 0;      ///< Numbered writes that are remembered.
  std::uint64_t connections = 0;  ///< What each has without asking, and its socket's buffer.
  std::uint64_t unread = 0;       ///< Requests,
  std::uint64_t unsent = 0;       ///< and replies.

  std::uint64_t sum() const noexcept;
};
MemoryBounds memory_bounds(Config const& config, std::uint64_t store_bytes_max) noexcept;
/// How much memory of entries that are gone is kept for those to come.
std::size_t spare_entry_bytes_max(Config const& config) noexcept;
/// "memory: at most … MiB: …", all bounds and their sum.
/// `machine_bytes`: what this process can have, as look_at_memory() finds it.
std::string memory_line(Config const& config, std::uint64_t machine_bytes);

/// Large buffers come from the system and go back to it, however small ones lie between them. Once,
/// before there are any.
void set_up_heap() noexcept;
/// Gives the system what is free in the heap, if that has become much since the last time.
class HeapTrimmer {
 public:
  void note(std::size_t held_bytes) noexcept;

 private:
  std::size_t held_bytes_max_ = 0;  ///< Since the last time.
};

}  // namespace stele::daemon
