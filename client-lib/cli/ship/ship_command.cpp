#include <array>

#include "client-lib/cli/ship/ship_program.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view ship_help =
    R"(Publish the log into a stream of NATS JetStream, each entry once and in order; or by OTLP.

Examples:
  stele ship --to nats://a:4222,nats://b:4222 --stream web1
  stele ship --to nats://a:4222 --stream LOGS --batch --subject-pattern 'logs.{host}'

Follows the log and goes on for ever, over restarts of itself, of the daemon and of the servers:
where it was, it reads in the stream. A message is an entry as `read -o json` prints it; with
--batch it is a run of entries, a line each. What cannot be shipped is named by a message
{"gap":{…}}.

Without --batch the stream belongs to this log alone. With it logs share a stream, and
--subject-pattern gives each a subject of its own.

With http:// or https:// entries go to a receiver of OpenTelemetry's protocol, in protobuf: at least
once, since no receiver says what it has.

A file of credentials that is named without a slash is looked for in $CREDENTIALS_DIRECTORY, where a
unit's LoadCredential= puts it.

Exit codes: 2 and 4 say that a person must mend something first; after 1 it may be tried again.
)";

constexpr std::array ship_options{
    Option{.names = "--to",
           .value = "URL,…",
           .help = "Servers: nats://host:port; or one receiver of OTLP: "
                   "http[s]://host:port/v1/logs"},
    Option{.names = "--stream", .value = "NAME", .help = "The stream"},
    Option{.names = "--state",
           .value = "FILE",
           .help = "For OTLP: where it is remembered how far the receiver is"},
    Option{.names = "--header",
           .value = "NAME: VALUE",
           .help = "For OTLP: sent with each request; others on this machine may see it",
           .many = true},
    Option{.names = "--header-file",
           .value = "FILE",
           .help = "For OTLP: the same from a file, a line each, such as a credential"},
    Option{.names = "--subject-pattern",
           .value = "PATTERN",
           .help = "Subject of a message: {host}, {store} and {level} are filled in; default: "
                   "logs.{host}.{level}, with --batch logs.{host}"},
    Option{.names = "--batch", .help = "Many entries a message, for a stream that logs share"},
    Option{.names = "--host", .value = "NAME", .help = "For {host}; default: the machine's name"},
    Option{.names = "--create-replicas",
           .value = "N",
           .help = "Make the stream, with this many replicas, if it is not there"},
    Option{.names = "--hold-retention",
           .value = "NAME",
           .help = "Have the daemon keep what is not shipped, up to its hold-bytes; NAME is one of "
                   "its setting consumers"},
    Option{.names = "--continue-store",
           .value = "ID",
           .help = "After a salvage: go on behind what the store ID has shipped"},
    Option{.names = "--until-caught-up", .help = "End when all that is there has been taken"},
    Option{.names = "--metrics",
           .value = "FILE",
           .help = "Write metrics there each second, for node_exporter's textfile collector"},
    Option{.names = "--tls", .help = "Only over TLS"},
    Option{.names = "--tls-ca", .value = "FILE", .help = "Certificates of authorities to trust"},
    Option{.names = "--tls-cert", .value = "FILE", .help = "Own certificate, and"},
    Option{.names = "--tls-key", .value = "FILE", .help = "its key"},
    Option{.names = "--creds", .value = "FILE", .help = "Credentials file"},
    Option{.names = "--nkey", .value = "KEY", .help = "Public NKey, and"},
    Option{.names = "--nkey-seed", .value = "FILE", .help = "its seed"},
};

}  // namespace

Verb const ship_verb{.name = "ship", .text = ship_help, .options = ship_options, .run = run_ship};

}  // namespace stele::cli
