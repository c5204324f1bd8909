#include "protocol/canonical_object.hpp"

#include <algorithm>
#include <cmath>

#include "protocol/error_text.hpp"
#include "protocol/json_text.hpp"
#include "protocol/limits.hpp"

namespace stele::protocol {

void CanonicalObject::start(std::string& out, std::size_t bytes_max) {
  out_ = &out;
  start_ = out.size();
  bytes_max_ = bytes_max;
  needs_comma_ = false;
  names_.clear();
  levels_.clear();
  problem_ = Problem::none;
}

void CanonicalObject::take(JsonToken const& token) {
  using Kind = JsonToken::Kind;
  switch (token.kind) {
    case Kind::object_begin:
      return open('{');
    case Kind::array_begin:
      return open('[');
    case Kind::object_end:
      return close('}');
    case Kind::array_end:
      return close(']');
    case Kind::key:
      return take_key(token);
    case Kind::string:
      append_separator();
      return append_text(token);
    case Kind::real:
      if (!std::isfinite(token.real)) report(Problem::not_finite, token.text);
      [[fallthrough]];
    case Kind::integer:
    case Kind::boolean:
    case Kind::null:
      append_separator();
      out_->append(token.text);
  }
}

void CanonicalObject::open(char bracket) {
  append_separator();
  *out_ += bracket;
  needs_comma_ = false;
  levels_.push_back(names_.size());
  if (levels_.size() > metadata_depth_max) report(Problem::too_deep, {});
}

void CanonicalObject::close(char bracket) {
  *out_ += bracket;
  needs_comma_ = true;
  if (bracket == '}') check_duplicates(levels_.back());
  names_.resize(levels_.back());
  levels_.pop_back();
}

void CanonicalObject::append_separator() {
  if (needs_comma_) *out_ += ',';
  needs_comma_ = true;
}

void CanonicalObject::append_text(JsonToken const& token) {
  *out_ += '"';
  if (token.verbatim) {
    out_->append(token.text);
  } else {
    append_json_escaped(*out_, token.text);
  }
  *out_ += '"';
}

void CanonicalObject::take_key(JsonToken const& token) {
  append_separator();
  auto const offset = out_->size() + 1;
  append_text(token);
  if (out_->size() - start_ <= bytes_max_) names_.push_back({offset, out_->size() - 1 - offset});
  *out_ += ':';
  needs_comma_ = false;
}

// Canonical spellings are equal if and only if the names are.
void CanonicalObject::check_duplicates(std::size_t first_name) {
  auto const begin = names_.begin() + static_cast<std::ptrdiff_t>(first_name);
  constexpr std::ptrdiff_t few = 8;
  if (names_.end() - begin <= few) {
    for (auto a = begin; a != names_.end(); ++a) {
      for (auto b = begin; b != a; ++b) {
        if (text_of(*a) == text_of(*b)) report(Problem::duplicate_member, text_of(*a));
      }
    }
    return;
  }
  std::sort(begin, names_.end(), [&](Name a, Name b) { return text_of(a) < text_of(b); });
  auto const twin = std::adjacent_find(begin, names_.end(),
                                       [&](Name a, Name b) { return text_of(a) == text_of(b); });
  if (twin != names_.end()) report(Problem::duplicate_member, text_of(*twin));
}

std::string_view CanonicalObject::text_of(Name name) const {
  return {out_->data() + name.offset, name.bytes};
}

void CanonicalObject::report(Problem problem, std::string_view text) {
  if (problem_ != Problem::none) return;
  problem_ = problem;
  problem_text_ = cut(text);
}

}  // namespace stele::protocol
