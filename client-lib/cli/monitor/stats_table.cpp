#include "client-lib/cli/monitor/stats_table.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>
#include <vector>

#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {
namespace {

using Row = std::pair<std::string, std::string>;

// Boost.JSON would write 1.5 as 1.5E0.
std::string cell_text(double value) {
  char digits[32];
  auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return {digits, end};
}

void append_rows(std::vector<Row>& rows, std::string const& prefix,
                 boost::json::object const& object) {
  for (auto const& member : object) {
    auto name = prefix + std::string{member.key().data(), member.key().size()};
    auto const& value = member.value();
    if (value.is_object() && !value.get_object().empty()) {
      append_rows(rows, name + '.', value.get_object());
    } else if (value.is_string()) {
      rows.emplace_back(std::move(name),
                        std::string{value.get_string().data(), value.get_string().size()});
    } else if (value.is_double()) {
      rows.emplace_back(std::move(name), cell_text(value.get_double()));
    } else {
      rows.emplace_back(std::move(name), boost::json::serialize(value));
    }
  }
}

}  // namespace

std::string stats_table(std::string_view json) {
  boost::system::error_code ec;
  auto const value = boost::json::parse({json.data(), json.size()}, ec);
  if (ec.failed() || !value.is_object()) return std::string{json} + '\n';
  std::vector<Row> rows;
  append_rows(rows, "", value.get_object());
  std::size_t width = 0;
  for (auto const& [name, text] : rows) width = std::max(width, name.size());
  std::string table;
  for (auto const& [name, text] : rows) {
    append_visible(table, name);
    table.append(width - name.size() + 2, ' ');
    append_visible(table, text);
    table += '\n';
  }
  return table;
}

}  // namespace stele::cli
