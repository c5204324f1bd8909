#include "daemon/config/config_change.hpp"

namespace stele::daemon {

ConfigChange compare(Config const& running, Config const& wanted) {
  ConfigChange change{.in_force = running};
  for (Option const& option : options()) {
    Config changed = running;
    option.copy(wanted, changed);
    if (changed == running) continue;
    (option.at_run_time ? change.applied : change.needs_restart).push_back(option.name);
    if (option.at_run_time) option.copy(wanted, change.in_force);
  }
  return change;
}

}  // namespace stele::daemon
