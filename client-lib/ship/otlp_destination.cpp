#include "client-lib/ship/otlp_destination.hpp"

#include <zlib.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <ctime>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "client-lib/cli/report.hpp"
#include "client-lib/ship/otlp.hpp"
#include "client-lib/ship/ship_figures.hpp"

namespace stele::ship {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t body_bytes_most = std::size_t{4} << 20;
constexpr std::chrono::seconds retry_after_max{300};

struct Url {
  std::string host{};
  std::string port{"80"};
  std::string target{"/"};
};

std::optional<Url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  Url url;
  auto const slash = std::min(text.find('/'), text.size());
  auto authority = text.substr(0, slash);
  if (slash < text.size()) url.target = text.substr(slash);
  // An IPv6 address stands in brackets, and has colons.
  auto const bracket = authority.rfind(']');
  auto const colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  if (colon != authority.npos) {
    url.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  url.host = authority;
  bool const port_is_number = !url.port.empty() && std::ranges::all_of(url.port, [](char c) {
    return c >= '0' && c <= '9';
  });
  if (url.host.empty() || !port_is_number) return std::nullopt;
  return url;
}

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

/// Seconds, or a date (RFC 9110, 10.2.3).
std::chrono::seconds retry_after(std::string_view text) {
  std::uint64_t seconds = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && end == text.data() + text.size()) {
    return std::min<std::chrono::seconds>(std::chrono::seconds(seconds), retry_after_max);
  }
  std::tm date{};
  std::string const terminated(text);
  if (::strptime(terminated.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return {};
  auto const wait = std::chrono::seconds(::timegm(&date) - std::time(nullptr));
  return std::clamp<std::chrono::seconds>(wait, std::chrono::seconds(0), retry_after_max);
}

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

/// One connection, kept for as long as the receiver keeps it. Blocks, with a limit on each step.
class HttpConnection {
 public:
  HttpConnection(Url url, std::chrono::milliseconds timeout)
      : url_(std::move(url)), timeout_(timeout) {}

  error_code exchange(Request const& request, Response& response) {
    if (!stream_) {
      if (auto const error = connect()) return error;
    }
    auto error = run([&](auto done) { http::async_write(*stream_, request, std::move(done)); });
    if (!error) {
      beast::flat_buffer buffer;
      error =
          run([&](auto done) { http::async_read(*stream_, buffer, response, std::move(done)); });
    }
    if (error || !response.keep_alive()) stream_.reset();
    return error;
  }

 private:
  error_code connect() {
    tcp::resolver resolver(io_);
    error_code error;
    auto const found = resolver.resolve(url_.host, url_.port, error);
    if (error) return error;
    stream_.emplace(io_);
    error = run([&](auto done) {
      stream_->async_connect(found, [done](error_code code, auto&&) mutable { done(code, 0); });
    });
    if (error) stream_.reset();
    return error;
  }

  template <class Begin>
  error_code run(Begin const& begin) {
    error_code result = boost::asio::error::would_block;
    stream_->expires_after(timeout_);
    begin([&result](error_code code, std::size_t) { result = code; });
    io_.restart();
    io_.run();
    return result;
  }

  Url url_;
  std::chrono::milliseconds timeout_;
  boost::asio::io_context io_{1};
  std::optional<beast::tcp_stream> stream_{};
};

class OtlpDestination final : public Destination {
 public:
  OtlpDestination(OtlpOptions options, Url url)
      : options_(std::move(options)),
        url_(std::move(url)),
        connection_(url_, options_.request_timeout) {}

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

  OtlpOptions options_;
  Url url_;
  HttpConnection connection_;
  std::uint64_t acknowledged_seq_ = 0;
  std::uint64_t refused_entries_ = 0;
};

Outcome<std::uint64_t> OtlpDestination::read_cursor(std::string_view store) {
  std::ifstream file(options_.state_file);
  std::string line;
  acknowledged_seq_ = 0;
  if (!std::getline(file, line)) return acknowledged_seq_;
  auto const id = parse_message_id(line);
  if (!id || id->store != store) {
    return Trouble{options_.state_file + " is not of this store: name another file", true};
  }
  acknowledged_seq_ = id->seq;
  return acknowledged_seq_;
}

Outcome<void> OtlpDestination::take(Message const& message) {
  acknowledged_seq_ = message.last_seq;
  auto const line = message_id(options_.store, message.last_seq) + '\n';
  if (replace_file(options_.state_file, line, Lasting::yes)) return {};
  return Trouble{options_.state_file + ": cannot be written", true};
}

Outcome<void> OtlpDestination::judge(Response const& response, Message const& message) {
  auto const status = response.result_int();
  auto const entries = message.last_seq - message.first_seq + 1;
  if (status >= 200 && status < 300) {
    auto const partial = partial_success_in(response.body());
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
  if (status != 429 && status != 502 && status != 503 && status != 504) return Trouble{text, true};
  auto const after = response[http::field::retry_after];
  std::this_thread::sleep_for(retry_after({after.data(), after.size()}));
  return Trouble{text};
}

Outcome<void> OtlpDestination::publish(Message const& message) {
  Request request{http::verb::post, url_.target, 11};
  request.set(http::field::host, url_.host + (url_.port == "80" ? "" : ":" + url_.port));
  request.set(http::field::user_agent, "stele");
  request.set(http::field::content_type, "application/x-protobuf");
  request.set(http::field::content_encoding, "gzip");
  request.body() = gzipped(otlp_request(message.body, options_.host, options_.store));
  request.prepare_payload();
  Response response;
  if (auto const error = connection_.exchange(request, response)) {
    return Trouble{options_.url + ": " + error.message()};
  }
  return judge(response, message);
}

}  // namespace

Outcome<std::unique_ptr<Destination>> connect_otlp(OtlpOptions options) {
  auto url = parse_url(options.url);
  if (!url) return Trouble{options.url + ": not an URL of the form http://host[:port]/path", true};
  if (options.state_file.empty())
    return Trouble{"--state is missing: where the cursor is kept", true};
  return std::unique_ptr<Destination>(
      std::make_unique<OtlpDestination>(std::move(options), *std::move(url)));
}

}  // namespace stele::ship
