#include "client-lib/cli/input/unpacker.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace stele::cli {
namespace {

using namespace std::literals;

constexpr std::size_t unpacked_bytes = std::size_t{256} << 10;
constexpr auto gzip_magic = "\x1f\x8b\x08"sv;
// bzip2's is followed by that of its first block, or, of an empty text, by that of the end.
constexpr auto lz4_magic = "\x04\x22\x4d\x18"sv;
constexpr std::array packed_magics{gzip_magic, "\x28\xb5\x2f\xfd"sv, "\xfd\x37zXZ\0"sv, lz4_magic};
constexpr std::array bzip2_blocks{"\x31\x41\x59\x26\x53\x59"sv, "\x17\x72\x45\x38\x50\x90"sv};

// Whether `text` begins with the magic, or may once there is more of it.
enum class Match { no, perhaps, yes };

Match match(std::string_view text, std::string_view magic) noexcept {
  if (text.starts_with(magic)) return Match::yes;
  return magic.starts_with(text) ? Match::perhaps : Match::no;
}

Match match_bzip2(std::string_view text) noexcept {
  if (auto const start = match(text, "BZh"); start != Match::yes) return start;
  if (text.size() == 3) return Match::perhaps;
  if (text[3] < '1' || text[3] > '9') return Match::no;
  return std::max(match(text.substr(4), bzip2_blocks[0]), match(text.substr(4), bzip2_blocks[1]));
}

Match match_packed(std::string_view text) noexcept {
  auto best = match_bzip2(text);
  for (auto const magic : packed_magics) best = std::max(best, match(text, magic));
  return best;
}

Failure unpack_failure(std::string const& name, std::string_view why) {
  return {make_error_code(boost::system::errc::io_error),
          "cannot unpack " + name + ": " + std::string{why}};
}

constexpr auto is_cut_off = "it is cut off"sv;

// Where a frame of lz4 ends: libarchive reads four bytes more, and does not say so. What is damaged
// is left to libarchive.
class Lz4Frame {
 public:
  /// How many of these bytes are still of the frame.
  std::size_t take(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !has_ended_) {
      auto const skipped = std::min<std::uint64_t>(skip_, bytes.size() - taken);
      skip_ -= skipped;
      taken += static_cast<std::size_t>(skipped);
      if (skip_ > 0 || taken == bytes.size()) break;
      if (is_last_) {
        has_ended_ = true;
        break;
      }
      field_ += bytes[taken++];
      if (field_.size() == field_bytes_) read_field();
    }
    has_ended_ = has_ended_ || (is_last_ && skip_ == 0);
    return taken;
  }

 private:
  static constexpr unsigned content_checksum = 4;
  static constexpr unsigned content_size = 8;
  static constexpr unsigned block_checksum = 16;
  static constexpr unsigned dictionary = 1;

  // The magic and the flags, then the sizes of blocks; a size of 0 is the end.
  void read_field() {
    if (field_bytes_ == 6) {
      flags_ = static_cast<unsigned char>(field_[4]);
      field_bytes_ = 4;
      skip_ =
          1U + ((flags_ & content_size) != 0 ? 8U : 0U) + ((flags_ & dictionary) != 0 ? 4U : 0U);
    } else {
      std::uint32_t size = 0;
      for (std::size_t i = 4; i-- > 0;) size = size << 8U | static_cast<unsigned char>(field_[i]);
      is_last_ = size == 0;
      auto const checksum = is_last_ ? content_checksum : block_checksum;
      skip_ = std::uint64_t{size & 0x7fffffffU} + ((flags_ & checksum) != 0 ? 4U : 0U);
    }
    field_.clear();
  }

  std::string field_{};
  std::size_t field_bytes_ = 6;
  std::uint64_t skip_ = 0;  ///< Bytes until the next field, or the end.
  unsigned flags_ = 0;
  bool is_last_ = false;
  bool has_ended_ = false;
};

}  // namespace

bool is_packed(std::string_view first_bytes) noexcept {
  return match_packed(first_bytes) == Match::yes;
}

bool may_become_packed(std::string_view first_bytes) noexcept {
  return match_packed(first_bytes) == Match::perhaps;
}

// All of bzip2's first bytes may be typed.
bool is_start_of_packed(std::string_view bytes) noexcept {
  constexpr std::size_t by_chance_bytes_max = 3;
  bool const is_typed =
      std::ranges::all_of(bytes, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  return may_become_packed(bytes) && (!is_typed || bytes.size() > by_chance_bytes_max);
}

/// One packed part; what it does not take of the bytes that it read is left in ahead_.
class Unpacker::Part {
 public:
  virtual ~Part() = default;
  /// Empty: the part has ended.
  virtual NextBytes read() = 0;
};

/// zlib compares the checksum and the length at the end of the part, which libarchive does not.
class Unpacker::GzipPart : public Part {
 public:
  explicit GzipPart(Unpacker& owner) : owner_(owner) {
    is_open_ = ::inflateInit2(&stream_, MAX_WBITS + 16) == Z_OK;
  }
  ~GzipPart() override {
    if (is_open_) ::inflateEnd(&stream_);
  }
  GzipPart(GzipPart const&) = delete;
  GzipPart& operator=(GzipPart const&) = delete;

  NextBytes read() override {
    if (!is_open_) return unpack_failure(owner_.name_, "out of memory");
    stream_.next_out = reinterpret_cast<Bytef*>(owner_.text_.data());
    stream_.avail_out = static_cast<uInt>(owner_.text_.size());
    while (!has_ended_ && stream_.avail_out == owner_.text_.size()) {
      if (stream_.avail_in == 0) {
        auto const packed = owner_.next_packed();
        if (!packed || !packed->has_value()) return packed;
        if ((*packed)->empty()) return unpack_failure(owner_.name_, is_cut_off);
        stream_.next_in =
            reinterpret_cast<Bytef*>(const_cast<char*>((*packed)->data()));  // It is only read.
        stream_.avail_in = static_cast<uInt>((*packed)->size());
      }
      auto const result = ::inflate(&stream_, Z_NO_FLUSH);
      has_ended_ = result == Z_STREAM_END;
      if (result == Z_OK || result == Z_BUF_ERROR || has_ended_) continue;
      return unpack_failure(owner_.name_, stream_.msg == nullptr ? "it is damaged" : stream_.msg);
    }
    if (has_ended_ && stream_.avail_in > 0) {
      owner_.ahead_.assign(reinterpret_cast<char const*>(stream_.next_in), stream_.avail_in);
      stream_.avail_in = 0;
    }
    return std::optional{std::string_view{owner_.text_}.substr(
        0, owner_.text_.size() - std::size_t{stream_.avail_out})};
  }

 private:
  Unpacker& owner_;
  z_stream stream_{};
  bool is_open_ = false;
  bool has_ended_ = false;
};

/// The other packers' parts; some of them libarchive reads all at once.
class Unpacker::ArchivePart : public Part {
 public:
  explicit ArchivePart(Unpacker& owner) : owner_(owner) {
    if (std::string_view{owner.ahead_}.starts_with(lz4_magic)) lz4_.emplace();
  }
  ~ArchivePart() override { archive_read_free(handle_); }
  ArchivePart(ArchivePart const&) = delete;
  ArchivePart& operator=(ArchivePart const&) = delete;

  NextBytes read() override {
    if (!std::exchange(begun_, true)) {
      if (auto const begun = begin(); !begun) return begun.error();
    }
    // A block at a time, so that nothing is lost that comes before a fault.
    void const* text = nullptr;
    std::size_t bytes = 0;
    la_int64_t offset = 0;
    auto const result =
        is_empty_ ? ARCHIVE_EOF : archive_read_data_block(handle_, &text, &bytes, &offset);
    if (result == ARCHIVE_EOF) {
      give_back();
      return std::optional{std::string_view{}};
    }
    if (result < ARCHIVE_WARN && interrupted_) return std::optional<std::string_view>{};
    if (result < ARCHIVE_WARN) return error();
    return std::optional{std::string_view{static_cast<char const*>(text), bytes}};
  }

 private:
  Result<void> begin() {
    archive_read_support_filter_zstd(handle_);
    archive_read_support_filter_xz(handle_);
    archive_read_support_filter_bzip2(handle_);
    archive_read_support_filter_lz4(handle_);
    archive_read_support_format_raw(handle_);
    archive_read_support_format_empty(handle_);
    archive_entry* entry = nullptr;
    auto result = archive_read_open(handle_, this, nullptr, read_block, nullptr);
    if (result >= ARCHIVE_WARN) result = archive_read_next_header(handle_, &entry);
    is_empty_ = result == ARCHIVE_EOF;
    if (result < ARCHIVE_WARN) return error();
    // What it does not know it would hand out as it is.
    if (archive_filter_code(handle_, 0) == ARCHIVE_FILTER_NONE) {
      return unpack_failure(owner_.name_, "its first bytes are damaged, or cut off");
    }
    return {};
  }

  // What was given and not taken is behind the part.
  void give_back() {
    if (lz4_) return;
    auto const taken = static_cast<std::uint64_t>(archive_filter_bytes(handle_, -1));
    auto const left = given_bytes_ - std::min(taken, given_bytes_);
    std::string_view const kept = given_;
    owner_.ahead_ = kept.substr(kept.size() - std::min<std::size_t>(left, kept.size()));
    given_.clear();
    given_bytes_ = taken;
  }

  Failure error() const {
    if (failure_) return *failure_;
    auto const* const text = archive_error_string(handle_);
    std::string_view const why = text == nullptr ? "it is damaged" : text;
    // What liblzma says of an input that ends too early.
    bool const is_short = why.find("No progress is possible") != why.npos;
    return unpack_failure(owner_.name_, is_short ? is_cut_off : why);
  }

  // What libarchive asks for when it needs more.
  static la_ssize_t read_block(archive* /*handle*/, void* self, void const** block) {
    auto& own = *static_cast<ArchivePart*>(self);
    auto const bytes = own.owner_.next_packed();
    if (!bytes) {
      own.failure_ = bytes.error();
      return -1;
    }
    own.interrupted_ = !bytes->has_value();
    if (own.interrupted_) return 0;
    if (own.lz4_) {
      auto const taken = own.lz4_->take(**bytes);
      own.owner_.ahead_ = (*bytes)->substr(taken);
      *block = (*bytes)->data();
      return static_cast<la_ssize_t>(taken);
    }
    // It looks at most so far ahead of what it takes.
    if (own.given_.size() > 2 * unpacked_bytes)
      own.given_.erase(0, own.given_.size() - unpacked_bytes);
    own.given_ += **bytes;
    own.given_bytes_ += (*bytes)->size();
    *block = (*bytes)->data();
    return static_cast<la_ssize_t>((*bytes)->size());
  }

  Unpacker& owner_;
  archive* handle_ = archive_read_new();
  std::optional<Failure> failure_{};
  std::optional<Lz4Frame> lz4_{};
  std::string given_{};  ///< The last bytes that it was given.
  std::uint64_t given_bytes_ = 0;
  bool begun_ = false;
  bool interrupted_ = false;
  bool is_empty_ = false;
};

Unpacker::Unpacker(std::string name, std::function<NextBytes()> next)
    : name_(std::move(name)), next_(std::move(next)), text_(unpacked_bytes, '\0') {}
Unpacker::~Unpacker() = default;

NextBytes Unpacker::next_packed() {
  if (ahead_.empty()) return next_();
  handed_out_ = std::exchange(ahead_, {});
  return std::optional{std::string_view{handed_out_}};
}

NextBytes Unpacker::read() {
  while (!has_ended_) {
    if (!part_) {
      if (auto const begun = begin_part(); !begun) return begun.error();
      if (!part_) return std::optional<std::string_view>{};
    }
    auto bytes = part_->read();
    if (!bytes || !bytes->has_value() || !(*bytes)->empty()) return bytes;
    part_.reset();
    auto const end = check_end();
    if (!end || !end->has_value()) return end;
  }
  return std::optional{std::string_view{}};
}

// Reads as much as shows whose part it is; a signal leaves it for the next call.
Result<void> Unpacker::begin_part() {
  while (may_become_packed(ahead_)) {
    auto const more = next_();
    if (!more) return more.error();
    if (!more->has_value()) return {};
    if ((*more)->empty()) break;
    ahead_ += **more;
  }
  if (std::string_view{ahead_}.starts_with(gzip_magic.substr(0, 2))) {
    part_ = std::make_unique<GzipPart>(*this);
  } else {
    part_ = std::make_unique<ArchivePart>(*this);
  }
  return {};
}

// Another part, or zeros, with which a tape is filled up.
NextBytes Unpacker::check_end() {
  for (;;) {
    auto const zeros = std::min(ahead_.find_first_not_of('\0'), ahead_.size());
    ahead_.erase(0, zeros);
    if (!ahead_.empty() && !may_become_packed(ahead_)) break;
    auto const more = next_();
    if (!more || !more->has_value()) return more;
    if ((*more)->empty()) break;
    ahead_ += **more;
  }
  has_ended_ = ahead_.empty();
  if (!has_ended_ && !is_packed(ahead_)) {
    return unpack_failure(name_,
                          "behind what is packed comes something else, which is not imported");
  }
  return std::optional<std::string_view>{ahead_};
}

}  // namespace stele::cli
