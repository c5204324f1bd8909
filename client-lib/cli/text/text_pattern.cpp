#include "client-lib/cli/text/text_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "client-lib/cli/usage_error.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t jit_stack_bytes_min = std::size_t{32} << 10;
constexpr std::size_t jit_stack_bytes_max = std::size_t{64} << 20;
constexpr std::uint32_t heap_kib_max = 512 << 10;
constexpr std::uint32_t match_steps_max = 50'000'000;

// How many bytes an escape takes that stands for no letter: `\S`, `\pL`, `\p{Lu}`, `\k<Name>`.
std::size_t escape_bytes(std::string_view text) noexcept {
  if (text.size() < 3 || std::string_view{"pPNxogk"}.find(text[1]) == text.npos) return 2;
  constexpr std::string_view brackets = "{}<>''";
  auto const opening = brackets.find(text[2]);
  if (opening != brackets.npos && opening % 2 == 0) {
    return std::min(text.find(brackets[opening + 1], 3), text.size());
  }
  return text[1] == 'p' || text[1] == 'P' ? 3 : 2;
}

// The same of the start of a group with a name: `(?<Name>`, `(?P<Name>`, `(?'Name'`; else 0.
std::size_t group_name_bytes(std::string_view text) noexcept {
  for (std::string_view const opening : {"(?<", "(?P<", "(?'"}) {
    if (!text.starts_with(opening) || text.size() == opening.size()) continue;
    bool const looks_behind = text[opening.size()] == '=' || text[opening.size()] == '!';
    char const closing = opening.back() == '<' ? '>' : '\'';
    return looks_behind ? 0 : std::min(text.find(closing, opening.size()), text.size());
  }
  return 0;
}

bool has_upper_case(std::string_view pattern) noexcept {
  while (!pattern.empty()) {
    auto skipped = pattern.front() == '\\' ? escape_bytes(pattern) : group_name_bytes(pattern);
    if (skipped == 0 && pattern.front() >= 'A' && pattern.front() <= 'Z') return true;
    pattern.remove_prefix(std::min(std::max<std::size_t>(skipped, 1), pattern.size()));
  }
  return false;
}

std::string pcre_error_text(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<char const*>(text.data());
}

}  // namespace

struct TextPattern::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_jit_stack* jit_stack = nullptr;

  Compiled(std::string const& pattern, std::uint32_t options, std::string_view option) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                         &error, &offset, nullptr);
    if (code == nullptr) {
      throw UsageError{std::string{option} + ": bad pattern '" + pattern + "', at character " +
                       std::to_string(offset + 1) + ": " + pcre_error_text(error)};
    }
    match = pcre2_match_data_create_from_pattern(code, nullptr);
    context = pcre2_match_context_create(nullptr);
    pcre2_set_heap_limit(context, heap_kib_max);
    pcre2_set_match_limit(context, match_steps_max);
    pcre2_set_depth_limit(context, match_steps_max);
    if (pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0) return;  // Slower, that is all.
    if ((options & PCRE2_UTF) == 0) return;  // What is searched for a time is short.
    jit_stack = pcre2_jit_stack_create(jit_stack_bytes_min, jit_stack_bytes_max, nullptr);
    pcre2_jit_stack_assign(context, nullptr, jit_stack);
  }
  Compiled(Compiled const&) = delete;
  Compiled& operator=(Compiled const&) = delete;
  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(jit_stack);
    pcre2_code_free(code);
  }

  // What is too much for the stack of the compiled pattern is given to the slower search, which has
  // more memory.
  bool run(std::string_view text) const {
    auto const* const bytes = reinterpret_cast<PCRE2_SPTR>(text.data());
    auto result = pcre2_match(code, bytes, text.size(), 0, 0, match, context);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
      result = pcre2_match(code, bytes, text.size(), 0, PCRE2_NO_JIT, match, context);
    }
    if (result >= 0) return true;
    if (result == PCRE2_ERROR_NOMATCH) return false;
    throw PatternLimitError{"the search has no answer for a text of " +
                            std::to_string(text.size()) + " bytes: " + pcre_error_text(result)};
  }
};

TextPattern::TextPattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
TextPattern::TextPattern(std::string const& pattern, std::string_view option)
    : compiled_(std::make_unique<Compiled>(
          pattern, PCRE2_UTF | (has_upper_case(pattern) ? 0U : PCRE2_CASELESS), option)) {}
TextPattern::TextPattern(TextPattern&&) noexcept = default;
TextPattern& TextPattern::operator=(TextPattern&&) noexcept = default;
TextPattern::~TextPattern() = default;

TextPattern TextPattern::of_bytes(std::string const& pattern) {
  return TextPattern{std::make_unique<Compiled>(pattern, PCRE2_ANCHORED, "the pattern of a time")};
}

bool TextPattern::matches(std::string_view text) const {
  if (compiled_->run(text)) return true;
  return text.ends_with('\r') && compiled_->run(text.substr(0, text.size() - 1));
}

std::size_t TextPattern::group_number(char const* name) const noexcept {
  auto const number =
      pcre2_substring_number_from_name(compiled_->code, reinterpret_cast<PCRE2_SPTR>(name));
  return number > 0 ? static_cast<std::size_t>(number) : 0;
}

std::size_t TextPattern::group_count() const noexcept {
  return pcre2_get_ovector_count(compiled_->match) - 1;
}

std::string_view TextPattern::group(std::string_view text, std::size_t number) const noexcept {
  if (number == 0 || number > group_count()) return {};
  auto const* const ends = pcre2_get_ovector_pointer(compiled_->match);
  if (ends[2 * number] == PCRE2_UNSET) return {};
  return text.substr(ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
}

std::optional<std::string_view> TextPattern::level_group(std::string_view text) const {
  if (!matches(text)) return std::nullopt;
  auto const named = group_number("level");
  auto const found = group(text, named == 0 ? 1 : named);
  if (found.empty()) return std::nullopt;
  return found;
}

}  // namespace stele::cli
