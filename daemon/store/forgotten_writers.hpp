// Which writers were forgotten, in bounded memory: never a wrong no, seldom a wrong yes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "protocol/writer_id.hpp"

namespace stele::daemon {

/// A Bloom filter in two generations. When the newer one is full the older one is dropped, and from
/// then on a no is no proof.
class ForgottenWriters {
 public:
  /// Of a generation: at 16 bits a writer, about one stranger in 2000 is taken for one of them.
  static constexpr std::size_t writers_max = std::size_t{1} << 18;
  static constexpr std::size_t bits = 16 * writers_max;
  /// Of both generations.
  static constexpr std::size_t bytes_max = 2 * bits / 8;

  void insert(protocol::WriterId const& writer);
  bool contains(protocol::WriterId const& writer) const noexcept;
  /// Whether every writer that was ever inserted is still in it.
  bool is_complete() const noexcept { return is_complete_; }
  std::size_t bytes() const noexcept {
    return (newer_.words ? bits / 8 : 0) + (older_.words ? bits / 8 : 0);
  }

 private:
  struct Free {
    void operator()(std::uint64_t* words) const noexcept { std::free(words); }
  };
  struct Generation {
    /// Zeros that the system has made: it gives a page of them when the page is first written to.
    std::unique_ptr<std::uint64_t[], Free> words{};
    std::size_t writers = 0;
  };
  static void prepare(Generation& generation);
  static bool contains(Generation const& generation, protocol::WriterId const& writer) noexcept;

  Generation newer_{};
  Generation older_{};
  bool is_complete_ = true;
};

}  // namespace stele::daemon
