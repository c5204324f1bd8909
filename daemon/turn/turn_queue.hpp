// Whose turn it is: connections that have work to do, fairly by user and then by connection.
// Sans-io: knows neither sockets nor clocks; work is counted in visits (turn_budget.hpp).
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace stele::daemon {

/// Who has had least comes first, of the users, and then of the connections of that user. Who did
/// nothing for a while has no claim to what was done meanwhile, but for a small credit: so one who
/// asks for little, now and then, comes before all those who always have more to do.
class TurnQueue {
  struct User;

 public:
  /// A connection's member. It leaves the queue when it is destroyed, and is destroyed first.
  class Member : public boost::intrusive::set_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    Member(TurnQueue& queue, std::uint32_t uid);
    Member(Member const&) = delete;
    Member& operator=(Member const&) = delete;
    bool waits() const noexcept { return is_linked(); }

   protected:
    ~Member();

   private:
    friend class TurnQueue;
    User& user_;
    std::uint64_t had_ = 0;
  };

  TurnQueue() = default;
  TurnQueue(TurnQueue const&) = delete;
  TurnQueue& operator=(TurnQueue const&) = delete;

  /// It has something to do. One that waits already keeps its member.
  void push(Member& member) noexcept;
  /// The next one, which does not wait any more. Precondition: not empty().
  Member& pop() noexcept;
  bool empty() const noexcept { return users_.empty(); }

  /// Work that was done for it, in a turn or without waiting for one.
  void pay(Member& member, std::size_t visits) noexcept;

  /// What one who did nothing for a while has before the others: two milliseconds of work.
  static constexpr std::uint64_t credit = 200'000;

 private:
  struct ByWork {
    template <class Queued>
    bool operator()(Queued const& left, Queued const& right) const noexcept {
      return left.had_ < right.had_;
    }
  };
  using Members = boost::intrusive::multiset<Member, boost::intrusive::compare<ByWork>,
                                             boost::intrusive::constant_time_size<false>>;
  struct User : boost::intrusive::set_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    std::size_t members = 0;
    std::uint64_t had_ = 0;
    std::uint64_t level = 0;  ///< What its connections have had, as far as they have come up.
    Members waiting{};
  };
  using Users = boost::intrusive::multiset<User, boost::intrusive::compare<ByWork>,
                                           boost::intrusive::constant_time_size<false>>;

  /// Nobody is behind the level by more than the credit.
  static std::uint64_t caught_up(std::uint64_t had, std::uint64_t level) noexcept {
    return had + credit < level ? level - credit : had;
  }

  User& user_of(std::uint32_t uid);

  std::unordered_map<std::uint32_t, User> of_uid_{};
  Users users_{};  ///< Those with connections that wait.
  std::uint64_t level_ = 0;
};

}  // namespace stele::daemon
