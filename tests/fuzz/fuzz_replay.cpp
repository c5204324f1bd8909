// The fuzz targets without libFuzzer, for any compiler: the corpus, and mutations of it by a seed.
//
//   fuzz_replay CORPUS_DIR [TARGET]     STELE_SEED, STELE_FUZZ_RUNS: mutations of each target
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/environment.hpp"

// Each is the LLVMFuzzerTestOneInput of its file.
extern "C" {
int canonical_value_fuzz(std::uint8_t const* data, std::size_t size);
int frame_reader_fuzz(std::uint8_t const* data, std::size_t size);
int pack_reader_fuzz(std::uint8_t const* data, std::size_t size);
int request_parser_fuzz(std::uint8_t const* data, std::size_t size);
int time_spec_fuzz(std::uint8_t const* data, std::size_t size);
int wal_reader_fuzz(std::uint8_t const* data, std::size_t size);
}

namespace {

using Input = std::vector<std::uint8_t>;

struct Target {
  std::string_view name;
  int (*run)(std::uint8_t const* data, std::size_t size);
  /// A run of this one costs as much as this many of the quickest.
  std::uint64_t cost;
};
constexpr Target targets[] = {
    {"canonical_value_fuzz", &canonical_value_fuzz, 1},
    {"frame_reader_fuzz", &frame_reader_fuzz, 1},
    {"pack_reader_fuzz", &pack_reader_fuzz, 50},
    {"request_parser_fuzz", &request_parser_fuzz, 1},
    {"time_spec_fuzz", &time_spec_fuzz, 1},
    {"wal_reader_fuzz", &wal_reader_fuzz, 50},
};

std::vector<Input> read_corpus(std::filesystem::path const& folder) {
  std::vector<std::filesystem::path> paths;
  for (auto const& file : std::filesystem::directory_iterator(folder)) paths.push_back(file);
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (auto const& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Input mutate(std::vector<Input> const& corpus) {
    Input input = corpus[below(corpus.size())];
    for (auto steps = 1 + below(4); steps > 0; --steps) step(input, corpus);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void step(Input& input, std::vector<Input> const& corpus) {
    auto const at = [&] { return static_cast<std::ptrdiff_t>(below(input.size() + 1)); };
    auto const place = at();
    auto const end = static_cast<std::ptrdiff_t>(input.size());
    switch (below(5)) {
      case 0:
        if (place < end) input[static_cast<std::size_t>(place)] ^= std::uint8_t(1U << below(8));
        break;
      case 1:
        if (place < end) input[static_cast<std::size_t>(place)] = std::uint8_t(random_());
        break;
      case 2:
        input.erase(input.begin() + std::min(place, end), input.begin() + std::max(place, at()));
        break;
      case 3:
        input.insert(input.begin() + place, std::uint8_t(random_()));
        break;
      default: {
        auto const& other = corpus[below(corpus.size())];
        auto const from = below(other.size() + 1);
        auto const count = below(other.size() - from + 1);
        auto const begin = other.begin() + static_cast<std::ptrdiff_t>(from);
        input.insert(input.begin() + place, begin, begin + static_cast<std::ptrdiff_t>(count));
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  auto const seed = stele::test::number_from_environment("STELE_SEED", 1);
  auto const runs = stele::test::number_from_environment("STELE_FUZZ_RUNS", 20'000);
  for (auto const& target : targets) {
    if (argc > 2 && target.name != argv[2]) continue;
    auto const corpus = read_corpus(std::filesystem::path(argv[1]) / target.name);
    if (corpus.empty()) return 1;
    // A failure ends the process: what comes before it says how to repeat it.
    std::printf("%s: %zu files, %llu mutations; STELE_SEED=%llu\n", target.name.data(),
                corpus.size(), static_cast<unsigned long long>(runs / target.cost),
                static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    for (auto const& input : corpus) target.run(input.data(), input.size());
    Mutator mutator(seed);
    for (std::uint64_t run = 0; run < runs / target.cost; ++run) {
      auto const input = mutator.mutate(corpus);
      target.run(input.data(), input.size());
    }
  }
  return 0;
}
