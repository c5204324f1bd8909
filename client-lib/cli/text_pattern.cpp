#include "client-lib/cli/text_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "client-lib/cli/given_options.hpp"

namespace stele::cli {
namespace {

bool has_upper_case(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

struct TextPattern::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;

  Compiled() = default;
  Compiled(Compiled const&) = delete;
  Compiled& operator=(Compiled const&) = delete;
  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

TextPattern::TextPattern(std::string const& pattern, std::string_view option)
    : compiled_(std::make_unique<Compiled>()) {
  std::uint32_t options = PCRE2_UTF;
  if (!has_upper_case(pattern)) options |= PCRE2_CASELESS;
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  options, &error, &offset, nullptr);
  if (compiled_->code == nullptr) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    throw UsageError{std::string{option} + ": bad pattern '" + pattern + "', at character " +
                     std::to_string(offset + 1) + ": " +
                     reinterpret_cast<char const*>(text.data())};
  }
  pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE);  // Without it matching is slower only.
  compiled_->match = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
}

TextPattern::TextPattern(TextPattern&&) noexcept = default;
TextPattern::~TextPattern() = default;

bool TextPattern::matches(std::string_view text) const {
  return pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                     compiled_->match, nullptr) >= 0;
}

std::optional<std::string_view> TextPattern::first_group(std::string_view text) const {
  if (!matches(text) || pcre2_get_ovector_count(compiled_->match) < 2) return std::nullopt;
  auto const* const ends = pcre2_get_ovector_pointer(compiled_->match);
  if (ends[2] == PCRE2_UNSET) return std::nullopt;
  return text.substr(ends[2], ends[3] - ends[2]);
}

}  // namespace stele::cli
