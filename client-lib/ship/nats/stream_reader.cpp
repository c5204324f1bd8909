#include "client-lib/ship/nats/stream_reader.hpp"

#include <algorithm>
#include <utility>

namespace stele::ship {
namespace {

/// libnats drops what is above its own limits of what waits (65536 messages, 64 MiB).
constexpr int fetch_messages_max = 1000;
constexpr std::int64_t fetch_bytes_max = std::int64_t{8} << 20;
constexpr std::int64_t ns_of_ms = 1'000'000;
constexpr std::int64_t consumer_idle_ns = 60'000 * ns_of_ms;

}  // namespace

StreamReader::StreamReader(natsConnection* connection, jsCtx* context, std::string stream)
    : connection_(connection), context_(context), stream_(std::move(stream)) {}

ShipError StreamReader::trouble(natsStatus status) const {
  bool const is_final = status == NATS_NOT_FOUND || status == NATS_NOT_PERMITTED;
  return {"stream " + stream_ + ": " + nats_text(status), is_final};
}

Outcome<StreamExtent> StreamReader::extent() {
  jsStreamInfo* looked = nullptr;
  auto const status = js_GetStreamInfo(&looked, context_, stream_.c_str(), nullptr, nullptr);
  JsStream const info(looked);
  if (status != NATS_OK) return trouble(status);
  return StreamExtent{.first_seq = info->State.FirstSeq,
                      .last_seq = info->State.LastSeq,
                      .messages = info->State.Msgs};
}

void StreamReader::seek(std::uint64_t seq) {
  subscription_.reset();
  start_us_.reset();
  next_seq_ = std::max<std::uint64_t>(seq, 1);
  at_end_ = false;
}

void StreamReader::seek_time(std::uint64_t stored_us) {
  seek(1);
  start_us_ = stored_us;
}

Outcome<void> StreamReader::subscribe() {
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream_.c_str();
  auto& consumer = options.Config;
  consumer.AckPolicy = js_AckNone;
  consumer.InactiveThreshold = consumer_idle_ns;
  consumer.MemoryStorage = true;
  if (start_us_) {
    consumer.DeliverPolicy = js_DeliverByStartTime;
    consumer.OptStartTime = static_cast<std::int64_t>(*start_us_) * 1000;
  } else {
    consumer.DeliverPolicy = js_DeliverByStartSequence;
    consumer.OptStartSeq = next_seq_;
  }
  natsSubscription* made = nullptr;
  auto const status = js_PullSubscribe(&made, context_, ">", nullptr, nullptr, &options, nullptr);
  if (status != NATS_OK) return trouble(status);
  subscription_.reset(made);
  delivered_ = 0;
  return {};
}

bool StreamReader::take(natsMsg* message, std::function<void(StreamMessage const&)> const& visit) {
  jsMsgMetaData* described = nullptr;
  if (natsMsg_GetMetaData(&described, message) != NATS_OK) return false;
  auto const facts = *described;
  jsMsgMetaData_Destroy(described);
  if (facts.Sequence.Consumer != delivered_ + 1) return false;
  ++delivered_;
  start_us_.reset();
  next_seq_ = facts.Sequence.Stream + 1;
  at_end_ = facts.NumPending == 0;
  visit({.message = message,
         .seq = facts.Sequence.Stream,
         .stored_us = static_cast<std::uint64_t>(facts.Timestamp / 1000)});
  return true;
}

// Where nothing comes: because there is nothing, or since the consumer is gone?
void StreamReader::look_for_end() {
  jsConsumerInfo* looked = nullptr;
  auto const status =
      natsSubscription_GetConsumerInfo(&looked, subscription_.get(), nullptr, nullptr);
  if (status == NATS_OK) {
    at_end_ = looked->NumPending == 0 && looked->Delivered.Consumer == delivered_;
    bool const lost = looked->Delivered.Consumer != delivered_;
    jsConsumerInfo_Destroy(looked);
    if (!lost) return;
  }
  subscription_.reset();
}

Outcome<std::size_t> StreamReader::fetch(std::chrono::milliseconds wait,
                                         std::function<void(StreamMessage const&)> const& visit) {
  if (!subscription_) {
    if (auto const subscribed = subscribe(); !subscribed) return subscribed.error();
  }
  jsFetchRequest request;
  jsFetchRequest_Init(&request);
  request.Batch = fetch_messages_max;
  // A message that is larger than what is asked for would never come.
  request.MaxBytes = std::max(fetch_bytes_max, 2 * natsConnection_GetMaxPayload(connection_));
  request.Expires = std::max<std::int64_t>(wait.count(), 1) * ns_of_ms;
  natsMsgList list{};
  auto const status = natsSubscription_FetchRequest(&list, subscription_.get(), &request);
  std::size_t taken = 0;
  bool complete = true;
  for (int i = 0; complete && i < list.Count; ++i) {
    complete = take(list.Msgs[i], visit);
    taken += complete ? 1 : 0;
  }
  natsMsgList_Destroy(&list);
  if (!complete) {
    subscription_.reset();
  } else if (status != NATS_OK && taken == 0) {
    look_for_end();
    if (status != NATS_TIMEOUT && !at_end_) {
      subscription_.reset();
      return trouble(status);
    }
  }
  return taken;
}

}  // namespace stele::ship
