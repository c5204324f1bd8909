#include "daemon/request/large_requests.hpp"

#include <boost/assert.hpp>
#include <utility>

namespace stele::daemon {

LargeRequests::LargeRequests(protocol::RequestLimits limits) : large_(limits), huge_(limits) {}

LargeRequests::~LargeRequests() = default;

void LargeRequests::free_unwanted() {
  for (auto* const lane : {&large_, &huge_}) {
    bool const is_wanted = std::exchange(lane->is_wanted, lane->holder != nullptr);
    if (!is_wanted && lane->holder == nullptr) lane->parser.give_back_memory();
  }
}

void LargeRequests::free_all() {
  for (auto* const lane : {&large_, &huge_}) {
    if (lane->holder == nullptr) lane->parser.give_back_memory();
  }
}

LargeRequests::Ticket::Ticket(LargeRequests& requests, std::uint32_t uid, std::string_view text,
                              ParserWaiter* waiter)
    : Member(requests.lane_of(text.size()).waiting, uid),
      lane_(requests.lane_of(text.size())),
      text_(text),
      waiter_(waiter) {
  if (lane_.holder == nullptr) {
    lane_.give_parser_to(*this);
  } else {
    lane_.waiting.push(*this);
  }
}

LargeRequests::Ticket::~Ticket() {
  if (!has_parser()) return;
  lane_.holder = nullptr;
  lane_.parser.forget();
  if (lane_.waiting.empty()) return;
  auto& next = static_cast<Ticket&>(lane_.waiting.pop());
  lane_.give_parser_to(next);
  if (next.waiter_ != nullptr) next.waiter_->on_parser();
}

bool LargeRequests::Ticket::has_parser() const noexcept { return lane_.holder == this; }

protocol::RequestParser& LargeRequests::Ticket::parser() noexcept {
  BOOST_ASSERT(has_parser());
  return lane_.parser;
}

void LargeRequests::Lane::give_parser_to(Ticket& ticket) {
  holder = &ticket;
  is_wanted = true;
  waiting.pay(ticket, ticket.bytes());
  parser.start(ticket.text_);
}

}  // namespace stele::daemon
