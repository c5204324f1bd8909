// How the load driver speaks to one kind of server: what an operation is in bytes, and where its
// reply ends. The driver knows sockets and clocks, a peer knows neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace stele::bench {

/// What each operation of a run does.
struct Operation {
  enum class Kind {
    write,  ///< Stores `batch` entries; answered when they are durable.
    read,   ///< Reads `batch` entries that follow one another in time, from a random place.
  };
  Kind kind = Kind::write;
  std::size_t batch = 1;
  std::size_t entry_bytes = 250;  ///< JSON text of an entry, as the writer sends it.
  double out_of_order_share = 0;  ///< Writes: 0 to 1.
  std::uint64_t seed = 1;         ///< Of what is drawn: out-of-order timestamps, places to read.
  bool parse = false;             ///< Reads: parse each entry, instead of finding the reply's end.
};

/// The incoming side of one connection.
class ReplyReader {
 public:
  virtual ~ReplyReader() = default;
  /// Where the next bytes go, and how many came.
  virtual std::span<char> prepare() = 0;
  virtual void commit(std::size_t bytes) = 0;
  /// The number of entries that the next answered operation moved; nothing: it needs more bytes.
  /// Throws Stop with the server's text if the server refused.
  virtual std::optional<std::size_t> next() = 0;
  /// Writes: the seq of the last entry of the operation that next() told of; 0 if the server gives
  /// none.
  virtual std::uint64_t last_seq() const { return 0; }
};

class Peer {
 public:
  virtual ~Peer() = default;
  /// Appends the bytes of the next operation.
  virtual void append_operation(std::string& out) = 0;
  virtual std::unique_ptr<ReplyReader> make_reader() const = 0;
  /// What the server says about how it stores.
  virtual std::string backend() const = 0;
  /// Whether it answers a write only when that is on disk.
  virtual bool syncs() const { return true; }
};

/// `is_floor`: the server is stele-bench-floor, which answers writes and knows nothing else.
std::unique_ptr<Peer> make_stele_peer(std::string const& socket, Operation const& operation,
                                      bool is_floor);
std::unique_ptr<Peer> make_redis_peer(std::string const& socket, Operation const& operation);

}  // namespace stele::bench
