#include "protocol/json/canonical_object.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

constexpr std::size_t table_slots_min = 64;
constexpr std::size_t table_slots_kept = 256;
/// Names that are compared by their hashes before one has its place.
constexpr std::size_t looks_max = 64;

}  // namespace

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
  if (names_.size() - first_name <= few_names) {
    for (auto a = begin; a != names_.end(); ++a) {
      for (auto b = begin; b != a; ++b) {
        if (is_same(*a, *b)) report(Problem::duplicate_member, text_of(*a));
      }
    }
    return;
  }
  if (!tables_[levels_.size()].is_crowded) return;
  std::sort(begin, names_.end(),
            [this](Name const& a, Name const& b) { return text_of(a) < text_of(b); });
  auto const twin = std::adjacent_find(begin, names_.end(), is_same);
  if (twin != names_.end()) report(Problem::duplicate_member, text_of(*twin));
}

void CanonicalObject::look_up_last_name() {
  auto const depth = levels_.size() - 1;
  auto const first_name = levels_.back();
  if (tables_.size() <= depth) tables_.resize(depth + 1);
  auto& table = tables_[depth];
  if (names_.size() - first_name == few_names + 1) {
    // Memory of many names is not kept for others.
    if (table.slots.size() > table_slots_kept) table.slots = std::vector<NameTable::Slot>();
    table.slots.assign(std::max(table.slots.size(), table_slots_min), {});
    table.names = 0;
    table.is_crowded = false;
    for (auto i = first_name; i + 1 < names_.size(); ++i) add_to_table(table, i);
  }
  if (!table.is_crowded) add_to_table(table, names_.size() - 1);
}

void CanonicalObject::add_to_table(NameTable& table, std::size_t name_index) {
  auto const name = text_of(names_[name_index]);
  auto const hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
  if (2 * table.names >= table.slots.size()) grow(table);
  auto const mask = table.slots.size() - 1;
  auto at = hash & mask;
  for (std::size_t looked_at = 0; table.slots[at].name_no != 0; ++looked_at) {
    auto const& slot = table.slots[at];
    if (slot.hash == hash && text_of(names_[slot.name_no - 1]) == name) {
      return report(Problem::duplicate_member, name);
    }
    if (looked_at == looks_max) {
      table.is_crowded = true;
      return;
    }
    at = (at + 1) & mask;
  }
  table.slots[at] = {static_cast<std::uint32_t>(name_index + 1), hash};
  ++table.names;
}

void CanonicalObject::grow(NameTable& table) {
  std::vector<NameTable::Slot> slots(2 * table.slots.size());
  auto const mask = slots.size() - 1;
  for (auto const& slot : table.slots) {
    if (slot.name_no == 0) continue;
    auto at = slot.hash & mask;
    while (slots[at].name_no != 0) at = (at + 1) & mask;
    slots[at] = slot;
  }
  table.slots = std::move(slots);
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
