#include "daemon/security/admission.hpp"

#include <algorithm>

#include "daemon/security/access.hpp"

namespace stele::daemon {
namespace {

constexpr std::size_t kept_back_max = 8;
/// Of a small number of places few are kept back, of less than this none.
constexpr std::size_t places_for_one_kept_back = 8;

}  // namespace

std::size_t Admission::places_kept_back() const noexcept {
  return std::min(kept_back_max, limits_.connections_max / places_for_one_kept_back);
}

Admission::Decision Admission::check(std::uint32_t uid) const noexcept {
  bool const privileged = is_operator(uid, own_uid_);
  std::size_t const places = limits_.connections_max - (privileged ? 0 : places_kept_back());
  if (open_ >= places) return Decision::all_taken;
  if (privileged || limits_.user_connections_max == 0) return Decision::admitted;
  auto const found = of_user_.find(uid);
  std::size_t const has = found == of_user_.end() ? 0 : found->second;
  return has < limits_.user_connections_max ? Decision::admitted : Decision::user_has_enough;
}

void Admission::opened(std::uint32_t uid) {
  ++of_user_[uid];
  ++open_;
}

void Admission::closed(std::uint32_t uid) {
  auto const found = of_user_.find(uid);
  if (--found->second == 0) of_user_.erase(found);
  --open_;
}

}  // namespace stele::daemon
