#include "daemon/security/confinement.hpp"

#include <seccomp.h>

#include <cerrno>
#include <memory>

namespace stele::daemon {
namespace {

struct Release {
  void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

/// Of the kernel's architecture and, with it, of the others that it also runs: calls of those are
/// refused as a whole (libseccomp's default).
constexpr int denied_calls[] = {
    SCMP_SYS(execve),           SCMP_SYS(execveat),
    SCMP_SYS(socket),           SCMP_SYS(socketpair),
    SCMP_SYS(connect),          SCMP_SYS(bind),
    SCMP_SYS(listen),           SCMP_SYS(io_uring_setup),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
#ifndef __SANITIZE_ADDRESS__
    SCMP_SYS(ptrace),  // With which the leak sanitizer stops the threads at the end.
#endif
};

boost::system::error_code system_error(int negative_errno) {
  return {-negative_errno, boost::system::system_category()};
}

}  // namespace

boost::system::error_code confine_process() {
  std::unique_ptr<void, Release> const filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return system_error(-ENOMEM);
  // For all threads; without the slower kind of memory access that older kernels turn on for
  // programs that run foreign code (seccomp(2), SECCOMP_FILTER_FLAG_SPEC_ALLOW); with the kernel's
  // own error if it refuses.
  for (auto const attribute :
       {SCMP_FLTATR_CTL_TSYNC, SCMP_FLTATR_CTL_SSB, SCMP_FLTATR_API_SYSRAWRC}) {
    if (int const error = seccomp_attr_set(filter.get(), attribute, 1); error != 0) {
      return system_error(error);
    }
  }
  for (int const call : denied_calls) {
    int const error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
    if (error != 0) return system_error(error);
  }
  int const error = seccomp_load(filter.get());
  return error == 0 ? boost::system::error_code{} : system_error(error);
}

}  // namespace stele::daemon
