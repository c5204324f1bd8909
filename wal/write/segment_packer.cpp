#include "wal/write/segment_packer.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "wal/file/new_file.hpp"
#include "wal/file/window_reader.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/pack/packed_segment.hpp"
#include "wal/recover/log_files.hpp"

namespace stele::wal {
namespace {

/// Of the pack, at least, before it is written.
constexpr std::size_t output_bytes_min = std::size_t{1} << 20;
constexpr std::size_t compared_bytes = std::size_t{256} << 10;

Failure damage(std::string const& what) { return {Errc::damaged, what}; }

std::string_view text_of(PackRefusal refusal) noexcept {
  switch (refusal) {
    case PackRefusal::out_of_order:
      return "a commit does not follow on the one before";
    case PackRefusal::not_exact:
      return "a commit says something that a pack does not keep";
    case PackRefusal::too_large:
      return "something in it is too large for a pack";
  }
  return "";
}

}  // namespace

/// What the worker does, and all that it touches.
struct SegmentPacker::Job {
  Job(std::unique_ptr<File> opened, Target const& wanted, PackOptions const& pack_options)
      : target(wanted), options(pack_options), file(std::move(opened)), reader(*file) {}

  void make_piece();
  void compare();

  Target target;
  PackOptions options;
  std::unique_ptr<File> file;       ///< The segment.
  std::unique_ptr<File> pack{};     ///< To be compared with it.
  std::vector<std::byte> output{};  ///< The next bytes of the pack.
  bool is_whole = false;            ///< They are the last.
  std::optional<Failure> failure{};
  PackSummary summary{};
  std::vector<PackedBlock> blocks{};

 private:
  Result<void> begin();
  Result<void> add_commit();
  Result<void> add_rest();
  Result<void> add_patch(std::uint64_t offset, std::span<std::byte const> bytes);
  Result<void> compare_all();
  std::string place() const { return "offset " + std::to_string(offset); }

  WindowReader reader;
  std::unique_ptr<Compressor> compressor = make_zstd_compressor();
  std::unique_ptr<PackWriter> writer{};
  SegmentHeader header{};
  std::uint64_t offset = first_commit_offset;
  std::vector<std::byte> commit{};
};

/// Both copies of the segment's header have to be right: a pack would hide that one was not.
Result<void> SegmentPacker::Job::begin() {
  SegmentHeaderBytes first{};
  SegmentHeaderBytes second{};
  if (!reader.read(0, first) || !reader.read(header_block_bytes, second) || first != second) {
    return damage("the copies of its header differ");
  }
  auto const decoded = decode_segment_header(first);
  auto const* found = std::get_if<SegmentHeader>(&decoded);
  if (found == nullptr || found->segment_no != target.segment_no) {
    return damage("its header is damaged");
  }
  header = *found;
  writer = std::make_unique<PackWriter>(PackHeader{.segment = header, .segment_bytes = first},
                                        options, *compressor);
  return {};
}

void SegmentPacker::Job::make_piece() {
  auto made = writer ? Result<void>{} : begin();
  output.clear();
  while (made && !is_whole && output.size() < output_bytes_min) {
    if (offset < target.end_offset) {
      made = add_commit();
    } else {
      made = add_rest();
      if (!made) break;
      writer->finish();
      summary = writer->directory().summary;
      blocks = writer->take_blocks();
      is_whole = true;
    }
    auto const more = writer->take_output();
    output.insert(output.end(), more.begin(), more.end());
  }
  if (!made) failure = made.error();
}

Result<void> SegmentPacker::Job::add_commit() {
  commit.resize(commit_header_bytes);
  if (!reader.read(offset, commit)) return damage(place() + " cannot be read");
  auto const head = std::span<std::byte const>(commit).first<commit_header_bytes>();
  auto const decoded = decode_commit_header(head);
  auto const* found = std::get_if<CommitHeader>(&decoded);
  if (found == nullptr || found->salt != header.salt) return damage(place() + ": no valid commit");
  PackedCommit next{.header = *found, .crc = header_crc(head), .offset = offset};
  auto const body_end = offset + commit_header_bytes + found->body_bytes;
  next.end_offset = align_up(body_end, header.commit_align);
  if (next.end_offset > target.end_offset) return damage(place() + ": no valid commit");
  bool const is_first = offset == first_commit_offset;
  if (is_first &&
      (found->commit_no != target.first_commit_no || found->chain != target.first_chain)) {
    return damage(place() + ": another commit than the log begins with here");
  }
  commit.resize(static_cast<std::size_t>(next.end_offset - offset));
  if (!reader.read(offset, commit)) return damage(place() + " cannot be read");
  std::span<std::byte const> const all(commit);
  next.body = all.subspan(commit_header_bytes, found->body_bytes);
  if (body_crc(header.salt, next.body) != found->body_crc) {
    return damage(place() + ": no valid commit");
  }
  if (auto const refusal = writer->add(next)) {
    return damage(place() + ": " + std::string(text_of(*refusal)));
  }
  auto const padding = all.subspan(commit_header_bytes + found->body_bytes);
  bool const is_plain = std::ranges::all_of(padding, [](auto b) { return b == padding_byte; });
  offset = next.end_offset;
  return is_plain ? Result<void>{} : add_patch(body_end, padding);
}

/// What lies behind the last commit: zeros, or what a crash left, which a gap record names.
Result<void> SegmentPacker::Job::add_rest() {
  std::vector<std::byte> rest;
  std::vector<std::byte> piece;
  std::size_t used = 0;
  for (auto at = target.end_offset; at < header.segment_bytes; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(
        std::min<std::uint64_t>(compared_bytes, header.segment_bytes - at)));
    if (!reader.read(at, piece)) return damage("offset " + std::to_string(at) + " cannot be read");
    auto const last =
        std::find_if(piece.rbegin(), piece.rend(), [](auto b) { return b != std::byte{0}; });
    if (last == piece.rend()) continue;
    rest.resize(static_cast<std::size_t>(at - target.end_offset));
    rest.insert(rest.end(), piece.begin(), last.base());
    used = rest.size();
    if (used > patch_bytes_max) break;
  }
  return used == 0 ? Result<void>{} : add_patch(target.end_offset, rest);
}

Result<void> SegmentPacker::Job::add_patch(std::uint64_t at, std::span<std::byte const> bytes) {
  if (auto const refusal = writer->add_patch(at, bytes)) {
    return damage("offset " + std::to_string(at) + ": " + std::string(text_of(*refusal)));
  }
  return {};
}

void SegmentPacker::Job::compare() {
  if (auto const compared = compare_all(); !compared) failure = compared.error();
}

Result<void> SegmentPacker::Job::compare_all() {
  PendingReads pending;
  auto opened = PackedSegment::open(std::move(pack), "the pack", pending);
  if (!opened) return opened.error();
  auto& packed = **opened;
  if (!packed.pack().check().is_intact() || packed.pack().header().segment != header) {
    return damage("what was written is read back otherwise");
  }
  std::vector<std::byte> of_segment;
  AlignedBuffer of_pack(compared_bytes);
  for (auto at = first_commit_offset; at < header.segment_bytes; at += of_segment.size()) {
    of_segment.resize(static_cast<std::size_t>(
        std::min<std::uint64_t>(compared_bytes, header.segment_bytes - at)));
    std::span const into(of_pack.data(), of_segment.size());
    auto const read = packed.read_at(at, into);
    if (!reader.read(at, of_segment) || !read || *read != into.size() ||
        std::memcmp(into.data(), of_segment.data(), into.size()) != 0) {
      return damage("offset " + std::to_string(at) + ": the pack is not what the segment is");
    }
  }
  return {};
}

SegmentPacker::SegmentPacker(PackedDirectory& directory, PackWorker& worker,
                             PackOptions const& options)
    : packed_directory_(directory),
      directory_(directory.unpacked()),
      worker_(worker),
      options_(options) {}

SegmentPacker::~SegmentPacker() = default;

void SegmentPacker::start(Target const& target) {
  BOOST_ASSERT(state_ != State::working && !in_flight());
  state_ = State::working;
  segment_no_ = target.segment_no;
  written_ = 0;
  is_of_pack_ = target.is_packed;
  has_name_ = false;
  abandoned_ = false;
  if (auto const begun = begin(target); !begun) fail(begun.error());
}

Result<void> SegmentPacker::begin(Target const& target) {
  auto const name = segment_name(segment_no_);
  auto segment = is_of_pack_ ? packed_directory_.open(name) : directory_.open(name);
  if (!segment) return segment.error();
  job_ = std::make_unique<Job>(std::move(*segment), target, options_);
  make_piece();
  return {};
}

void SegmentPacker::make_piece() {
  step_ = Step::making;
  awaits_worker_ = true;
  worker_.start([job = job_.get()] { job->make_piece(); });
}

void SegmentPacker::poll() {
  while (awaits_worker_ && worker_.is_done()) {
    awaits_worker_ = false;
    if (abandoned_) return fail({Errc::failed, "it is not to be packed any more"});
    if (job_->failure) return fail(*job_->failure);
    if (auto const begun = advance(); !begun) return fail(begun.error());
  }
}

void SegmentPacker::on_complete(boost::system::error_code error) noexcept {
  in_flight_ = false;
  // A disk that fills while it is written to may take a part. Nothing rests on that yet.
  if (error == Errc::short_write) error = Errc::no_space;
  if (error) return fail({error, error.message()});
  if (abandoned_) return fail({Errc::failed, "it is not to be packed any more"});
  if (auto const begun = advance(); !begun) fail(begun.error());
}

Result<void> SegmentPacker::advance() {
  switch (step_) {
    case Step::making:
      return write_piece();
    case Step::writing:
      written_ += job_->output.size();
      if (!job_->is_whole) {
        make_piece();
        return {};
      }
      step_ = Step::syncing_file;
      in_flight_ = true;
      file_->sync(*this);
      return {};
    case Step::syncing_file:
      return compare();
    case Step::comparing:
      return put_name();
    case Step::syncing_name:
      return finish();
  }
  return {};
}

/// Its space is asked for piece by piece: a full disk need not have room for more.
Result<void> SegmentPacker::write_piece() {
  auto const& output = job_->output;
  auto file = directory_.reserve(unfinished(pack_name(segment_no_)), written_ + output.size());
  if (!file) return file.error();
  file_ = std::move(*file);
  piece_.reserve(output.size(), 0);
  std::memcpy(piece_.data(), output.data(), output.size());
  step_ = Step::writing;
  in_flight_ = true;
  file_->write_at(written_, {piece_.data(), output.size()}, Persistence::cached, *this);
  return {};
}

Result<void> SegmentPacker::compare() {
  file_.reset();
  auto pack = directory_.open(unfinished(pack_name(segment_no_)));
  if (!pack) return pack.error();
  job_->pack = std::move(*pack);
  step_ = Step::comparing;
  awaits_worker_ = true;
  worker_.start([job = job_.get()] { job->compare(); });
  return {};
}

Result<void> SegmentPacker::put_name() {
  summary_ = job_->summary;
  blocks_ = std::move(job_->blocks);
  job_.reset();
  auto const name = pack_name(segment_no_);
  has_name_ = true;  // Perhaps also if that fails.
  if (auto const renamed = directory_.rename(unfinished(name), name); !renamed) return renamed;
  step_ = Step::syncing_name;
  in_flight_ = true;
  directory_.sync(*this);
  return {};
}

Result<void> SegmentPacker::finish() {
  auto const removed = is_of_pack_ ? Result<void>{} : directory_.remove(segment_name(segment_no_));
  if (removed) state_ = State::done;
  return removed;
}

/// Where both are there, the next start decides.
void SegmentPacker::fail(Failure failure) {
  file_.reset();
  job_.reset();
  if (!has_name_) (void)directory_.remove(unfinished(pack_name(segment_no_)));
  failure_ = {failure.code, segment_name(segment_no_) + ": not packed: " + failure.message};
  state_ = State::failed;
}

namespace {

/// Whether all of the pack is right, and of the segment that is there, as far as that says.
Result<bool> is_pack_of(Directory& directory, std::uint64_t segment_no) {
  auto file = directory.open(pack_name(segment_no));
  if (!file) return file.error();
  auto const pack = PackReader::open(**file);
  if (!pack && pack.error().code == Errc::unsupported_version) return pack.error();
  if (!pack || (*pack)->header().segment.segment_no != segment_no) return false;
  auto const segment = open_segment(directory, segment_no);
  if (!segment) return segment.error();
  bool const is_of_another =
      segment->unreadable.empty() && segment->header != (*pack)->header().segment;
  return !is_of_another && (*pack)->check().is_intact();
}

}  // namespace

Result<void> settle_packs(Directory& directory) {
  auto const listed = directory.list();
  if (!listed) return listed.error();
  for (auto const& name : *listed) {
    auto const number = parse_pack_name(name);
    if (!number || std::ranges::find(*listed, segment_name(*number)) == listed->end()) continue;
    auto const is_right = is_pack_of(directory, *number);
    if (!is_right) return is_right.error();
    if (!*is_right) {
      auto const put_aside = directory.rename(name, name + std::string(stray_suffix));
      if (!put_aside) return put_aside;
      continue;
    }
    // Its name may not be on disk yet.
    if (auto const synced = sync_names(directory); !synced) return synced;
    if (auto const removed = directory.remove(segment_name(*number)); !removed) return removed;
  }
  return {};
}

}  // namespace stele::wal
