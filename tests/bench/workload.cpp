#include "bench/workload.hpp"

#include <charconv>
#include <chrono>
#include <stdexcept>

#include "protocol/request/request.hpp"

namespace stele::bench {
namespace {

std::string entry_text(LogEntry const& entry) {
  std::string text;
  protocol::append_entry(text, entry);
  return text;
}

/// Lengthens a message, and so a text that holds it, to the size that the text is to have.
void fill(std::string& message, std::size_t text_bytes, std::size_t wanted_bytes) {
  if (text_bytes > wanted_bytes) {
    throw std::invalid_argument("such an entry has at least " + std::to_string(text_bytes) +
                                " bytes");
  }
  static constexpr std::string_view filler = " the quick brown fox jumps over the lazy dog,";
  for (auto i = text_bytes; i < wanted_bytes; ++i) message += filler[i % filler.size()];
}

std::uint64_t now_us() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

std::uint64_t Random::next() noexcept {
  auto value = state_ += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

Timeline::Timeline(double out_of_order_share, std::uint64_t seed)
    : first_(now_us()), latest_(first_), out_of_order_share_(out_of_order_share), random_(seed) {}

std::uint64_t Timeline::next() noexcept {
  ++latest_;
  if (out_of_order_share_ > 0) {
    auto const drawn = static_cast<double>(random_.below(1'000'000)) / 1e6;
    if (drawn < out_of_order_share_) return first_ + random_.below(latest_ - first_);
  }
  return latest_;
}

LogEntry make_entry(std::size_t text_bytes, std::size_t number) {
  LogEntry entry;
  entry.timestamp = timestamp_mark;
  entry.message = "request " + std::to_string(100'000 + number) + " served in 1234 us, 200 OK";
  entry.metadata = R"({"unit":"web","path":"/index.html","peer":"10.0.0.1","bytes":5120})";
  if (entry_text(entry).size() > text_bytes) entry.metadata = "{}";
  if (entry_text(entry).size() > text_bytes) entry.message = "x";
  fill(entry.message, entry_text(entry).size(), text_bytes);
  return entry;
}

std::string make_entry_text(std::size_t text_bytes, std::size_t number) {
  static constexpr std::string_view level = R"("level":"info",)";
  LogEntry least;
  least.timestamp = timestamp_mark;
  least.message = "x";
  if (text_bytes >= entry_text(least).size()) return entry_text(make_entry(text_bytes, number));
  fill(least.message, entry_text(least).size() - level.size(), text_bytes);
  auto text = entry_text(least);
  return text.erase(text.find(level), level.size());
}

void RequestTemplates::add(std::string request) {
  auto const mark = std::to_string(timestamp_mark);
  Template added{std::move(request), {}};
  for (auto at = added.text.find(mark); at != std::string::npos;
       at = added.text.find(mark, at + mark.size())) {
    added.timestamp_offsets.push_back(at);
  }
  templates_.push_back(std::move(added));
}

void RequestTemplates::append_next(std::string& out, Timeline& timeline) {
  auto const& used = templates_[next_++ % templates_.size()];
  auto const start = out.size();
  out += used.text;
  for (auto const offset : used.timestamp_offsets) {
    auto* const digits = out.data() + start + offset;
    std::to_chars(digits, digits + 16, timeline.next());
  }
}

}  // namespace stele::bench
