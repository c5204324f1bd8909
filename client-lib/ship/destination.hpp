// Where entries are shipped to.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "client-lib/ship/message.hpp"

namespace stele::ship {

struct ShipError {
  std::string message{};
  bool is_final = false;  ///< Trying again will not help.
  bool may_pass = false;  ///< It may, later: what is wrong need not be mended on this machine.
};

/// That the cursor in `place` is of the store `other`, and what to do.
inline std::string not_of_this_store(std::string_view place, std::string_view other) {
  std::string text(place);
  text += " is not of this store, but of ";
  text += other;
  text += ": if this log was salvaged from that one, --continue-store ";
  text += other;
  return text + " goes on behind it";
}

template <class T>
using Outcome = boost::system::result<T, ShipError>;

/// Messages go in the order in which they are published, and none is taken behind one that was not.
///
/// After any failure: settle(), then read_cursor(), then go on behind it. What a failed message
/// became of, the cursor says.
class Destination {
 public:
  Destination() = default;
  Destination(Destination const&) = delete;
  Destination& operator=(Destination const&) = delete;
  virtual ~Destination() = default;

  /// Blocks until the destination can be asked, or fails. The last seq of this store that it has;
  /// nothing: it has none, and knows of none that it once had.
  virtual Outcome<std::uint64_t> read_cursor(std::string_view store) = 0;

  /// Blocks while too much is under way. Fails also if an earlier message was not taken.
  virtual Outcome<void> publish(Message const& message) = 0;

  /// Up to this seq all has been taken since the cursor was read.
  virtual std::uint64_t acknowledged_seq() const = 0;
  /// Waits until all that is under way has been taken, or something has failed, or half a minute
  /// has passed.
  virtual Outcome<void> flush() = 0;
  /// Forgets what is under way, once nothing of it can succeed any more as far as that can be
  /// known.
  virtual void settle() = 0;

  /// Entries that it was given and will never have, as it said itself.
  virtual std::uint64_t refused_entries() const { return 0; }

  /// The longest body that is taken.
  virtual std::size_t body_bytes_max() const = 0;
};

[[noreturn]] inline void throw_exception_from_error(ShipError const& trouble,
                                                    boost::source_location const& /*where*/) {
  throw std::runtime_error(trouble.message);
}

}  // namespace stele::ship
