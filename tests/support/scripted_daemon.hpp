// A daemon that stores nothing: it answers each request by its op, with replies that are as long as
// the test wants them, and may cut what it sends anywhere.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "support/temp_dir.hpp"

namespace stele::test {

/// Serves one connection after the other from a thread of its own, until it is destroyed.
class ScriptedDaemon {
 public:
  /// What follows the cut, if there is one.
  enum class Rest : std::uint8_t {
    end,    ///< The connection ends.
    later,  ///< It comes with the answer to the next request.
  };
  /// Of the answer to the second request of a connection (the first is its hello).
  struct Cut {
    std::size_t bytes = SIZE_MAX;  ///< So many are sent at once.
    Rest rest = Rest::end;
    bool greets = true;  ///< Else the first request has no answer.
  };

  ScriptedDaemon();
  ScriptedDaemon(ScriptedDaemon const&) = delete;
  ScriptedDaemon& operator=(ScriptedDaemon const&) = delete;
  ~ScriptedDaemon();

  std::string socket() const { return directory_ / "s"; }
  void set_cut(Cut cut);
  /// From now on a hello is not answered.
  void hold_greeting() { set_cut({.bytes = SIZE_MAX, .rest = Rest::later, .greets = false}); }
  /// From now on writes are refused with this code; "": they are taken.
  void refuse_writes(std::string code);
  /// Requests that were received so far.
  std::uint64_t requests();
  /// The seq that the write_log of this message was given; 0: it was not received.
  std::uint64_t seq_of(std::string const& message);

  /// How long the answer to an op is, frames and all.
  static std::size_t answer_bytes(std::string const& op);

 private:
  void run();
  void serve(int descriptor);
  std::string answer(boost::json::object const& request);

  TempDir directory_{};
  int listener_ = -1;
  std::mutex mutex_{};
  Cut cut_{};
  std::uint64_t next_seq_ = 1000;
  std::string refusal_{};
  std::uint64_t requests_ = 0;
  std::map<std::string, std::uint64_t> seqs_{};
  std::thread thread_{};
};

}  // namespace stele::test
