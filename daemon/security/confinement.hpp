// What the daemon cannot do any more once it has started: a second stage of seccomp(2), behind the
// one that a service manager may have set before it began.
#pragma once

#include <boost/system/error_code.hpp>

namespace stele::daemon {

/// For all threads, the present ones and those to come, and for ever: no program is run, no socket
/// made, bound or connected, no other process traced or looked into, no ring of io_uring made. Such
/// calls fail with EPERM. Connections that are accepted, files and the rings that are there are not
/// concerned. Takes away the way to more privileges too (no_new_privs). What a directory service
/// would have to be asked for, such as users that no file names, is not found any more.
///
/// Fails where the kernel has no seccomp filters, or will not take one more; then nothing changed.
boost::system::error_code confine_process();

}  // namespace stele::daemon
