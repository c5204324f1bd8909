#include "wal/log.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wal/format/format.hpp"
#include "wal/write/log_core.hpp"
#include "wal/write/segment_packer.hpp"

namespace stele::wal {
namespace {

constexpr std::uint64_t segment_bytes_min = std::uint64_t{64} << 10;

std::uint64_t kernel_entropy() {
  std::uint64_t value = 0;
  while (::getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

/// Fills in what is left to the log, and bounds a commit by what fits in one segment.
Result<Options> resolve(Options options, Directory const& directory) {
  if (options.commit_align == 0) options.commit_align = directory.alignment();
  if (!std::has_single_bit(options.commit_align) || options.commit_align > commit_align_max ||
      options.commit_align < directory.alignment()) {
    return Failure{make_error_code(boost::system::errc::invalid_argument),
                   "commit-align must be a power of two from " +
                       std::to_string(directory.alignment()) + " to " +
                       std::to_string(commit_align_max)};
  }
  if (options.segment_bytes < segment_bytes_min ||
      options.segment_bytes % header_block_bytes != 0) {
    return Failure{make_error_code(boost::system::errc::invalid_argument),
                   "segment-bytes must be a multiple of 4096 and at least " +
                       std::to_string(segment_bytes_min)};
  }
  options.first_segment_bytes =
      std::clamp(options.first_segment_bytes, segment_bytes_min, options.segment_bytes);
  auto const room = options.segment_bytes - first_commit_offset - options.commit_align;
  options.commit_bytes_max = std::min<std::size_t>(
      options.commit_bytes_max, static_cast<std::size_t>(room) - commit_header_bytes);
  options.gather_bytes = std::min(options.gather_bytes, options.commit_bytes_max);
  if (!options.entropy) options.entropy = kernel_entropy;
  return options;
}

std::string refusal_text(std::vector<Finding> const& findings) {
  constexpr std::size_t findings_told_max = 8;
  std::string text = "damage was found and the configuration says to refuse";
  for (auto const& finding :
       std::span(findings).first(std::min(findings.size(), findings_told_max))) {
    text += "; " + finding.text;
  }
  if (findings.size() > findings_told_max) {
    text += "; and " + std::to_string(findings.size() - findings_told_max) + " more";
  }
  return text;
}

bool is_damage_without_seqs(Finding const& finding) noexcept {
  bool const has_seqs = finding.gap.first_seq != 0 && finding.gap.first_seq <= finding.gap.last_seq;
  return finding.kind == Finding::Kind::damage && !has_seqs;
}

}  // namespace

Log::Log(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::open(Directory& directory, Options const& options,
                                       RecoverySink& sink, LogListener& listener) {
  auto const resolved = resolve(options, directory);
  if (!resolved) return resolved.error();
  if (auto const locked = directory.lock(); !locked) return locked.error();
  if (auto const settled = settle_packs(directory); !settled) return settled.error();
  RecoveryReport report;
  auto with_packs = std::make_unique<PackedDirectory>(directory);
  auto recovered = recover(*with_packs, sink, report);
  if (!recovered) return recovered.error();
  if (recovered->damaged && options.on_damage == OnDamage::refuse) {
    return Failure{Errc::damaged, refusal_text(recovered->findings)};
  }
  report.damage_without_seqs = std::ranges::any_of(recovered->findings, is_damage_without_seqs);
  recovered->findings = {};
  auto core = std::make_unique<Core>(std::move(with_packs), resolved.value(), listener,
                                     std::move(recovered.value()), std::move(report));
  if (auto const started = core->start(); !started) return started.error();
  return std::unique_ptr<Log>(new Log(std::move(core)));
}

RecoveryReport const& Log::recovery() const noexcept { return core_->report; }
StoreId const& Log::store_id() const noexcept { return core_->store_id; }
Options const& Log::options() const noexcept { return core_->options; }
Seq Log::next_seq() const noexcept { return core_->pipeline.next_seq(); }
Seq Log::durable_seq() const noexcept { return core_->pipeline.durable_seq(); }
std::size_t Log::pending_bytes() const noexcept { return core_->pipeline.pending_bytes(); }
Gathering Log::gathering() const noexcept { return core_->pipeline.gathering(); }

boost::system::error_code Log::admit(std::size_t payloads,
                                     std::size_t payload_bytes) const noexcept {
  return core_->admit(payloads, payload_bytes);
}

bool Log::has_segment_for(std::size_t payload_bytes) const noexcept {
  return core_->has_segment_for(payload_bytes);
}

Failure const* Log::missing_segment() const noexcept { return core_->missing_segment(); }

Seq Log::append(WriterMark const& writer, std::span<std::string_view const> payloads) {
  return core_->pipeline.append(writer, payloads);
}

std::uint64_t Log::append_dropped(WriterId const& writer, std::uint64_t count) {
  return core_->append_dropped(writer, count);
}
std::uint64_t Log::append_acknowledged(Seq first, Seq last) {
  return core_->append_acknowledged(first, last);
}
std::uint64_t Log::durable_commit() const noexcept { return core_->pipeline.durable_commit(); }
void Log::hold_from(Seq first) noexcept { core_->held_from = first; }
void Log::retain(std::uint64_t bytes) noexcept { core_->options.retain_bytes = bytes; }
Seq Log::first_seq_kept() const noexcept { return core_->first_seq_kept(); }
GapLedger const& Log::gaps() const noexcept { return core_->gaps; }

void Log::start_commit(Instant now) { core_->start_commit(now); }
void Log::poll(Instant now) { core_->poll(now); }
std::optional<Instant> Log::next_deadline() const noexcept { return core_->next_deadline(); }
void Log::on_timer(Instant now) { core_->on_timer(now); }
void Log::check_place() { core_->check_place(); }
bool Log::idle() const noexcept { return core_->pipeline.idle(); }
Result<void> Log::close() { return core_->close(); }
LogMetrics const& Log::metrics() const noexcept { return core_->metrics; }

std::size_t admitted_bytes(std::size_t payloads, std::size_t payload_bytes) noexcept {
  return group_bytes(payloads, payload_bytes);
}

}  // namespace stele::wal
