// Clients that write and read without a pause, and remember what they intended, were told and saw:
// what the oracle judges a log by (kill_oracle.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/kill_oracle.hpp"
#include "support/program.hpp"

namespace stele::test {

/// What one client notes; called from its thread alone.
class ClientNotes {
 public:
  virtual ~ClientNotes() = default;
  /// It has connected. What follows belongs to this connection.
  virtual void on_connected() = 0;
  /// Before the request is sent.
  virtual void on_intent(Intent intent) = 0;
  /// After the reply to the connection's request of this index.
  virtual void on_acknowledged(std::size_t index, std::uint64_t first, std::uint64_t last) = 0;
  virtual void on_refused(std::size_t index) = 0;
  virtual void on_seen(WireEntry const& entry) = 0;
};

/// Notes in memory. Each thing is noted with a moment that somebody else's clock gives, such as the
/// position in the record of a disk, so that a part of the notes can be judged by a part of that.
class MemoryNotes final : public ClientNotes {
 public:
  using Moment = std::size_t;
  explicit MemoryNotes(std::function<Moment()> now = [] { return Moment{0}; })
      : now_(std::move(now)) {}

  void on_connected() override;
  void on_intent(Intent intent) override;
  void on_acknowledged(std::size_t index, std::uint64_t first, std::uint64_t last) override;
  void on_refused(std::size_t index) override;
  void on_seen(WireEntry const& entry) override;

  /// Tells the oracle what had happened at that moment.
  void tell(KillOracle& oracle, Moment until = SIZE_MAX) const;
  std::size_t acknowledged() const noexcept { return acknowledged_; }
  std::size_t refused() const noexcept { return refused_; }

 private:
  struct Noted {
    Intent intent{};
    Moment sent = 0;
    Moment answered = 0;
  };
  struct Seen {
    std::string body{};
    Moment when = 0;
  };
  std::function<Moment()> now_;
  std::vector<std::vector<Noted>> conversations_{};
  std::map<std::uint64_t, Seen> seen_{};
  std::size_t acknowledged_ = 0;
  std::size_t refused_ = 0;
};

struct ClientPlan {
  std::string socket{};
  std::string name{};  ///< Of no other client: it makes what is written unique.
  std::uint64_t seed = 0;
  /// Connects again and again until `stop`; else the end of the first connection is the end.
  bool reconnects = false;
  std::atomic<bool> const* stop = nullptr;
  std::atomic<std::size_t>* replies = nullptr;  ///< Raised with each reply to a write.
};

/// Sends random writes, up to eight under way at a time.
void write_under_load(ClientPlan const& plan, ClientNotes& notes);
/// Reads the newest entries over and over.
void read_under_load(ClientPlan const& plan, ClientNotes& notes);

/// Writers and a reader, each on a thread of its own.
class Load {
 public:
  struct Plan {
    std::string socket{};
    std::string name{};
    std::size_t writers = 4;
    bool reconnects = false;
    std::function<MemoryNotes::Moment()> now = [] { return MemoryNotes::Moment{0}; };
  };
  Load(Plan const& plan, std::mt19937_64& random);
  Load(Load const&) = delete;
  Load& operator=(Load const&) = delete;
  /// The daemon has ended by then, or answers: else the clients would wait for ever.
  ~Load() { finish(); }

  /// Waits for this many more replies to writes; false if the daemon ended before, or hangs.
  bool wait_for_replies(std::size_t count, Program& daemon);
  /// Ends the clients.
  void finish();

  /// After finish().
  void tell(KillOracle& oracle, MemoryNotes::Moment until = SIZE_MAX) const;
  std::size_t acknowledged() const;
  std::size_t refused() const;

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> replies_ = 0;
  std::vector<MemoryNotes> notes_{};
  std::vector<std::thread> threads_{};
};

}  // namespace stele::test
