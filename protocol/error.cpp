#include "stele/error.hpp"

#include <array>
#include <boost/system/system_error.hpp>

namespace stele {
namespace {

struct Row {
  Error error;
  std::string_view code;
  std::string_view sentence;
  bool retryable;
};

constexpr std::array<Row, 18> rows{{
    {Error::bad_frame, "bad_frame", "a frame is malformed", false},
    {Error::frame_too_large, "frame_too_large", "a frame is above the size limit", false},
    {Error::bad_json, "bad_json", "the text is not well-formed JSON", false},
    {Error::bad_request, "bad_request", "the request is not valid", false},
    {Error::unknown_op, "unknown_op", "there is no such operation", false},
    {Error::invalid_entry, "invalid_entry", "an entry is not valid", false},
    {Error::entry_too_large, "entry_too_large", "an entry is above the size limit", false},
    {Error::unsupported_version, "unsupported_version", "the entry's version is not 1", false},
    {Error::no_space, "no_space", "the disk is full", true},
    {Error::log_failed, "log_failed", "writing the log failed", true},
    {Error::shutting_down, "shutting_down", "the daemon is stopping", true},
    {Error::too_many_connections, "too_many_connections", "there are too many connections", true},
    {Error::overloaded, "overloaded", "too much work is in progress", true},
    {Error::unknown_retry, "unknown_retry", "the write is older than what is remembered", false},
    {Error::id_conflict, "id_conflict", "the write number was used for another write", false},
    {Error::cursor_expired, "cursor_expired", "the cursor's entries are no longer kept", false},
    {Error::forbidden, "forbidden", "the daemon does not let this user do it", false},
    {Error::internal, "internal", "the daemon has a defect", false},
}};

constexpr std::size_t index_of(Error error) noexcept {
  return static_cast<std::size_t>(error) - static_cast<std::size_t>(error_first);
}

// The rows stand in the order of the enumeration, so that a code is its own index.
constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (index_of(rows[i].error) != i) return false;
  }
  return rows.size() == index_of(error_last) + 1;
}
static_assert(rows_are_in_order());

class Category final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "stele"; }
  std::string message(int value) const override {
    if (value < static_cast<int>(error_first) || value > static_cast<int>(error_last)) {
      return "unknown error " + std::to_string(value);
    }
    return std::string(rows[index_of(static_cast<Error>(value))].sentence);
  }
};

}  // namespace

std::string_view to_string(Error error) noexcept { return rows[index_of(error)].code; }

std::optional<Error> parse_error(std::string_view code) noexcept {
  for (Row const& row : rows) {
    if (row.code == code) return row.error;
  }
  return std::nullopt;
}

bool is_retryable(Error error) noexcept { return rows[index_of(error)].retryable; }

boost::system::error_category const& error_category() noexcept {
  static Category const category;
  return category;
}

boost::system::error_code make_error_code(Error error) noexcept {
  return {static_cast<int>(error), error_category()};
}

void throw_exception_from_error(Failure const& failure, boost::source_location const&) {
  throw boost::system::system_error(failure.code, failure.message);
}

}  // namespace stele
