#include "wal/segment_maker.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <utility>

#include "wal/segment_name.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t slice_bytes = std::size_t{512} << 10;
static_assert(slice_bytes >= first_commit_offset && slice_bytes >= manifest_bytes);

std::string unfinished(std::string_view name) {
  return std::string(name).append(unfinished_suffix);
}

}  // namespace

SegmentMaker::SegmentMaker(Directory& directory) : directory_(directory), slice_(slice_bytes) {}

void SegmentMaker::start(Plan plan) {
  BOOST_ASSERT(state_ != State::working && !in_flight_);
  plan_ = std::move(plan);
  state_ = State::working;
  step_ = Step::zeroing;
  zeroed_ = 0;
  auto created = directory_.create(unfinished(segment_name(plan_.header.segment_no)),
                                   plan_.header.segment_bytes);
  if (!created) return fail(created.error());
  file_ = std::move(created.value());
  // Both have their space before the segment gets its name: a disk that is too full for one of them
  // is left as it was.
  auto manifest = directory_.create(unfinished(manifest_name), manifest_bytes);
  if (!manifest) return fail(manifest.error());
  manifest_file_ = std::move(manifest.value());
  std::memset(slice_.data(), 0, slice_bytes);
  if (auto const begun = write_slice(); !begun) fail(begun.error());
}

Segment SegmentMaker::take() {
  BOOST_ASSERT(state_ == State::ready);
  state_ = State::idle;
  return Segment{.file = std::move(file_), .header = plan_.header};
}

void SegmentMaker::on_complete(boost::system::error_code error) noexcept {
  in_flight_ = false;
  if (abandoned_) return;
  // A disk that fills while zeros are written may take a part of them. Nothing rests on them yet.
  if (error == Errc::short_write) error = Errc::no_space;
  if (error) return fail({error, "making a segment: " + error.message()});
  if (auto const begun = advance(); !begun) fail(begun.error());
}

Result<void> SegmentMaker::advance() {
  switch (step_) {
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
      write_manifest();
      return {};
    case Step::writing_manifest: {
      auto const renamed = directory_.rename(unfinished(manifest_name), manifest_name);
      if (!renamed) return renamed;
      step_ = Step::syncing_manifest_name;
      in_flight_ = true;
      directory_.sync(*this);
      return {};
    }
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
  file_->write_at(offset, {slice_.data(), bytes}, Persistence::cached, *this);
  return {};
}

Result<void> SegmentMaker::write_header() {
  step_ = Step::writing_header;
  auto const encoded = encode_segment_header(plan_.header);
  std::memset(slice_.data(), 0, first_commit_offset);
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    std::memcpy(slice_.data() + copy * header_block_bytes, encoded.data(), encoded.size());
  }
  in_flight_ = true;
  file_->write_at(0, {slice_.data(), first_commit_offset}, Persistence::cached, *this);
  return {};
}

void SegmentMaker::write_manifest() {
  step_ = Step::writing_manifest;
  encode_manifest(plan_.manifest,
                  std::span<std::byte, manifest_bytes>(slice_.data(), manifest_bytes));
  in_flight_ = true;
  manifest_file_->write_at(0, {slice_.data(), manifest_bytes}, Persistence::durable, *this);
}

Result<void> SegmentMaker::finish() {
  manifest_file_.reset();
  for (auto const& expired : plan_.expired) {
    // What a failure leaves behind lies below the MANIFEST's first segment: the next start removes
    // it.
    auto const name = segment_name(expired.segment_no);
    if (expired.damaged) {
      (void)directory_.rename(name, name + std::string(damaged_suffix));
    } else {
      (void)directory_.remove(name);
    }
  }
  state_ = State::ready;
  return {};
}

void SegmentMaker::fail(Failure failure) {
  file_.reset();
  manifest_file_.reset();
  (void)directory_.remove(unfinished(segment_name(plan_.header.segment_no)));
  (void)directory_.remove(unfinished(manifest_name));
  failure_ = std::move(failure);
  state_ = State::failed;
}

}  // namespace stele::wal
