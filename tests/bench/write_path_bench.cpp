// stele-bench-write-path: what an entry costs on its way from received bytes to a sealed commit,
// stage by stage, in one thread, without a socket and without a disk.
//
//   stele-bench-write-path [BATCH [ENTRY_BYTES [ROUNDS]]]
//
// Prints nanoseconds an entry: the least, the median and the mean of the rounds, each one batch.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"
#include "daemon/store/store.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "protocol/json/json_tokens.hpp"
#include "protocol/request/request.hpp"
#include "wal/write/commit_pipeline.hpp"

namespace {

namespace bench = stele::bench;
namespace daemon = stele::daemon;
namespace protocol = stele::protocol;
namespace wal = stele::wal;
using Clock = std::chrono::steady_clock;

/// What a session asks the socket for at most.
constexpr std::size_t receive_bytes = std::size_t{256} << 10;
constexpr std::size_t commit_align = 512;

/// Takes the parser's tokens and does nothing with them.
struct Nobody {
  std::size_t tokens = 0;
  void take(protocol::JsonToken const& /*token*/) { ++tokens; }
};

enum Stage : std::size_t { frame, json, parse, stage, append, seal, publish, stage_count };
constexpr std::array<char const*, stage_count> stage_names{
    "frame    bytes copied into the reader, and the frame found",
    "json     Boost.JSON alone, its tokens ignored (not in the sum)",
    "parse    the request read",
    "stage    canonical bytes into the store",
    "append   into the commit: copy and record checksums",
    "seal     the commit's header and checksum",
    "publish  into the time index"};

using Times = std::array<double, stage_count>;

class WritePath {
 public:
  explicit WritePath(std::size_t batch) : batch_(batch) {}

  Times run(std::string const& request) {
    Times times{};
    auto last = Clock::now();
    auto const lap = [&](Stage ended) {
      auto const now = Clock::now();
      times[ended] = std::chrono::duration<double, std::nano>(now - last).count() /
                     static_cast<double>(batch_);
      last = Clock::now();
    };
    auto const message = receive(request);
    lap(frame);
    Nobody nobody;
    if (protocol::read_json(message, 32, scratch_, nobody)) throw bench::Stop("not JSON");
    lap(json);
    auto const parsed = parser_.parse(message);
    lap(parse);
    if (!parsed.request) throw bench::Stop(parsed.request.error().message);
    auto const& write = std::get<protocol::Write>(*parsed.request);
    if (write.entries.size() != batch_) throw bench::Stop("entries are missing");
    payloads_.clear();
    for (auto const& draft : write.entries) {
      payloads_.push_back(store_.stage(draft, {++seq_, draft.timestamp.value_or(0), {1, 2, 3}}));
    }
    lap(stage);
    pipeline_.append({}, payloads_);
    lap(append);
    (void)pipeline_.begin(0x0123456789abcdef);
    lap(seal);
    store_.publish(pipeline_.on_durable(wal::Instant{}));
    lap(publish);
    return times;
  }

 private:
  std::string_view receive(std::string_view request) {
    for (;;) {
      if (auto const next = frames_.next(); next.status == protocol::FrameReader::Status::message) {
        return next.message;
      }
      auto const piece = request.substr(0, receive_bytes);
      std::memcpy(frames_.prepare(receive_bytes).data(), piece.data(), piece.size());
      frames_.commit(piece.size());
      request.remove_prefix(piece.size());
    }
  }

  std::size_t batch_;
  protocol::FrameReader frames_{protocol::frame_bytes_ceiling};
  std::string scratch_{};
  protocol::RequestParser parser_{};
  daemon::ChunkReserve chunk_reserve_{};
  daemon::Store store_{daemon::Store::writers_max_default, &chunk_reserve_};
  daemon::Seq seq_ = 0;
  std::vector<std::string_view> payloads_{};
  wal::CommitPipeline pipeline_{
      {.commit_no = wal::first_commit_no, .chain = wal::first_chain, .next_seq = 1},
      {.commit_align = commit_align, .gather_bytes = std::size_t{4} << 20, .mark_delay = {}}};
};

bench::RequestTemplates render(std::size_t batch, std::size_t entry_bytes) {
  bench::RequestTemplates templates;
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<stele::LogEntry> entries;
    for (std::size_t j = 0; j < batch; ++j) {
      entries.push_back(bench::make_entry(entry_bytes, i * batch + j));
    }
    std::string request;
    protocol::FrameBuilder builder(request, protocol::FrameForm::binary);
    protocol::append_write_many_logs(request, 1, entries);
    builder.finish();
    templates.add(std::move(request));
  }
  return templates;
}

void print(std::vector<Times>& rounds) {
  std::cout << std::fixed << std::setprecision(1) << "ns an entry:   least  median    mean\n";
  std::array<double, 3> sums{};
  for (std::size_t i = 0; i < stage_count; ++i) {
    std::ranges::sort(rounds, [i](Times const& a, Times const& b) { return a[i] < b[i]; });
    double total = 0;
    for (auto const& round : rounds) total += round[i];
    std::array const shown{rounds.front()[i], rounds[rounds.size() / 2][i],
                           total / static_cast<double>(rounds.size())};
    std::cout << std::string(12, ' ');
    for (std::size_t column = 0; column < shown.size(); ++column) {
      std::cout << std::setw(8) << shown[column];
      if (i != json) sums[column] += shown[column];
    }
    std::cout << "  " << stage_names[i] << '\n';
  }
  std::cout << std::string(12, ' ');
  for (auto const sum : sums) std::cout << std::setw(8) << sum;
  std::cout << "  sum\n";
}

void run(std::size_t batch, std::size_t entry_bytes, std::size_t round_count) {
  auto templates = render(batch, entry_bytes);
  bench::Timeline timeline(0);
  WritePath path(batch);
  std::string request;
  std::vector<Times> rounds;
  for (std::size_t i = 0; i < round_count; ++i) {
    request.clear();
    templates.append_next(request, timeline);
    rounds.push_back(path.run(request));
  }
  print(rounds);
}

}  // namespace

int main(int argc, char** argv) {
  auto const number = [&](int index, std::size_t otherwise) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
  };
  try {
    run(number(1, 1000), number(2, 250), number(3, 1000));
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-write-path: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
