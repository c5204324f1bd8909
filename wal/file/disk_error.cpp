#include "wal/file/disk_error.hpp"

#include <cerrno>
#include <string>
#include <utility>

namespace stele::wal {

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
