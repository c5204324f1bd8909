#include "wal/write/segment_maker.hpp"

#include <algorithm>
#include <array>
#include <boost/assert.hpp>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t slice_bytes = std::size_t{512} << 10;

/// Never written to, so that it takes no memory: the system lends its page of zeros for all of it.
alignas(AlignedBuffer::alignment) constinit std::array<std::byte, slice_bytes> shared_zeros{};

}  // namespace

SegmentMaker::SegmentMaker(Directory& directory)
    : directory_(directory), block_(std::max(first_commit_offset, manifest_bytes)) {}

void SegmentMaker::start(Plan plan) {
  BOOST_ASSERT(state_ != State::working && !in_flight_);
  plan_ = std::move(plan);
  state_ = State::working;
  expiry_is_done_ = false;
  auto begun = begin();
  disk_was_full_ = !begun && begun.error().code == Errc::no_space;
  if (disk_was_full_ && has_files_to_free()) begun = begin_to_free();
  disk_was_full_ |= has_reserved_file_;
  if (!begun) fail(begun.error());
}

Result<void> SegmentMaker::begin() {
  has_reserved_file_ = directory_.space(unfinished(segment_name(plan_.header.segment_no))) > 0;
  if (auto const reserved = reserve(); !reserved) return reserved;
  step_ = Step::zeroing;
  zeroed_ = 0;
  return write_slice();
}

/// Both have their space before the segment gets its name: a disk that is too full for one of them
/// is left as it was.
Result<void> SegmentMaker::reserve() {
  auto created = directory_.reserve(unfinished(segment_name(plan_.header.segment_no)),
                                    plan_.header.segment_bytes);
  if (!created) return created.error();
  file_ = std::move(created.value());
  auto manifest = directory_.reserve(unfinished(manifest_name), manifest_bytes);
  if (!manifest) return manifest.error();
  manifest_file_ = std::move(manifest.value());
  return {};
}

bool SegmentMaker::has_files_to_free() const noexcept {
  return !plan_.expired.empty() || !plan_.unused.empty();
}

Result<void> SegmentMaker::begin_to_free() {
  file_.reset();
  // It may have taken the last block, which MANIFEST needs.
  auto const name = unfinished(segment_name(plan_.header.segment_no));
  if (!has_reserved_file_) (void)directory_.remove(name);
  auto manifest = directory_.reserve(unfinished(manifest_name), manifest_bytes);
  if (!manifest) return manifest.error();
  manifest_file_ = std::move(manifest.value());
  // A life that was killed may have put it beside a MANIFEST whose name is not on disk yet: until
  // it is, what is written over here is the MANIFEST of a power cut.
  step_ = Step::syncing_old_name;
  in_flight_ = true;
  directory_.sync(*this);
  return {};
}

/// MANIFEST on disk does not name them any more: the largest gives its space to the new segment. It
/// loses its name before its bytes, so that no start takes it for a damaged one.
Result<void> SegmentMaker::free_files() {
  expiry_is_done_ = true;
  auto const made = unfinished(segment_name(plan_.header.segment_no));
  auto largest = made;
  auto space = directory_.space(made);
  auto const look_at = [&](std::string const& name) {
    auto const found = directory_.space(name);
    if (found <= space) return;
    largest = name;
    space = found;
  };
  for (auto const& expired : plan_.expired) {
    if (!expired.damaged) look_at(segment_name(expired.segment_no));
  }
  for (auto const& name : plan_.unused) look_at(name);
  if (largest != made) {
    if (auto const renamed = directory_.rename(largest, made); !renamed) return renamed;
  }
  remove_expired(largest);
  for (auto const& name : plan_.unused) {
    if (name != largest) (void)directory_.remove(name);
  }
  step_ = Step::syncing_freed;
  in_flight_ = true;
  directory_.sync(*this);
  return {};
}

Segment SegmentMaker::take() {
  BOOST_ASSERT(state_ == State::ready);
  state_ = State::idle;
  return Segment{.file = std::move(file_), .header = plan_.header};
}

void SegmentMaker::on_complete(boost::system::error_code error) noexcept {
  in_flight_ = false;
  if (abandoned_) {
    // Nothing more is done here; but nobody may go on as if it had been on disk.
    if (!error) return;
    failure_ = {error, "making a segment: " + error.message()};
    state_ = State::failed;
    return;
  }
  // A disk that fills while zeros are written may take a part of them. Nothing rests on them yet.
  if (error == Errc::short_write) error = Errc::no_space;
  if (error) return fail({error, "making a segment: " + error.message()});
  if (auto const begun = advance(); !begun) fail(begun.error());
}

Result<void> SegmentMaker::advance() {
  switch (step_) {
    case Step::syncing_old_name:
      write_manifest(plan_.shortened, Step::writing_shortened);
      return {};
    case Step::writing_shortened:
      return put_manifest(Step::syncing_shortened_name);
    case Step::syncing_shortened_name:
      return free_files();
    case Step::syncing_freed:
      return begin();
    case Step::zeroing:
      return zeroed_ < plan_.header.segment_bytes ? write_slice() : write_header();
    case Step::writing_header:
      step_ = Step::syncing_file;
      in_flight_ = true;
      file_->sync(*this);
      return {};
    case Step::syncing_file: {
      auto const name = segment_name(plan_.header.segment_no);
      if (auto const renamed = directory_.rename(unfinished(name), name); !renamed) return renamed;
      step_ = Step::syncing_name;
      in_flight_ = true;
      directory_.sync(*this);
      return {};
    }
    case Step::syncing_name:
      write_manifest(plan_.manifest, Step::writing_manifest);
      return {};
    case Step::writing_manifest:
      return put_manifest(Step::syncing_manifest_name);
    case Step::syncing_manifest_name:
      return finish();
  }
  return {};
}

Result<void> SegmentMaker::write_slice() {
  auto const left = plan_.header.segment_bytes - zeroed_;
  auto const bytes = std::min<std::uint64_t>(slice_bytes, left);
  in_flight_ = true;
  auto const offset = std::exchange(zeroed_, zeroed_ + bytes);
  file_->write_at(offset, std::span(std::as_const(shared_zeros)).first(bytes),
                  Persistence::cached, *this);
  return {};
}

Result<void> SegmentMaker::write_header() {
  step_ = Step::writing_header;
  auto const encoded = encode_segment_header(plan_.header);
  std::memset(block_.data(), 0, first_commit_offset);
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    std::memcpy(block_.data() + copy * header_block_bytes, encoded.data(), encoded.size());
  }
  in_flight_ = true;
  file_->write_at(0, {block_.data(), first_commit_offset}, Persistence::cached, *this);
  return {};
}

void SegmentMaker::write_manifest(Manifest const& manifest, Step step) {
  step_ = step;
  encode_manifest(manifest, std::span<std::byte, manifest_bytes>(block_.data(), manifest_bytes));
  in_flight_ = true;
  manifest_file_->write_at(0, {block_.data(), manifest_bytes}, Persistence::durable, *this);
}

Result<void> SegmentMaker::put_manifest(Step step) {
  manifest_file_.reset();
  auto const from = unfinished(manifest_name);
  auto const put = plan_.old_manifest_is_bad ? directory_.rename(from, manifest_name)
                                             : directory_.exchange(from, manifest_name);
  if (!put) return put;
  step_ = step;
  in_flight_ = true;
  directory_.sync(*this);
  return {};
}

/// What a failure leaves behind lies below the MANIFEST's first segment: the next start removes it.
void SegmentMaker::remove_expired(std::string_view kept_name) {
  for (auto const& expired : plan_.expired) {
    auto const name = segment_name(expired.segment_no);
    if (name == kept_name) continue;
    if (expired.damaged) {
      (void)directory_.rename(name, name + std::string(damaged_suffix));
    } else {
      (void)directory_.remove(name);
    }
  }
}

Result<void> SegmentMaker::finish() {
  if (!std::exchange(expiry_is_done_, true)) remove_expired({});
  // That of the next MANIFEST, if it is not there: if there is no room, it is asked for again.
  (void)directory_.reserve(unfinished(manifest_name), manifest_bytes);
  state_ = State::ready;
  return {};
}

/// Space that was there before is kept for the next attempt.
void SegmentMaker::fail(Failure failure) {
  file_.reset();
  manifest_file_.reset();
  if (!has_reserved_file_) {
    (void)directory_.remove(unfinished(segment_name(plan_.header.segment_no)));
  }
  failure_ = std::move(failure);
  state_ = State::failed;
}

}  // namespace stele::wal
