// Judges a log after a crash by what its writers intended, what they were told, and what readers
// saw. The oracle's memory is the test's own: it survives the daemon.
//
// Invariants checked:
//   (a) every acknowledged entry is at its seq, byte for byte
//   (b) every entry was intended by some writer
//   (c) none is there twice
//   (d) of one connection's requests, the log holds a prefix, in the order of sending
//   (e) seqs are dense, from 1 or from the first one that retention has left, but for named gaps
//   (f) a batch is there whole, with consecutive seqs, or not at all
//   (g) what a reader saw before the crash is still there, byte for byte
//   (h) what was refused is nowhere
// What retention removed need not be there any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/wire_peer.hpp"

namespace stele::test {

/// One write request: what was to be stored, and what was answered.
struct Intent {
  std::vector<std::string> bodies{};  ///< As WireEntry::body; each is unique in the whole test.
  std::uint64_t first_seq = 0;        ///< 0: not acknowledged.
  std::uint64_t last_seq = 0;
  bool refused = false;  ///< Answered as not written.
};

/// The requests of one connection, in the order of sending.
using Conversation = std::vector<Intent>;
/// Seqs that the log itself names as missing, both inclusive.
struct NamedGap {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
};
/// Entries that a reader was shown: body by seq.
using Sightings = std::map<std::uint64_t, std::string>;

class KillOracle {
 public:
  void add(Conversation conversation) { conversations_.push_back(std::move(conversation)); }
  void add(Sightings const& seen) { seen_.insert(seen.begin(), seen.end()); }

  /// The broken invariants, one sentence each; none if the log is right. Retention has removed the
  /// seqs up to `removed_seq`; those of `gaps` were given to what was never finished.
  std::vector<std::string> judge(std::vector<WireEntry> stored, std::uint64_t removed_seq = 0,
                                 std::vector<NamedGap> const& gaps = {}) const;

  std::size_t acknowledged() const;
  std::size_t intended() const;

 private:
  std::vector<Conversation> conversations_{};
  Sightings seen_{};
};

/// The next request of a random load, and its text: write_log or write_many_logs, entries of 0 to
/// some thousand bytes. `name` and `number` make the bodies unique.
struct RandomWrite {
  Intent intent{};
  std::string text{};
};
RandomWrite random_write(std::mt19937_64& random, std::string const& name, std::size_t number);

}  // namespace stele::test
