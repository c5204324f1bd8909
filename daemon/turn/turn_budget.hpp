// What one connection may do in one turn of the loop, so that other clients have their turn.
#pragma once

#include <algorithm>
#include <cstddef>

namespace stele::daemon {

/// Counted in visits: one is a look at one key of the index, some 10 ns. A turn is a fraction of a
/// millisecond. What is begun may cost more than is left: that is paid, too.
class TurnBudget {
 public:
  static constexpr std::size_t turn_visits = 20'000;

  explicit TurnBudget(std::size_t visits_max = turn_visits) noexcept : visits_max_(visits_max) {}

  bool is_spent() const noexcept { return visits_paid_ >= visits_max_; }
  std::size_t visits_left() const noexcept {
    return visits_max_ - std::min(visits_max_, visits_paid_);
  }
  /// Not one of those for what is done at once for all who wait for the log.
  bool is_turn() const noexcept { return visits_max_ >= turn_visits / 2; }
  std::size_t visits_max() const noexcept { return visits_max_; }
  std::size_t visits_paid() const noexcept { return visits_paid_; }

  void pay(std::size_t visits) noexcept { visits_paid_ += visits; }
  /// For finding the place where a read goes on, and for the text around its entries.
  void pay_for_step() noexcept { pay(200); }
  /// For judging an entry by the filter of a read.
  void pay_for_judging(std::size_t entry_bytes) noexcept { pay(8 + entry_bytes / 16); }
  /// For entries that lie alone in memory, and are copied.
  void pay_for_copy(std::size_t bytes) noexcept { pay(8 + bytes / 32); }

  /// A call to the kernel that takes or brings this many bytes.
  static constexpr std::size_t visits_of_call(std::size_t bytes) noexcept {
    return 100 + bytes / 32;
  }
  /// For a message, whatever it says: it is found, understood, and its reply is made and sent.
  void pay_for_message() noexcept { pay(60); }
  /// For parsing: the plain spelling of a write takes far less time than JSON of any kind.
  void pay_for_parsing(std::size_t bytes, bool is_plain) noexcept {
    pay(is_plain ? bytes / plain_bytes_a_visit : bytes);
  }
  /// How many bytes can be parsed with what is left.
  std::size_t bytes_to_parse(bool is_plain) const noexcept {
    return std::max(parsed_bytes_min, visits_left() * (is_plain ? plain_bytes_a_visit : 1));
  }
  /// For saying what is wrong, and what was meant perhaps.
  void pay_for_refusal() noexcept { pay(600); }
  /// For making text of a reply that is not copied from the store.
  void pay_for_text(std::size_t bytes) noexcept { pay(bytes / 4); }
  /// For a block of the history, which gives this many bytes.
  void pay_for_unpacking(std::size_t bytes) noexcept { pay(bytes / 16); }
  /// For memory that is given back.
  void pay_for_unmapping(std::size_t bytes) noexcept { pay(8 + bytes / 128); }
  /// For looking for a few words in so much text.
  void pay_for_search(std::size_t bytes) noexcept { pay(bytes / 64); }
  /// For pages that the system gives, and how many it can give with what is left.
  void pay_for_pages(std::size_t pages) noexcept { pay(visits_a_page * pages); }
  std::size_t pages_to_prepare() const noexcept { return 1 + visits_left() / visits_a_page; }
  /// For entries that the log takes: their bytes are made, and copied.
  void pay_for_writing(std::size_t entries, std::size_t bytes) noexcept {
    pay(30 * entries + bytes / 8);
  }

 private:
  static constexpr std::size_t plain_bytes_a_visit = 8;
  static constexpr std::size_t visits_a_page = 500;
  static constexpr std::size_t parsed_bytes_min = std::size_t{4} << 10;

  std::size_t visits_max_;
  std::size_t visits_paid_ = 0;
};

}  // namespace stele::daemon
