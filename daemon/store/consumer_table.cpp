#include "daemon/store/consumer_table.hpp"

#include <algorithm>

namespace stele::daemon {

ConsumerTable::ConsumerTable(std::span<std::string const> names) {
  for (auto const& name : names) consumers_.push_back({.name = name});
}

bool ConsumerTable::confirm(std::string_view name, wal::Seq seq) noexcept {
  auto const found = std::ranges::find(consumers_, name, &Consumer::name);
  if (found == consumers_.end()) return false;
  found->confirmed_seq = seq;
  return true;
}

void ConsumerTable::remove(wal::Seq before, wal::Seq seq) noexcept {
  for (auto& consumer : consumers_) {
    if (!consumer.confirmed_seq || *consumer.confirmed_seq >= seq) continue;
    consumer.lost += seq - std::max(before, *consumer.confirmed_seq);
  }
}

wal::Seq ConsumerTable::held_from() const noexcept {
  wal::Seq first = UINT64_MAX;
  for (auto const& consumer : consumers_) {
    first = std::min(first, consumer.confirmed_seq ? *consumer.confirmed_seq + 1 : 0);
  }
  return first;
}

}  // namespace stele::daemon
