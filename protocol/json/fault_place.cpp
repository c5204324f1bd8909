#include "protocol/json/fault_place.hpp"

#include <algorithm>
#include <cmath>

#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

using Problem = CanonicalObject::Problem;

constexpr std::string_view ellipsis = "…";

/// The name as CanonicalObject spells it, where it cuts it.
std::string canonical_start(std::string_view name) {
  std::string text;
  append_json_escaped(text, cut(name));
  return std::string(cut(text));
}

}  // namespace

void PlaceFinder::take(JsonToken const& token) {
  using Kind = JsonToken::Kind;
  if (token.opens()) return open(token.kind == Kind::array_begin);
  if (token.closes()) return close();
  if (token.kind == Kind::key) return take_name(token.text);
  if (token.kind == Kind::real && !std::isfinite(token.real) && has_fault(Problem::not_finite)) {
    path_of_fault_ = path();
  }
  end_value();
}

void PlaceFinder::open(bool is_array) {
  if (metadata_level_ == 0 && begins_metadata()) metadata_level_ = levels_.size();
  is_too_deep_ = levels_.size() == json_depth_max ||
                 (metadata_level_ != 0 && levels_.size() == metadata_level_ + metadata_depth_max);
  // Such a bracket is not passed, so the path is that of the value which it begins.
  if (!is_too_deep_) levels_.push_back({.is_array = is_array});
}

void PlaceFinder::close() {
  levels_.pop_back();
  if (levels_.size() == metadata_level_) metadata_level_ = 0;
  end_value();
}

void PlaceFinder::take_name(std::string_view name) {
  auto& level = levels_.back();
  level.has_name = true;
  level.name = shortened(name);
  if (!has_fault(Problem::duplicate_member)) return;
  auto const start = canonical_start(name);
  if (start != fault_->text) return;
  std::string whole(name);
  if (std::ranges::find(level.twins, whole) != level.twins.end()) {
    path_of_fault_ = path();
  } else {
    level.twins.push_back(std::move(whole));
  }
}

void PlaceFinder::end_value() noexcept {
  if (levels_.empty()) return;
  levels_.back().has_name = false;
  ++levels_.back().index;
}

/// Whether the value that comes next is an entry's metadata, or `where`.
bool PlaceFinder::begins_metadata() const noexcept {
  auto const is_at = [this](std::size_t level, std::string_view name) {
    return levels_[level].has_name && levels_[level].name == name;
  };
  switch (levels_.size()) {
    case 1:
      return is_at(0, "where");
    case 2:
      return is_at(0, "entry") && is_at(1, "metadata");
    case 3:
      return is_at(0, "entries") && levels_[1].is_array && is_at(2, "metadata");
    default:
      return false;
  }
}

bool PlaceFinder::has_fault(Problem problem) const noexcept {
  return fault_ != nullptr && fault_->problem == problem && path_of_fault_.empty() &&
         metadata_level_ != 0;
}

std::string PlaceFinder::path() const {
  std::string path;
  for (auto const& level : levels_) {
    if (level.is_array) {
      path += '[' + std::to_string(level.index) + ']';
    } else if (level.has_name) {
      if (!path.empty()) path += '.';
      path += level.name;
    }
  }
  if (path.size() <= path_bytes_max) return path;
  path.resize(utf8_valid_bytes(std::string_view(path).substr(0, path_bytes_max - ellipsis.size())));
  return path += ellipsis;
}

std::string path_of_bad_json(std::string_view text) {
  PlaceFinder finder;
  std::string scratch;
  // One more, so that it is the finder which meets what is too deep.
  JsonReader<PlaceFinder> reader(text, json_depth_max + 1, scratch, finder);
  reader.read(text.size());
  return finder.path();
}

std::string path_of_fault(std::string_view text, ObjectFault const& fault) {
  PlaceFinder finder(&fault);
  std::string scratch;
  JsonReader<PlaceFinder> reader(text, json_depth_max, scratch, finder);
  reader.read(text.size());
  return finder.path_of_fault();
}

}  // namespace stele::protocol
