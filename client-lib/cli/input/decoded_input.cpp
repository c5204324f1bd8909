#include "client-lib/cli/input/decoded_input.hpp"

#include <utility>

#include "client-lib/cli/input/text_kind.hpp"

namespace stele::cli {
namespace {

using namespace std::literals;

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
constexpr auto byte_order_mark = "\xef\xbb\xbf"sv;

Failure no_text_failure(std::string const& name, NoText const& no_text) {
  auto sentence = name + ' ' + std::string{no_text.what} + "; nothing of it is imported";
  if (!no_text.hint.empty()) sentence += "; " + std::string{no_text.hint};
  return {make_error_code(boost::system::errc::illegal_byte_sequence), std::move(sentence)};
}

}  // namespace

DecodedInput::DecodedInput(InputFile& file) : file_(file), raw_(chunk_bytes, '\0') {}

NextBytes DecodedInput::read() {
  if (!begun_) {
    if (auto const begun = begin(); !begun) return begun.error();
    if (!begun_) return std::optional<std::string_view>{};
  }
  if (utf16_) return decode();
  auto bytes = read_unpacked();
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

NextBytes DecodedInput::read_raw() {
  if (!start_.empty()) {
    raw_.replace(0, start_.size(), start_);
    auto const size = std::exchange(start_, {}).size();
    return std::optional{std::string_view{raw_}.substr(0, size)};
  }
  auto const bytes = file_.read_some(raw_);
  if (!bytes) return bytes.error();
  if (!bytes->has_value()) return std::optional<std::string_view>{};
  return std::optional{std::string_view{raw_}.substr(0, **bytes)};
}

NextBytes DecodedInput::read_unpacked() { return unpacker_ ? unpacker_->read() : read_raw(); }

Result<void> DecodedInput::begin() {
  std::string start;
  bool ended = false;
  do {
    auto const bytes = file_.read_some(raw_);
    if (!bytes) return bytes.error();
    if (!bytes->has_value() && start.empty()) return {};
    ended = bytes->has_value() && **bytes == 0;
    if (ended || !bytes->has_value()) break;
    start.append(raw_, 0, **bytes);
  } while (may_become_packed(start) || may_say_more(start));
  begun_ = true;
  if (ended && is_start_of_packed(start)) {
    return no_text_failure(file_.name(), {"is no more than the start of a packed file"});
  }
  start_ = std::move(start);
  if (is_packed(start_)) {
    unpacker_ = std::make_unique<Unpacker>(file_.name(), [this] { return read_raw(); });
  }
  return {};
}

Result<void> DecodedInput::judge(std::string_view first_bytes) {
  if (auto const other = recognise_other_encoding(first_bytes)) {
    return no_text_failure(file_.name(), *other);
  }
  if (auto const order = utf16_byte_order(first_bytes)) {
    utf16_.emplace(*order);
    return {};
  }
  auto const no_text = recognise_binary(first_bytes);
  if (no_text) return no_text_failure(file_.name(), *no_text);
  return {};
}

NextBytes DecodedInput::decode() {
  bool const is_start = text_.empty();
  text_.clear();
  while (text_.empty() && !ended_) {
    auto const judged = std::exchange(peeked_, {});
    auto const bytes =
        judged.empty() ? read_unpacked() : NextBytes{std::optional{std::string_view{judged}}};
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
