// All verbs of the command, in the order in which help lists them.
#pragma once

#include <span>

#include "client-lib/cli/verb.hpp"

namespace stele::cli {

extern Verb const ping_verb;
extern Verb const write_verb;
extern Verb const pipe_verb;
extern Verb const import_verb;
extern Verb const export_verb;
extern Verb const read_verb;
extern Verb const tail_verb;
extern Verb const count_verb;
extern Verb const stats_verb;
extern Verb const top_verb;
extern Verb const audit_verb;
extern Verb const doctor_verb;
extern Verb const completion_verb;
extern Verb const backup_verb;
extern Verb const verify_verb;
extern Verb const dump_verb;
extern Verb const salvage_verb;
extern Verb const ship_verb;

std::span<Verb const* const> all_verbs() noexcept;

/// Options that work with every verb.
std::span<Option const> common_options() noexcept;

}  // namespace stele::cli
