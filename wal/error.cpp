#include "wal/error.hpp"

#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>
#include <cerrno>
#include <string>
#include <utility>

namespace stele::wal {
namespace {

class Category final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "stele.wal"; }

  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::locked:
        return "another process holds the data directory";
      case Errc::not_local:
        return "the data directory is not on a local file system";
      case Errc::unsupported_version:
        return "the log was written by a newer version";
      case Errc::not_a_log:
        return "the data directory holds no readable log";
      case Errc::damaged:
        return "the log is damaged";
      case Errc::no_space:
        return "the disk is full";
      case Errc::failed:
        return "an earlier write or sync failed";
      case Errc::too_large:
        return "the group does not fit in one commit";
      case Errc::short_write:
        return "the device took fewer bytes than were given";
      case Errc::sink_full:
        return "the log holds more than its reader takes";
      case Errc::diverged:
        return "the directory holds something else than an earlier copy of the log";
      case Errc::not_empty:
        return "the directory holds other files, and no log";
      case Errc::replaced:
        return "it was removed or replaced while it was in use";
    }
    return "unknown error";
  }
};

}  // namespace

boost::system::error_category const& error_category() noexcept {
  static Category const category;
  return category;
}

boost::system::error_code make_error_code(Errc error) noexcept {
  return {static_cast<int>(error), error_category()};
}

void throw_exception_from_error(Failure const& failure, boost::source_location const& where) {
  boost::throw_exception(boost::system::system_error(failure.code, failure.message), where);
}

boost::system::error_code disk_error(int error) noexcept {
  if (error == ENOSPC || error == EDQUOT) return Errc::no_space;
  return {error, boost::system::system_category()};
}

Failure disk_failure(std::string_view path, std::string_view doing, int error) {
  std::string message{path};
  message += ": ";
  message += doing;
  message += ": ";
  message += boost::system::system_category().message(error);
  return {disk_error(error), std::move(message)};
}

}  // namespace stele::wal
