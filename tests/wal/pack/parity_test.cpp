#include "wal/pack/parity.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

using namespace stele::wal;

namespace {

using Bytes = std::vector<std::byte>;

struct Stripe {
  explicit Stripe(StripeGeometry const& geometry, std::size_t data_count, std::uint64_t seed)
      : code(geometry), shards(data_count + geometry.parity, Bytes(shard_bytes)) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < data_count; ++i) {
      for (auto& byte : shards[i]) byte = static_cast<std::byte>(random());
    }
    std::vector<std::byte const*> data;
    std::vector<std::byte*> parity;
    for (std::size_t i = 0; i < data_count; ++i) data.push_back(shards[i].data());
    for (std::size_t i = data_count; i < shards.size(); ++i) parity.push_back(shards[i].data());
    code.encode(data, parity);
  }
  bool restores(std::vector<std::size_t> const& lost) const {
    auto damaged = shards;
    std::vector<std::byte*> places;
    for (auto& shard : damaged) places.push_back(shard.data());
    for (auto const shard : lost) damaged[shard].assign(shard_bytes, std::byte{0xee});
    if (!code.restore(places, lost)) return false;
    for (auto const shard : lost) {
      bool const is_data = shard < shards.size() - parity_count;
      if (is_data && damaged[shard] != shards[shard]) return false;
    }
    return true;
  }

  StripeCode code;
  std::vector<Bytes> shards;
  std::size_t parity_count = 2;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(parity_test)

BOOST_AUTO_TEST_CASE(any_two_of_a_stripe_are_made_again_whatever_its_length) {
  for (std::size_t const data_count : {1U, 2U, 5U, 9U}) {
    Stripe const stripe({.data = 9, .parity = 2, .window = 90}, data_count, data_count);
    for (std::size_t first = 0; first < data_count + 2; ++first) {
      BOOST_TEST(stripe.restores({first}));
      for (auto second = first + 1; second < data_count + 2; ++second) {
        BOOST_TEST(stripe.restores({first, second}), first << " and " << second);
      }
    }
  }
  Stripe const large({}, 64, 1);
  BOOST_TEST(large.restores({0, 63}));
  BOOST_TEST(large.restores({17, 65}));
}

BOOST_AUTO_TEST_CASE(more_than_there_is_parity_are_not) {
  Stripe const stripe({.data = 9, .parity = 2, .window = 90}, 9, 1);
  BOOST_TEST(!stripe.restores({0, 1, 2}));
  BOOST_TEST(!stripe.restores({0, 1, 9}));
  BOOST_TEST(stripe.restores({0, 9}));
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_pack_follow_one_another) {
  StripeGeometry const geometry{.data = 4, .parity = 2, .window = 8};
  for (std::uint64_t data = 1; data < 3000; data += 13) {
    PackLayout const layout(data, geometry);
    auto const last = data % 8 == 0 ? 0 : (data % 8 + 3) / 4;
    BOOST_TEST(layout.parity_shards == (data / 8 * 2 + last) * 2);
    BOOST_TEST(layout.map_shards == (data + layout.parity_shards + map_crcs - 1) / map_crcs);
    std::uint64_t next = 0;
    for (std::uint64_t shard = 0; shard < layout.total_shards(); ++shard) {
      if (auto const index = layout.crc_index(shard)) BOOST_TEST(*index == next++);
    }
    BOOST_TEST(next == data + layout.parity_shards);
  }
}

BOOST_AUTO_TEST_SUITE_END()
