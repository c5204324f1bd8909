#include "daemon/exit_code.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>

#include "daemon/net/listen_socket.hpp"
#include "wal/error.hpp"

namespace {

using stele::daemon::exit_code_of;
using stele::daemon::ListenSocket;
using stele::wal::Errc;

}  // namespace

BOOST_AUTO_TEST_SUITE(exit_code_test)

// 78: the next start fails in the same way until somebody changes a path, a permission or a limit.
// 74: it may not, or the disk wants a look.
BOOST_AUTO_TEST_CASE(each_error_of_the_system_has_its_exit_code) {
  struct Case {
    int error;
    int code;
  };
  for (auto const& [error, code] :
       {Case{EACCES, 78}, Case{EPERM, 78},  Case{ENOENT, 78},       Case{ENOTDIR, 78},
        Case{EISDIR, 78}, Case{ELOOP, 78},  Case{ENAMETOOLONG, 78}, Case{EFBIG, 78},
        Case{EINVAL, 78}, Case{ENOSYS, 78}, Case{EOPNOTSUPP, 78},   Case{EIO, 74},
        Case{EROFS, 74},  Case{ENOSPC, 74}, Case{EDQUOT, 74},       Case{EMFILE, 74},
        Case{ENFILE, 74}, Case{ENOMEM, 74}, Case{EAGAIN, 74},       Case{EBUSY, 74},
        Case{ENODEV, 74}, Case{ENXIO, 74},  Case{ESTALE, 74}}) {
    BOOST_TEST_CONTEXT(std::strerror(error)) {
      auto const failure = stele::wal::disk_failure("/data", "cannot open", error);
      BOOST_TEST(exit_code_of(failure) == code);
      BOOST_TEST(failure.message.starts_with("/data: cannot open: "));
      stele::Failure const socket({error, boost::system::system_category()}, "cannot bind");
      BOOST_TEST(exit_code_of(socket) == code);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_error_of_the_log_has_its_exit_code) {
  struct Case {
    Errc error;
    int code;
  };
  for (auto const& [error, code] :
       {Case{Errc::locked, 75}, Case{Errc::not_local, 78}, Case{Errc::unsupported_version, 65},
        Case{Errc::not_a_log, 65}, Case{Errc::damaged, 65}, Case{Errc::no_space, 74},
        Case{Errc::failed, 74}, Case{Errc::too_large, 74}, Case{Errc::short_write, 74},
        Case{Errc::sink_full, 78}, Case{Errc::diverged, 74}, Case{Errc::not_empty, 78},
        Case{Errc::replaced, 74}}) {
    BOOST_TEST_CONTEXT(make_error_code(error).message()) {
      BOOST_TEST(exit_code_of(stele::wal::Failure{error, ""}) == code);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_refusal_of_the_socket_has_its_exit_code) {
  using Refusal = ListenSocket::Refusal;
  BOOST_TEST(exit_code_of(stele::Failure(Refusal::in_use, "")) == 75);
  for (auto const refusal :
       {Refusal::not_ours, Refusal::owner, Refusal::open_place, Refusal::passed}) {
    BOOST_TEST(exit_code_of(stele::Failure(refusal, "")) == 78);
  }
}

BOOST_AUTO_TEST_SUITE_END()
