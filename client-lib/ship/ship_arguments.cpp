#include "client-lib/ship/ship_arguments.hpp"

#include <unistd.h>

#include <array>
#include <sstream>

namespace stele::ship {
namespace {

constexpr int replicas_max = 5;
constexpr std::string_view scheme = "nats://";

std::vector<std::string> split(std::string const& list) {
  std::vector<std::string> words;
  std::istringstream text(list);
  for (std::string word; std::getline(text, word, ',');) {
    if (word.empty()) continue;
    words.push_back(word.find("://") == word.npos ? std::string(scheme) + word : word);
  }
  return words;
}

SubjectPattern pattern_of(cli::GivenOptions const& given, Layout layout) {
  auto const text = given.text("--subject-pattern",
                               layout == Layout::entries ? "logs.{host}.{level}" : "logs.{host}");
  auto pattern = SubjectPattern::parse(text, layout);
  if (!pattern) {
    throw cli::UsageError(
        "--subject-pattern: '" + text + "' is not a subject",
        layout == Layout::entries
            ? "tokens with dots between; {host}, {store} and {level} are filled in"
            : "tokens with dots between; {host} and {store} are filled in");
  }
  return *std::move(pattern);
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

NatsOptions nats_options_of(cli::GivenOptions const& given, std::string const& servers) {
  auto const layout = given.has("--batch") ? Layout::batches : Layout::entries;
  NatsOptions options{.servers = split(servers),
                      .stream = given.text("--stream"),
                      .layout = layout,
                      .pattern = pattern_of(given, layout),
                      .host = given.text("--host", host_name()),
                      .tls = given.has("--tls"),
                      .ca_file = given.text("--tls-ca"),
                      .certificate_file = given.text("--tls-cert"),
                      .key_file = given.text("--tls-key"),
                      .credentials_file = given.text("--creds"),
                      .nkey = given.text("--nkey"),
                      .nkey_seed_file = given.text("--nkey-seed")};
  if (options.servers.empty()) throw cli::UsageError("no server is named", "--to nats://host:port");
  if (options.stream.empty()) throw cli::UsageError("--stream is missing");
  if (options.certificate_file.empty() != options.key_file.empty()) {
    throw cli::UsageError("--tls-cert and --tls-key go together");
  }
  if (options.nkey.empty() != options.nkey_seed_file.empty()) {
    throw cli::UsageError("--nkey and --nkey-seed go together");
  }
  if (auto const replicas = given.number("--create-replicas")) {
    if (*replicas < 1 || *replicas > replicas_max) {
      throw cli::UsageError("--create-replicas is from 1 to " + std::to_string(replicas_max));
    }
    options.create_replicas = static_cast<int>(*replicas);
  }
  return options;
}

}  // namespace stele::ship
