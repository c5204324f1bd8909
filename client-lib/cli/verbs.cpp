#include "client-lib/cli/verbs.hpp"

#include <array>

namespace stele::cli {
namespace {

constexpr std::array verbs{
    &ping_verb,   &write_verb, &pipe_verb,    &import_verb, &export_verb, &read_verb,
    &tail_verb,   &count_verb, &stats_verb,   &top_verb,    &audit_verb,  &backup_verb,
    &verify_verb, &dump_verb,  &salvage_verb, &doctor_verb, &ship_verb,   &completion_verb,
};

constexpr std::array common{
    Option{.names = "--socket",
           .value = "PATH",
           .help = "The daemon's socket; default: $STELE_SOCKET, else /run/stele/stele.sock"},
};

}  // namespace

std::span<Verb const* const> all_verbs() noexcept { return verbs; }

std::span<Option const> common_options() noexcept { return common; }

std::string_view option_key(Option const& option) noexcept {
  auto const long_name = option.names.find("--");
  auto const key = option.names.substr(long_name == option.names.npos ? 0 : long_name);
  return key.substr(0, key.find(','));
}

}  // namespace stele::cli
