#include "stele/client_error.hpp"

#include <string>

namespace stele {
namespace {

char const* describe(ClientError error) noexcept {
  switch (error) {
    case ClientError::cannot_connect:
      return "cannot connect to the daemon";
    case ClientError::connection_lost:
      return "the connection to the daemon is lost";
    case ClientError::outcome_unknown:
      return "it is unknown whether the write was stored";
    case ClientError::timed_out:
      return "the daemon did not answer in time";
    case ClientError::protocol_violation:
      return "the daemon's reply breaks the protocol";
    case ClientError::cancelled:
      return "the call was cancelled";
    case ClientError::made_before_fork:
      return "it was made before fork(), and belongs to the parent";
  }
  return "unknown client error";
}

class ClientErrorCategory final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "stele.client"; }
  std::string message(int value) const override {
    return describe(static_cast<ClientError>(value));
  }
};

}  // namespace

boost::system::error_category const& client_error_category() noexcept {
  static ClientErrorCategory const category;
  return category;
}

boost::system::error_code make_error_code(ClientError error) noexcept {
  return {static_cast<int>(error), client_error_category()};
}

bool may_be_stored(Failure const& failure) noexcept {
  return failure.code == ClientError::outcome_unknown ||
         failure.code == ClientError::protocol_violation || failure.code == Error::log_failed ||
         failure.code == Error::internal;
}

}  // namespace stele
