#include "protocol/request/operations.hpp"

#include <algorithm>

namespace stele::protocol {
namespace {

constexpr std::array<std::string_view, 26> names_of_members{
    "op",        "id",        "client",    "entry",     "entries", "start_ts", "end_ts",
    "after_seq", "min_level", "contains",  "where",     "origin",  "order",    "limit",
    "cursor",    "bucket_us", "writer",    "write_no",  "follow",  "target",   "count",
    "consumer",  "seq",       "since_seq", "first_seq", "last_seq"};

constexpr auto names_of_ops = [] {
  std::array<std::string_view, operations.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = operations[i].name;
  return names;
}();

constexpr bool operations_are_in_order() {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].op != static_cast<Op>(i)) return false;
  }
  return true;
}
static_assert(operations_are_in_order());
static_assert(names_of_members.size() == static_cast<std::size_t>(Member::last_seq) + 1);

}  // namespace

std::optional<Op> parse_op(std::string_view name) noexcept {
  auto const found = std::find(names_of_ops.begin(), names_of_ops.end(), name);
  if (found == names_of_ops.end()) return std::nullopt;
  return static_cast<Op>(found - names_of_ops.begin());
}

std::optional<Member> parse_member(std::string_view name) noexcept {
  auto const found = std::find(names_of_members.begin(), names_of_members.end(), name);
  if (found == names_of_members.end()) return std::nullopt;
  return static_cast<Member>(found - names_of_members.begin());
}

std::string_view to_string(Member member) noexcept {
  return names_of_members[static_cast<std::size_t>(member)];
}

std::span<std::string_view const> op_names() noexcept { return names_of_ops; }

std::vector<std::string_view> member_names(MemberBits members) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < names_of_members.size(); ++i) {
    if ((members & bit(static_cast<Member>(i))) != 0) names.push_back(names_of_members[i]);
  }
  return names;
}

}  // namespace stele::protocol
