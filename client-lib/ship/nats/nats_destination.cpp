#include "client-lib/ship/nats/nats_destination.hpp"

#include <nats/nats.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "client-lib/ship/nats/nats_connection.hpp"

namespace stele::ship {
namespace {

constexpr std::size_t in_flight_max = 2048;
constexpr std::size_t in_flight_bytes_max = std::size_t{8} << 20;
constexpr std::chrono::seconds flush_patience{30};
/// Between header and body there is room for the rest of a message.
constexpr std::size_t header_bytes_max = 1024;
constexpr std::chrono::nanoseconds duplicate_window = std::chrono::minutes{2};

/// JetStream's own error codes (server/errors.json).
constexpr int js_no_message_found = 10037;
constexpr int js_stream_not_found = 10059;

class NatsDestination final : public Destination {
 public:
  NatsDestination(NatsOptions options, NatsConnection connection)
      : options_(std::move(options)), connection_(std::move(connection)) {}
  ~NatsDestination() override;

  Outcome<void> open();

  Outcome<std::uint64_t> read_cursor(std::string_view store) override;
  Outcome<void> publish(Message const& message) override;
  std::uint64_t acknowledged_seq() const override;
  Outcome<void> flush() override;
  void settle() override;
  std::size_t body_bytes_max() const override;

 private:
  struct Sent {
    std::uint64_t last_seq = 0;
    std::size_t bytes = 0;
    /// That it must get; 0: nobody knows, where logs share a stream.
    std::uint64_t stream_seq = 0;
    bool taken = false;
  };

  Outcome<void> make_stream();
  Outcome<void> ensure_stream();
  void on_ack(std::uint64_t last_seq, jsPubAck const* ack, jsPubAckErr const* error);
  static bool is_in_place(Sent const& sent, jsPubAck const& ack) noexcept;
  std::size_t most_in_flight() const noexcept {
    return options_.layout == Layout::batches ? 1 : in_flight_max;
  }
  bool has_room() const noexcept {
    return sent_.size() < most_in_flight() && in_flight_bytes_ < in_flight_bytes_max;
  }
  /// Who waits for room is woken when there is plenty, and not by each acknowledgement.
  bool has_plenty_of_room() const noexcept {
    return sent_.size() <= most_in_flight() / 2 && in_flight_bytes_ <= in_flight_bytes_max / 2;
  }
  static void ack_handler(jsCtx* js, natsMsg* message, jsPubAck* ack, jsPubAckErr* error,
                          void* closure);

  NatsOptions options_;
  NatsConnection connection_;
  JsContext js_{};

  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Sent> sent_{};  ///< By rising seq.
  std::size_t in_flight_bytes_ = 0;
  std::optional<std::string> failure_{};
  std::uint64_t acknowledged_seq_ = 0;
  std::uint64_t stream_seq_ = 0;  ///< What the next message expects to be the last.
};

NatsDestination::~NatsDestination() {
  // Callbacks end before what they touch does.
  settle();
  js_.reset();
  natsConnection_Close(connection_.get());
}

/// Of a batch, which entries are in it, so that nobody need parse it to know. Headers are dear, to
/// the servers as well: a message of one entry has none but those that it needs.
bool set_headers(natsMsg* message, Message const& what) {
  auto const set = [&](char const* name, std::uint64_t value) {
    return natsMsgHeader_Set(message, name, std::to_string(value).c_str()) == NATS_OK;
  };
  if (what.first_seq == what.last_seq && !what.is_gap) return true;
  return set("Stele-First-Seq", what.first_seq) && set("Stele-Last-Seq", what.last_seq);
}

void NatsDestination::ack_handler(jsCtx* /*js*/, natsMsg* message, jsPubAck* ack,
                                  jsPubAckErr* error, void* closure) {
  NatsMessage const owned(message);
  auto* const destination = static_cast<NatsDestination*>(closure);
  auto const id = parse_message_id(header_of(message, "Nats-Msg-Id"));
  if (id) destination->on_ack(id->seq, ack, error);
}

Outcome<void> NatsDestination::open() {
  jsOptions options;
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = static_cast<int64_t>(in_flight_max);
  options.PublishAsync.AckHandler = ack_handler;
  options.PublishAsync.AckHandlerClosure = this;
  jsCtx* made = nullptr;
  auto const status = natsConnection_JetStream(&made, connection_.get(), &options);
  if (status != NATS_OK) return ShipError{nats_text(status), true};
  js_.reset(made);
  return {};
}

Outcome<void> NatsDestination::make_stream() {
  auto const subject = options_.pattern.wildcard();
  char const* const subjects[] = {subject.c_str()};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = options_.stream.c_str();
  config.Subjects = const_cast<char const**>(subjects);
  config.SubjectsLen = 1;
  config.Replicas = *options_.create_replicas;
  config.Duplicates = duplicate_window.count();
  jsErrCode code{};
  auto const status = js_AddStream(nullptr, js_.get(), &config, nullptr, &code);
  if (status == NATS_OK) return {};
  return ShipError{"cannot make the stream " + options_.stream + ": " + nats_text(status),
                   status == NATS_INVALID_ARG};
}

Outcome<void> NatsDestination::ensure_stream() {
  jsStreamInfo* found = nullptr;
  jsErrCode code{};
  auto const status = js_GetStreamInfo(&found, js_.get(), options_.stream.c_str(), nullptr, &code);
  JsStream const info(found);
  if (status == NATS_OK) {
    std::lock_guard const lock(mutex_);
    stream_seq_ = info->State.LastSeq;
    return {};
  }
  if (status != NATS_NOT_FOUND && code != js_stream_not_found) {
    return ShipError{"cannot look at the stream " + options_.stream + ": " + nats_text(status)};
  }
  if (!options_.create_replicas) {
    return ShipError{"there is no stream " + options_.stream +
                         "; make it, or let it be made with --create-replicas",
                     true};
  }
  stream_seq_ = 0;
  return make_stream();
}

Outcome<std::uint64_t> NatsDestination::read_cursor(std::string_view store) {
  if (auto const ensured = ensure_stream(); !ensured) return ensured.error();
  bool const own = options_.layout == Layout::entries;
  auto const subject = own ? std::string(">") : options_.pattern.subject(options_.host, store, "");
  natsMsg* found = nullptr;
  jsErrCode code{};
  auto const status =
      js_GetLastMsg(&found, js_.get(), options_.stream.c_str(), subject.c_str(), nullptr, &code);
  NatsMessage const last(found);
  std::lock_guard const lock(mutex_);
  if (status == NATS_NOT_FOUND || code == js_no_message_found) {
    if (!own) stream_seq_ = 0;
    acknowledged_seq_ = 0;
    return std::uint64_t{0};
  }
  if (status != NATS_OK) {
    return ShipError{"cannot read the last message of " + options_.stream + ": " +
                     nats_text(status)};
  }
  // Of this very message, and not of the stream's state: another server may have reported that, one
  // that had more or less of the stream.
  stream_seq_ = natsMsg_GetSequence(last.get());
  auto const id = parse_message_id(header_of(last.get(), "Nats-Msg-Id"));
  if (!id || (id->store != store && id->store != options_.continued_store)) {
    auto const text = not_of_this_store("the last message of " + options_.stream,
                                        id ? id->store : "none that is known");
    return ShipError{text + (own ? "; a stream that stores share needs --batch"
                                 : "; else give each store a subject of its own, by {store} or "
                                   "{host}"),
                     true};
  }
  acknowledged_seq_ = id->seq;
  return id->seq;
}

Outcome<void> NatsDestination::publish(Message const& message) {
  std::unique_lock lock(mutex_);
  bool const free =
      has_room() || changed_.wait_for(lock, options_.ack_timeout + flush_patience,
                                      [this] { return failure_ || has_plenty_of_room(); });
  if (failure_) return ShipError{*failure_};
  if (!free) return ShipError{"no acknowledgement comes"};
  Sent sent{.last_seq = message.last_seq, .bytes = message.body.size()};
  auto const expected = stream_seq_;
  if (options_.layout == Layout::entries) sent.stream_seq = ++stream_seq_;
  sent_.push_back(sent);
  in_flight_bytes_ += sent.bytes;
  lock.unlock();

  natsMsg* made = nullptr;
  auto status = natsMsg_Create(&made, message.subject.c_str(), nullptr, message.body.data(),
                               static_cast<int>(message.body.size()));
  NatsMessage owned(made);
  auto const id = message_id(options_.store, message.last_seq);
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.MaxWait = options_.ack_timeout.count();
  options.MsgId = id.c_str();
  if (options_.layout == Layout::entries) {
    options.ExpectLastSeq = expected;
  } else {
    options.ExpectLastSubjectSeq = expected;
    options.ExpectNoMessage = expected == 0;
  }
  bool const made_whole = status == NATS_OK && set_headers(made, message);
  if (!made_whole) return ShipError{"cannot make a message: " + nats_text(status)};
  auto* handed = owned.release();
  status = js_PublishMsgAsync(js_.get(), &handed, &options);
  owned.reset(handed);  // Not taken if it failed.
  if (status != NATS_OK) return ShipError{"cannot publish: " + nats_text(status)};
  return {};
}

/// An id that the servers have seen is acknowledged as a duplicate, also while its first message is
/// still on its way to them all, and may not arrive. What counts is that it stands in its place;
/// where that is not known, the cursor decides.
bool NatsDestination::is_in_place(Sent const& sent, jsPubAck const& ack) noexcept {
  return sent.stream_seq != 0 ? ack.Sequence == sent.stream_seq : !ack.Duplicate;
}

/// Also of messages that were given up meanwhile: one that was taken is there, and one that was
/// refused has the cursor read once more than needed.
void NatsDestination::on_ack(std::uint64_t last_seq, jsPubAck const* ack,
                             jsPubAckErr const* error) {
  std::lock_guard const lock(mutex_);
  auto const sent = std::ranges::lower_bound(sent_, last_seq, {}, &Sent::last_seq);
  if (sent == sent_.end() || sent->last_seq != last_seq) return;
  if (error != nullptr) {
    if (!failure_) {
      failure_ = error->ErrText != nullptr && *error->ErrText != '\0'
                     ? error->ErrText
                     : natsStatus_GetText(error->Err);
    }
  } else if (ack == nullptr || !is_in_place(*sent, *ack)) {
    if (!failure_) failure_ = "a message may have come before: looking at what the stream has";
  } else {
    sent->taken = true;
    if (options_.layout == Layout::batches) stream_seq_ = ack->Sequence;
    while (!failure_ && !sent_.empty() && sent_.front().taken) {
      acknowledged_seq_ = sent_.front().last_seq;
      in_flight_bytes_ -= sent_.front().bytes;
      sent_.pop_front();
    }
  }
  if (failure_ || sent_.empty() || has_plenty_of_room()) changed_.notify_all();
}

std::uint64_t NatsDestination::acknowledged_seq() const {
  std::lock_guard const lock(mutex_);
  return acknowledged_seq_;
}

Outcome<void> NatsDestination::flush() {
  std::unique_lock lock(mutex_);
  bool const done =
      changed_.wait_for(lock, flush_patience, [this] { return failure_ || sent_.empty(); });
  if (failure_) return ShipError{*failure_};
  if (!done) return ShipError{"no acknowledgement comes"};
  return {};
}

void NatsDestination::settle() {
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.MaxWait = options_.ack_timeout.count();
  // What comes later is refused by what it expects, or was taken and shows in the cursor.
  if (js_) (void)js_PublishAsyncComplete(js_.get(), &options);
  std::lock_guard const lock(mutex_);
  sent_.clear();
  in_flight_bytes_ = 0;
  failure_.reset();
}

std::size_t NatsDestination::body_bytes_max() const {
  auto const most = natsConnection_GetMaxPayload(connection_.get());
  return most <= 0 ? std::size_t{1} << 20 : static_cast<std::size_t>(most) - header_bytes_max;
}

}  // namespace

Outcome<std::unique_ptr<Destination>> connect_nats(NatsOptions options) {
  auto connection = connect_to_nats(options);
  if (!connection) return connection.error();
  auto made = std::make_unique<NatsDestination>(std::move(options), *std::move(connection));
  if (auto const opened = made->open(); !opened) return opened.error();
  return std::unique_ptr<Destination>(std::move(made));
}

}  // namespace stele::ship
