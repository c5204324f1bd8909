#include "client-lib/ship/ship_arguments.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <sstream>

namespace stele::ship {
namespace {

constexpr int replicas_max = 5;
constexpr std::string_view scheme = "nats://";

/// In small letters, with "://"; empty: there is none.
std::string scheme_of(std::string_view url) {
  auto const end = url.find("://");
  if (end == url.npos) return {};
  std::string name(url.substr(0, end + 3));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return name;
}

std::vector<std::string> split(std::string const& list) {
  std::vector<std::string> words;
  std::istringstream text(list);
  for (std::string word; std::getline(text, word, ',');) {
    if (word.empty()) continue;
    auto const name = scheme_of(word);
    if (!name.empty() && name != scheme && name != "tls://") {
      throw cli::UsageError("'" + word + "' names no server",
                            "nats://host:port, tls://host:port, or for a receiver of OTLP "
                            "http[s]://host:port/v1/logs");
    }
    words.push_back(name + (name.empty() ? std::string(scheme) + word : word.substr(name.size())));
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

/// A file of credentials. A name without a slash is one that the service manager has put where
/// nobody else may read (LoadCredential=).
std::string secret_file(cli::GivenOptions const& given, char const* option) {
  auto const name = given.text(option);
  auto const* directory = std::getenv("CREDENTIALS_DIRECTORY");
  bool const is_own = name.empty() || name.find('/') != name.npos;
  return is_own || directory == nullptr ? name : std::string(directory) + '/' + name;
}

/// What cannot be kept would pass for kept.
void refuse(cli::GivenOptions const& given, std::initializer_list<char const*> options,
            std::string const& where) {
  for (auto const* option : options) {
    if (given.has(option)) throw cli::UsageError(std::string(option) + " does nothing " + where);
  }
}

bool is_header(std::string const& line) {
  auto const colon = line.find(':');
  if (colon == 0 || colon == line.npos) return false;
  return std::ranges::all_of(
             line, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; }) &&
         line.substr(0, colon).find(' ') == line.npos;
}

/// A header that says what the body is: another one would make the receiver take something else.
bool is_of_the_body(std::string const& header) {
  constexpr std::array<std::string_view, 4> kept_names = {"content-type", "content-encoding",
                                                          "content-length", "transfer-encoding"};
  auto const name = std::string_view(header).substr(0, header.find_first_of(":;"));
  return std::ranges::any_of(kept_names, [name](std::string_view its) {
    return std::ranges::equal(name, its, {}, [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
  });
}

std::vector<std::string> headers_of(cli::GivenOptions const& given) {
  auto headers = given.all("--header");
  if (auto const name = secret_file(given, "--header-file"); !name.empty()) {
    std::ifstream file(name);
    if (!file) throw cli::UsageError("--header-file: " + name + " cannot be read");
    for (std::string line; std::getline(file, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) headers.push_back(line);
    }
  }
  // The line itself may be a secret.
  if (!std::ranges::all_of(headers, is_header)) {
    throw cli::UsageError("--header, --header-file: one is not of the form NAME: VALUE");
  }
  if (std::ranges::any_of(headers, is_of_the_body)) {
    throw cli::UsageError("--header, --header-file: what the body is says stele itself");
  }
  return headers;
}

void judge_pair(std::string const& certificate, std::string const& key) {
  if (certificate.empty() != key.empty()) {
    throw cli::UsageError("--tls-cert and --tls-key go together");
  }
}

}  // namespace

bool is_receiver(std::string const& to) {
  auto const name = scheme_of(to);
  return name == "http://" || name == "https://";
}

OtlpOptions otlp_options_of(cli::GivenOptions const& given) {
  refuse(given,
         {"--stream", "--subject-pattern", "--batch", "--create-replicas", "--tls", "--creds",
          "--nkey", "--nkey-seed"},
         "with a receiver of OTLP");
  OtlpOptions options{.url = given.text("--to"),
                      .headers = headers_of(given),
                      .ca_file = secret_file(given, "--tls-ca"),
                      .certificate_file = secret_file(given, "--tls-cert"),
                      .key_file = secret_file(given, "--tls-key"),
                      .host = given.text("--host", host_name()),
                      .continued_store = given.text("--continue-store"),
                      .state_file = given.text("--state")};
  judge_pair(options.certificate_file, options.key_file);
  return options;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

NatsOptions nats_options_of(cli::GivenOptions const& given, std::string const& servers) {
  refuse(given, {"--state", "--header", "--header-file"}, "with servers of NATS");
  auto const layout = given.has("--batch") ? Layout::batches : Layout::entries;
  NatsOptions options{.servers = split(servers),
                      .stream = given.text("--stream"),
                      .layout = layout,
                      .pattern = pattern_of(given, layout),
                      .host = given.text("--host", host_name()),
                      .continued_store = given.text("--continue-store"),
                      .tls = given.has("--tls"),
                      .ca_file = secret_file(given, "--tls-ca"),
                      .certificate_file = secret_file(given, "--tls-cert"),
                      .key_file = secret_file(given, "--tls-key"),
                      .credentials_file = secret_file(given, "--creds"),
                      .nkey = given.text("--nkey"),
                      .nkey_seed_file = secret_file(given, "--nkey-seed")};
  if (options.servers.empty()) throw cli::UsageError("no server is named", "--to nats://host:port");
  if (options.stream.empty()) throw cli::UsageError("--stream is missing");
  judge_pair(options.certificate_file, options.key_file);
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
