#include "client-lib/ship/otlp/otlp_destination.hpp"

#include <curl/curl.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/ship/otlp/otlp.hpp"
#include "client-lib/ship/ship_metrics.hpp"

namespace stele::ship {
namespace {

constexpr std::size_t body_bytes_most = std::size_t{4} << 20;
constexpr std::size_t answer_bytes_most = std::size_t{64} << 10;
constexpr std::chrono::seconds retry_after_max{300};

template <auto destroy>
struct FreeBy {
  template <class T>
  void operator()(T* object) const noexcept {
    destroy(object);
  }
};

/// With the head and the checksum of gzip; empty: no memory.
std::string gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int window_bits_gzip = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits_gzip, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return {};
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  bool const done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? out.size() - stream.avail_out : 0);
  deflateEnd(&stream);
  return out;
}

struct Response {
  long status = 0;
  std::chrono::seconds retry_after{};
  std::string body{};
};

extern "C" std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = static_cast<Response*>(to)->body;
  // What a receiver says beyond that is of no use.
  body.append(data, std::min(size * count, answer_bytes_most - body.size()));
  return size * count;
}

/// Of libcurl: one connection, kept for as long as the receiver keeps it. Blocks, with a limit.
class HttpConnection {
 public:
  explicit HttpConnection(OtlpOptions const& options) : curl_(::curl_easy_init()) {
    add_header("Content-Type: application/x-protobuf");
    add_header("Content-Encoding: gzip");
    add_header("Expect:");  // The body goes at once.
    for (auto const& header : options.headers) add_header(header);
    auto* const curl = curl_.get();
    auto const text = [curl](CURLoption option, std::string const& value) {
      if (!value.empty()) ::curl_easy_setopt(curl, option, value.c_str());
    };
    text(CURLOPT_URL, options.url);
    text(CURLOPT_PROTOCOLS_STR, "http,https");
    text(CURLOPT_USERAGENT, "stele/" STELE_VERSION);
    text(CURLOPT_CAINFO, options.ca_file);
    text(CURLOPT_SSLCERT, options.certificate_file);
    text(CURLOPT_SSLKEY, options.key_file);
    ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_.data());
    ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                       static_cast<long>(options.request_timeout.count()));
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &keep_body);
  }

  Outcome<Response> post(std::string const& body) {
    auto* const curl = curl_.get();
    Response response;
    error_.front() = '\0';
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response);
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
    auto const code = ::curl_easy_perform(curl);
    if (code != CURLE_OK) {
      auto const* said = error_.front() != '\0' ? error_.data() : ::curl_easy_strerror(code);
      return ShipError{.message = said, .is_final = is_final(code), .may_pass = true};
    }
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
    curl_off_t wait = 0;
    ::curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
    response.retry_after =
        std::clamp<std::chrono::seconds>(std::chrono::seconds(wait), {}, retry_after_max);
    return response;
  }

 private:
  void add_header(std::string const& line) {
    headers_.reset(::curl_slist_append(headers_.release(), line.c_str()));
  }
  static bool is_final(CURLcode code) noexcept {
    switch (code) {
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_URL_MALFORMAT:
        return true;
      default:
        return false;
    }
  }

  std::unique_ptr<CURL, FreeBy<&::curl_easy_cleanup>> curl_;
  std::unique_ptr<curl_slist, FreeBy<&::curl_slist_free_all>> headers_{};
  std::array<char, CURL_ERROR_SIZE> error_{};
};

class OtlpDestination final : public Destination {
 public:
  explicit OtlpDestination(OtlpOptions options)
      : options_(std::move(options)), connection_(options_) {}

  Outcome<std::uint64_t> read_cursor(std::string_view store) override;
  Outcome<void> publish(Message const& message) override;
  std::uint64_t acknowledged_seq() const override { return acknowledged_seq_; }
  std::uint64_t refused_entries() const override { return refused_entries_; }
  Outcome<void> flush() override { return {}; }
  void settle() override {}
  std::size_t body_bytes_max() const override { return body_bytes_most; }

 private:
  Outcome<void> judge(Response const& response, Message const& message);
  Outcome<void> take(Message const& message);

  Outcome<void> keep(std::uint64_t seq);

  OtlpOptions options_;
  HttpConnection connection_;
  std::uint64_t acknowledged_seq_ = 0;
  std::uint64_t refused_entries_ = 0;
};

/// Writes it also where nothing has changed: a place that takes no file must not be found when the
/// first entries are at the receiver.
Outcome<std::uint64_t> OtlpDestination::read_cursor(std::string_view store) {
  std::ifstream file(options_.state_file);
  std::string line;
  acknowledged_seq_ = 0;
  if (std::getline(file, line)) {
    auto const id = parse_message_id(line);
    if (!id || (id->store != store && id->store != options_.continued_store)) {
      return ShipError{not_of_this_store(options_.state_file, id ? id->store : line) +
                           "; or name another file by --state",
                       true};
    }
    acknowledged_seq_ = id->seq;
  }
  if (auto const kept = keep(acknowledged_seq_); !kept) return kept.error();
  return acknowledged_seq_;
}

Outcome<void> OtlpDestination::keep(std::uint64_t seq) {
  auto const line = message_id(options_.store, seq) + '\n';
  if (replace_file(options_.state_file, line, FileUse::state)) return {};
  auto const why = std::generic_category().message(errno);
  return ShipError{options_.state_file + ": how far the receiver is cannot be kept there: " + why,
                   true};
}

Outcome<void> OtlpDestination::take(Message const& message) {
  acknowledged_seq_ = message.last_seq;
  return keep(message.last_seq);
}

Outcome<void> OtlpDestination::judge(Response const& response, Message const& message) {
  auto const status = response.status;
  auto const entries = message.last_seq - message.first_seq + 1;
  if (status >= 200 && status < 300) {
    auto const partial = partial_success_in(response.body);
    if (partial.rejected > 0) {
      refused_entries_ += partial.rejected;
      cli::print_error("the receiver refused " + std::to_string(partial.rejected) + " of " +
                       std::to_string(entries) + " entries up to seq " +
                       std::to_string(message.last_seq) + ": " + partial.message);
    }
    return take(message);
  }
  auto const text = "the receiver answered " + std::to_string(status);
  if (status == 400) {
    refused_entries_ += entries;
    cli::print_error(text + ": it does not understand entries " +
                     std::to_string(message.first_seq) + " to " + std::to_string(message.last_seq) +
                     "; they are left out");
    return take(message);
  }
  bool const is_passing = status == 429 || status == 502 || status == 503 || status == 504;
  if (!is_passing) return ShipError{.message = text, .is_final = true, .may_pass = true};
  std::this_thread::sleep_for(response.retry_after);
  return ShipError{text};
}

Outcome<void> OtlpDestination::publish(Message const& message) {
  auto const body = gzipped(otlp_request(message.body, options_.host, options_.store));
  auto const response = connection_.post(body);
  if (response) return judge(*response, message);
  auto trouble = response.error();
  trouble.message = options_.url + ": " + trouble.message;
  return trouble;
}

bool is_receivers_url(std::string const& text) {
  auto const url = boost::urls::parse_uri(text);
  if (url.has_error()) return false;
  auto const scheme = url->scheme_id();
  bool const is_http = scheme == boost::urls::scheme::http || scheme == boost::urls::scheme::https;
  return is_http && !url->encoded_host().empty() && (!url->has_port() || url->port_number() != 0);
}

}  // namespace

Outcome<std::unique_ptr<Destination>> connect_otlp(OtlpOptions options) {
  if (!is_receivers_url(options.url)) {
    return ShipError{options.url + ": not a URL of the form http[s]://host[:port]/path", true};
  }
  if (options.state_file.empty()) {
    return ShipError{"--state is missing: where the cursor is kept", true};
  }
  return std::unique_ptr<Destination>(std::make_unique<OtlpDestination>(std::move(options)));
}

}  // namespace stele::ship
