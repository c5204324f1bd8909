#include "client-lib/cli/decoded_input.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <utility>

namespace stele::cli {
namespace {

using namespace std::literals;

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
constexpr std::size_t judged_bytes_max = std::size_t{64} << 10;
// Of bytes that are not NUL: text has hardly any control characters but line ends and colours.
constexpr std::size_t bytes_for_one_control_min = 32;

constexpr auto byte_order_mark = "\xef\xbb\xbf"sv;
constexpr std::array packed_magics{"\x1f\x8b"sv, "\x28\xb5\x2f\xfd"sv, "\xfd\x37zXZ\0"sv, "BZh"sv,
                                   "\x04\x22\x4d\x18"sv};

struct Magic {
  std::string_view bytes;
  NoText no_text;
};
constexpr std::array binary_magics{
    Magic{"LPKSHHRH"sv,
          {"is a journal of systemd",
           "journalctl --file FILE -o json | stele import --format "
           "journal"}},
    Magic{"PK\x03\x04"sv, {"is a zip archive", "unzip -p FILE | stele import -"}},
    Magic{"7z\xbc\xaf"sv, {"is a 7z archive", "7z x -so FILE | stele import -"}},
    Magic{"\x7f"
          "ELF"sv,
          {"is a program"}},
    Magic{"ElfFile\0"sv,
          {"is an event log of Windows", "convert it first: wevtutil qe FILE /lf /f:text"}},
    Magic{"%PDF-"sv, {"is a PDF document"}},
    Magic{"SQLite format 3\0"sv, {"is a database of SQLite"}},
};

bool is_packed_text(std::string_view first_bytes) noexcept {
  return std::ranges::any_of(packed_magics, [first_bytes](std::string_view magic) {
    return first_bytes.starts_with(magic);
  });
}

// Whether more bytes may tell what the file is. No magic has a line end: no whole line waits.
bool is_start_of_magic(std::string_view first_bytes) noexcept {
  auto const starts = [first_bytes](std::string_view magic) {
    return first_bytes.size() < magic.size() && magic.starts_with(first_bytes);
  };
  return starts(byte_order_mark) || starts("\xff\xfe"sv) || starts("\xfe\xff"sv) ||
         std::ranges::any_of(packed_magics, starts);
}

Failure no_text_failure(std::string const& name, NoText const& no_text) {
  auto sentence = name + ' ' + std::string{no_text.what} + "; nothing of it is imported";
  if (!no_text.hint.empty()) sentence += "; " + std::string{no_text.hint};
  return {make_error_code(boost::system::errc::illegal_byte_sequence), std::move(sentence)};
}

}  // namespace

std::optional<NoText> recognise_binary(std::string_view first_bytes) noexcept {
  for (auto const& magic : binary_magics) {
    if (first_bytes.starts_with(magic.bytes)) return magic.no_text;
  }
  std::size_t others = 0;
  std::size_t controls = 0;
  for (char const c : first_bytes.substr(0, judged_bytes_max)) {
    if (c == '\0') continue;
    ++others;
    bool const is_usual = static_cast<unsigned char>(c) >= 0x20 ||
                          "\t\n\v\f\r\b\x1b"sv.find(c) != std::string_view::npos;
    if (!is_usual) ++controls;
  }
  if (controls > 4 && controls > others / bytes_for_one_control_min) {
    return NoText{"is no text but binary"};
  }
  return std::nullopt;
}

struct DecodedInput::Archive {
  DecodedInput& input;
  archive* handle = archive_read_new();
  std::optional<Failure> failure{};
  bool interrupted = false;
  bool is_empty = false;

  explicit Archive(DecodedInput& owner) : input(owner) {}
  Archive(Archive const&) = delete;
  Archive& operator=(Archive const&) = delete;
  ~Archive() { archive_read_free(handle); }

  Result<void> open() {
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_zstd(handle);
    archive_read_support_filter_xz(handle);
    archive_read_support_filter_bzip2(handle);
    archive_read_support_filter_lz4(handle);
    archive_read_support_format_raw(handle);
    archive_entry* entry = nullptr;
    auto result = archive_read_open(handle, this, nullptr, read_block, nullptr);
    if (result >= ARCHIVE_WARN) result = archive_read_next_header(handle, &entry);
    is_empty = result == ARCHIVE_EOF;
    if (result < ARCHIVE_WARN) return error();
    return {};
  }
  Failure error() const {
    if (failure) return *failure;
    auto const* const text = archive_error_string(handle);
    return {make_error_code(boost::system::errc::io_error),
            "cannot unpack " + input.file_.name() + ": " + (text == nullptr ? "damaged" : text)};
  }

  // What libarchive asks for when it needs more of the file.
  static la_ssize_t read_block(archive* /*handle*/, void* self, void const** block) {
    auto& own = *static_cast<Archive*>(self);
    auto const bytes = own.input.read_raw();
    if (!bytes) {
      own.failure = bytes.error();
      return -1;
    }
    own.interrupted = !bytes->has_value();
    if (own.interrupted) return 0;
    *block = (*bytes)->data();
    return static_cast<la_ssize_t>((*bytes)->size());
  }
};

DecodedInput::DecodedInput(InputFile& file) : file_(file), raw_(chunk_bytes, '\0') {}
DecodedInput::~DecodedInput() = default;

DecodedInput::Bytes DecodedInput::read() {
  if (!begun_) {
    if (auto const begun = begin(); !begun) return begun.error();
    if (!begun_) return std::optional<std::string_view>{};
  }
  if (utf16_) return decode();
  auto bytes = archive_ ? read_unpacked() : read_raw();
  if (judged_ || !bytes || !bytes->has_value()) return bytes;
  judged_ = true;
  if (auto const judged = judge(**bytes); !judged) return judged.error();
  if (utf16_) {
    peeked_ = **bytes;
    return decode();
  }
  if ((*bytes)->starts_with(byte_order_mark)) (*bytes)->remove_prefix(byte_order_mark.size());
  if ((*bytes)->empty()) return read();
  return bytes;
}

DecodedInput::Bytes DecodedInput::read_raw() {
  if (!peeked_.empty()) {
    raw_.replace(0, peeked_.size(), peeked_);
    auto const size = std::exchange(peeked_, {}).size();
    return std::optional{std::string_view{raw_}.substr(0, size)};
  }
  auto const bytes = file_.read_some(raw_);
  if (!bytes) return bytes.error();
  if (!bytes->has_value()) return std::optional<std::string_view>{};
  return std::optional{std::string_view{raw_}.substr(0, **bytes)};
}

DecodedInput::Bytes DecodedInput::read_unpacked() {
  if (archive_->is_empty) return std::optional{std::string_view{}};
  auto const bytes = archive_read_data(archive_->handle, unpacked_.data(), unpacked_.size());
  if (bytes < 0 && archive_->interrupted) return std::optional<std::string_view>{};
  if (bytes < 0) return archive_->error();
  return std::optional{std::string_view{unpacked_}.substr(0, static_cast<std::size_t>(bytes))};
}

Result<void> DecodedInput::begin() {
  std::string start;
  do {
    auto const bytes = read_raw();
    if (!bytes) return bytes.error();
    if (!bytes->has_value() && start.empty()) return {};
    if (!bytes->has_value() || (*bytes)->empty()) break;
    start += **bytes;
  } while (is_start_of_magic(start));
  begun_ = true;
  bool const is_packed = is_packed_text(start);
  peeked_ = std::move(start);
  if (!is_packed) return {};
  unpacked_.resize(chunk_bytes);
  archive_ = std::make_unique<Archive>(*this);
  return archive_->open();
}

Result<void> DecodedInput::judge(std::string_view first_bytes) {
  if (auto const order = utf16_byte_order(first_bytes)) {
    utf16_.emplace(*order);
    return {};
  }
  auto const no_text = recognise_binary(first_bytes);
  if (no_text) return no_text_failure(file_.name(), *no_text);
  return {};
}

DecodedInput::Bytes DecodedInput::decode() {
  bool const is_start = text_.empty();
  text_.clear();
  while (text_.empty() && !ended_) {
    auto const from_archive = archive_ && peeked_.empty();
    auto const bytes = from_archive ? read_unpacked() : read_raw();
    if (!bytes || !bytes->has_value()) return bytes;
    ended_ = (*bytes)->empty();
    if (ended_) {
      utf16_->finish(text_);
    } else {
      utf16_->append(text_, **bytes);
    }
  }
  std::string_view text = text_;
  if (is_start && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.empty() && !ended_) return decode();
  return std::optional{text};
}

}  // namespace stele::cli
