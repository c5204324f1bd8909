// System errors as this module's values.
#pragma once

#include <boost/system/error_code.hpp>
#include <string_view>

#include "wal/error.hpp"

namespace stele::wal {

/// Errc::no_space for a full disk or quota; any other errno as it is, in the system category.
boost::system::error_code disk_error(int error) noexcept;

/// "<path>: <doing>: <text of the errno>".
Failure disk_failure(std::string_view path, std::string_view doing, int error);

}  // namespace stele::wal
