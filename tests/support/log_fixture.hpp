// A log on a simulated disk, with verbs for tests, and what it told its owner.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/simulated_disk.hpp"
#include "wal/log.hpp"
#include "wal/pack/pack_reader.hpp"

namespace stele::test {

/// Payloads of blocks, by their seqs.
class UnpackedPayloads {
 public:
  void add(wal::PackedBlock const& block) {
    wal::UnpackedBlock unpacked;
    if (!wal::unpack_payloads(block, decompressor_, unpacked)) return;
    for (std::size_t i = 0; i < unpacked.ends.size(); ++i) {
      payloads.emplace(block.header.first_seq + i, unpacked.payload(i));
    }
  }
  std::map<wal::Seq, std::string> payloads{};

 private:
  wal::Decompressor decompressor_{};
};

struct CollectingSink final : wal::RecoverySink {
  void on_payload(wal::Seq seq, std::string_view payload) override {
    payloads.emplace(seq, payload);
  }
  void on_group(wal::WriterMark const& writer, wal::Seq first, wal::Seq last) override {
    groups.push_back({writer, first, last});
  }
  void on_gap(wal::Gap const& gap) override { gaps.push_back(gap); }
  void on_packed(wal::PackedBlock block) override { packed->add(block); }

  struct Group {
    wal::WriterMark writer{};
    wal::Seq first = 0;
    wal::Seq last = 0;
  };
  std::map<wal::Seq, std::string> payloads{};
  std::vector<Group> groups{};
  std::vector<wal::Gap> gaps{};
  std::shared_ptr<UnpackedPayloads> packed = std::make_shared<UnpackedPayloads>();
};

struct RecordingListener final : wal::LogListener {
  void on_durable(wal::Seq seq) override { durable = seq; }
  void on_refused(wal::Seq first) override { refused.push_back(first); }
  void on_failed(wal::Failure const& failure) override { failures.push_back(failure.message); }
  void on_expired(wal::Seq seq) override { expired = seq; }
  void on_packed(std::vector<wal::PackedBlock> blocks) override {
    for (auto const& block : blocks) packed->add(block);
  }

  wal::Seq durable = 0;
  wal::Seq expired = 0;
  std::vector<wal::Seq> refused{};
  std::vector<std::string> failures{};
  std::shared_ptr<UnpackedPayloads> packed = std::make_shared<UnpackedPayloads>();
};

/// One life of a log: from open() to crash() or stop(). Time advances by hand.
class LogFixture {
 public:
  explicit LogFixture(SimulatedDisk& disk, wal::Options options = small_options())
      : disk_(disk), options_(std::move(options)) {}

  ~LogFixture() {
    log.reset();  // Before the directory that it stands on.
  }
  LogFixture(LogFixture const&) = delete;
  LogFixture& operator=(LogFixture const&) = delete;

  static wal::Options small_options() {
    wal::Options options;
    options.segment_bytes = 64 << 10;
    options.gather_bytes = 4 << 10;
    return options;
  }

  /// Whether the log opened; `failure` says why not.
  bool open() {
    sink = {};
    listener = {};
    if (!options_.entropy) options_.entropy = [this] { return disk_.random(UINT64_MAX); };
    directory_ = disk_.mount();
    auto opened = wal::Log::open(*directory_, options_, sink, listener);
    if (!opened) {
      failure = opened.error();
      directory_.reset();
      return false;
    }
    log = std::move(opened.value());
    return true;
  }

  wal::Seq append_group(std::vector<std::string> const& payloads,
                        wal::WriterMark const& writer = {}) {
    std::vector<std::string_view> const views(payloads.begin(), payloads.end());
    return log->append(writer, views);
  }
  wal::Seq append(std::string const& payload) { return append_group({payload}); }
  void start_commit() { log->start_commit(now); }
  void poll() { log->poll(now); }
  void advance_ms(int ms) {
    now += std::chrono::milliseconds(ms);
    log->on_timer(now);
  }
  /// Until nothing is on its way.
  void settle() {
    start_commit();
    for (auto before = disk_.operations() + 1; before != disk_.operations();) {
      before = disk_.operations();
      poll();
    }
  }
  /// Appends, and waits until it is on disk.
  wal::Seq write(std::string const& payload) {
    auto const seq = append(payload);
    settle();
    return seq;
  }
  /// Lets the idle time pass after which a MARK proves the last commit.
  void idle() {
    settle();
    advance_ms(50);
    settle();
  }
  /// Of small_options() about ten of these fill a segment.
  void fill(int count) {
    for (int i = 0; i < count; ++i) write(std::string(5000, 'x'));
  }
  /// Time passes as it does where a timer is set for each deadline.
  void wait(std::chrono::seconds time) {
    auto const end = now + time;
    for (auto due = log->next_deadline(); due && *due <= end; due = log->next_deadline()) {
      now = std::max(now, *due);
      log->on_timer(now);
      settle();
    }
    now = end;
  }
  void stop() {
    settle();
    log->close().value();
    log.reset();
    directory_.reset();
  }
  void crash(Crash kind) {
    disk_.crash(kind);
    log.reset();
    directory_.reset();
  }

  wal::RecoveryReport const& report() const { return log->recovery(); }
  /// What the log named as expired when it was opened: the start may have let more go since.
  wal::Seq expired_when_opened() const {
    wal::Seq expired = 0;
    for (auto const& gap : report().gaps) {
      if (gap.reason == wal::GapReason::expired) expired = std::max(expired, gap.last_seq);
    }
    return expired;
  }
  wal::LogMetrics const& metrics() const { return log->metrics(); }

  CollectingSink sink{};
  RecordingListener listener{};
  wal::Failure failure{};
  wal::Instant now{};
  std::unique_ptr<wal::Log> log{};

 private:
  SimulatedDisk& disk_;
  wal::Options options_;
  std::unique_ptr<wal::Directory> directory_{};
};

}  // namespace stele::test
