// Requests that take longer to parse than a turn: one after the other, a part of it in each turn.
// Sans-io.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/request/encoded_batch.hpp"
#include "daemon/store/chunk_memory.hpp"
#include "daemon/turn/turn_queue.hpp"
#include "protocol/request/request.hpp"

namespace stele::daemon {

/// Who waits for a parser.
class ParserWaiter {
 public:
  /// The parser is there, in the midst of another connection's turn: ask for one's own.
  virtual void on_parser() = 0;

 protected:
  ~ParserWaiter() = default;
};

/// A request that is parsed in parts takes memory of several times its size, and time from all
/// others in turn. So there is one parser for large requests and one for huge ones, and who wants
/// it waits: users by turns, and within a user those who came first.
class LargeRequests {
  struct Lane;

 public:
  /// Longer ones are parsed in parts.
  static constexpr std::size_t large_bytes_min = std::size_t{16} << 10;
  static constexpr std::size_t huge_bytes_min = std::size_t{1} << 20;

  explicit LargeRequests(protocol::RequestLimits limits);
  ~LargeRequests();
  LargeRequests(LargeRequests const&) = delete;
  LargeRequests& operator=(LargeRequests const&) = delete;

  /// To be called now and then: gives back the memory that large requests took, if there were none
  /// since the last time.
  void free_unwanted();
  /// Nobody is there who might want it.
  void free_all();
  std::size_t memory_bytes() const noexcept {
    return large_.parser.memory_bytes() + huge_.parser.memory_bytes();
  }

  /// The place of one request: it waits for its parser, has it, and gives it back when it is
  /// destroyed.
  class Ticket final : public TurnQueue::Member {
   public:
    /// `text` stays where it is. `waiter`, if there is one, is notified when a request that had to
    /// wait has its parser; not from here.
    Ticket(LargeRequests& requests, std::uint32_t uid, std::string_view text, ParserWaiter* waiter);
    ~Ticket();

    bool has_parser() const noexcept;
    /// Precondition: has_parser(). It has been started with the text.
    protocol::RequestParser& parser() noexcept;
    std::size_t bytes() const noexcept { return text_.size(); }
    /// It has been parsed, and borrows from the parser.
    std::optional<protocol::ParsedRequest> request{};
    /// What the entries of a write take at most; 0: it has not been parsed.
    std::size_t payload_bytes = 0;
    PreparedMemory memory{};  ///< For them, unless they are huge: then
    EncodedBatch encoded{};   ///< they are made before.

   private:
    friend class LargeRequests;
    Lane& lane_;
    std::string_view text_;
    ParserWaiter* waiter_;
  };

 private:
  struct Lane {
    explicit Lane(protocol::RequestLimits limits) : parser(limits) {}
    void give_parser_to(Ticket& ticket);

    TurnQueue waiting{};
    Ticket* holder = nullptr;
    bool is_wanted = false;  ///< There was a request since free_unwanted().
    protocol::RequestParser parser;
  };
  Lane& lane_of(std::size_t bytes) noexcept { return bytes < huge_bytes_min ? large_ : huge_; }

  Lane large_;
  Lane huge_;
};

}  // namespace stele::daemon
