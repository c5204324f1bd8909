// One client of the simulated daemon: random requests, bytes that arrive in pieces, and a check of
// every reply.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/ledger.hpp"
#include "simulation/simulated_service.hpp"

namespace stele::test {

/// Everything random of a run but the disk's part.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// Ends before the service that it is connected to.
class SimulatedClient {
 public:
  SimulatedClient(std::size_t number, Dice& dice, Ledger& ledger)
      : number_(number), dice_(dice), ledger_(ledger) {}

  void connect(SimulatedService& service);
  /// What was asked and not answered has an unknown fate.
  void disconnect();
  bool is_connected() const noexcept { return session_ != nullptr; }

  /// Makes one request, unless many are under way.
  void ask();
  /// Some bytes reach the daemon.
  void push();
  /// Some bytes come back.
  void pull();
  /// The daemon comes round to this connection.
  void take_turn();
  /// No more requests; the connection ends by itself when all is answered.
  void finish();
  void drain();

  /// Moves all that can be moved without the disk.
  bool move_all();
  bool is_quiet() const noexcept { return asked_.empty(); }

  /// Reads the whole log at once. Precondition: nothing is under way.
  ShownEntries read_all();

 private:
  struct Asked {
    enum class Kind : std::uint8_t { write, read, read_all, ping, confirm };
    Kind kind = Kind::ping;
    std::uint64_t id = 0;
    Ledger::GroupNo group = 0;
    Seq acknowledged = 0;
    bool falling = false;
    ShownEntries shown{};
    std::vector<std::pair<std::uint64_t, Seq>> keys{};
  };

  void ask_write();
  void ask_read(bool all);
  void ask_ping();
  void ask_confirm();
  void send(std::string_view text);
  bool take_reply();
  void on_reply(boost::json::object const& reply);
  void on_write_reply(Asked const& asked, boost::json::object const& reply);
  bool on_read_reply(Asked& asked, boost::json::object const& reply);

  std::size_t number_;
  Dice& dice_;
  Ledger& ledger_;
  SimulatedService* service_ = nullptr;
  std::unique_ptr<SimulatedSession> session_{};
  std::size_t connection_ = 0;
  bool is_line_ = false;
  bool finishing_ = false;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_message_ = 1;
  std::string outbox_{};
  std::string inbox_{};
  std::deque<Asked> asked_{};
  ShownEntries last_read_{};
};

}  // namespace stele::test
