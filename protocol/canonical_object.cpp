#include "protocol/canonical_object.hpp"

#include <algorithm>

#include "protocol/error_text.hpp"
#include "protocol/json_text.hpp"

namespace stele::protocol {

void CanonicalObject::start(std::string& out, std::size_t bytes_max, char const* source) {
  out_ = &out;
  start_ = out.size();
  bytes_max_ = bytes_max;
  source_ = source;
  followed_ = source;
  separator_ = Separator::none;
  names_.clear();
  levels_.clear();
  problem_ = Problem::none;
}

void CanonicalObject::leave_source() {
  out_->append(source_, followed_);
  followed_ = nullptr;
}

void CanonicalObject::write(JsonToken const& token) {
  using Kind = JsonToken::Kind;
  if (!token.closes() && separator_ != Separator::none) *out_ += static_cast<char>(separator_);
  switch (token.kind) {
    case Kind::object_begin:
      *out_ += '{';
      return;
    case Kind::array_begin:
      *out_ += '[';
      return;
    case Kind::object_end:
      *out_ += '}';
      return;
    case Kind::array_end:
      *out_ += ']';
      return;
    case Kind::key:
    case Kind::string: {
      *out_ += '"';
      written_offset_ = out_->size();
      if (token.verbatim) {
        out_->append(token.text);
      } else {
        append_json_escaped(*out_, token.text);
      }
      *out_ += '"';
      return;
    }
    case Kind::integer:
    case Kind::real:
    case Kind::boolean:
    case Kind::null:
      out_->append(token.text);
  }
}

// Canonical spellings are equal if and only if the names are.
void CanonicalObject::check_duplicates(std::size_t first_name) {
  auto const begin = names_.begin() + static_cast<std::ptrdiff_t>(first_name);
  auto const is_same = [this](Name const& a, Name const& b) {
    return a.bytes == b.bytes && text_of(a) == text_of(b);
  };
  constexpr std::ptrdiff_t few = 8;
  if (names_.end() - begin <= few) {
    for (auto a = begin; a != names_.end(); ++a) {
      for (auto b = begin; b != a; ++b) {
        if (is_same(*a, *b)) report(Problem::duplicate_member, text_of(*a));
      }
    }
    return;
  }
  std::sort(begin, names_.end(),
            [this](Name const& a, Name const& b) { return text_of(a) < text_of(b); });
  auto const twin = std::adjacent_find(begin, names_.end(), is_same);
  if (twin != names_.end()) report(Problem::duplicate_member, text_of(*twin));
}

std::string_view CanonicalObject::text_of(Name const& name) const noexcept {
  return {name.source != nullptr ? name.source : out_->data() + name.offset, name.bytes};
}

void CanonicalObject::report(Problem problem, std::string_view text) {
  if (problem_ != Problem::none) return;
  problem_ = problem;
  problem_text_ = cut(text);
}

}  // namespace stele::protocol
