#include "daemon/store/store.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <utility>

namespace stele::daemon {
namespace {

/// Memory of smaller chunks is not kept.
constexpr std::size_t spare_bytes_min = chunk_bytes - chunk_bytes / 4;

}  // namespace

Chunk& Store::chunk_for(Seq seq, std::size_t bytes, AllocationPriority priority) {
  std::size_t const needed = bytes + 1;  // The comma.
  bool const is_given = next_memory_ != nullptr;
  if (!chunks_.empty()) {
    Chunk& last = *chunks_.back();
    if (last.free_bytes() >= needed && !is_given) {
      if (last.next_seq() == seq) return last;
      chunks_.push_back(std::make_shared<Chunk>(seq, last));
      return *chunks_.back();
    }
    last.shrink_to_fit();
  }
  auto memory = is_given ? std::move(next_memory_) : chunk_memory(needed, priority);
  chunks_.push_back(std::make_shared<Chunk>(seq, std::move(memory)));
  return *chunks_.back();
}

ChunkMemory Store::chunk_memory(std::size_t bytes_min, AllocationPriority priority) {
  if (auto spare = take_spare(bytes_min)) return spare;
  if (bytes_min > chunk_bytes) return map_chunk_memory(bytes_min);
  if (reserve_ == nullptr) return map_chunk_memory(chunk_bytes);
  return priority == AllocationPriority::writers_wait ? reserve_->take() : reserve_->take_large();
}

/// Null: there is none.
ChunkMemory Store::take_spare(std::size_t bytes_min) noexcept {
  auto const wanted = std::max(bytes_min, spare_bytes_min);
  auto spare = spare_memory_.take(wanted, std::max(chunk_bytes, wanted + wanted / 8));
  return std::move(spare.memory);
}

PreparedMemory Store::prepare_memory(std::size_t bytes) {
  auto spare = take_spare(bytes);
  if (!spare && bytes <= chunk_bytes && reserve_ != nullptr) spare = reserve_->take_ready();
  return spare ? PreparedMemory(std::move(spare)) : PreparedMemory(std::max(bytes, chunk_bytes));
}

Chunk const& Store::stage(std::span<protocol::EntryDraft const> drafts,
                          protocol::EntryStamp const& first, ChunkMemory memory,
                          std::vector<std::uint32_t> ends) {
  BOOST_ASSERT(first.seq > (staged_.empty() ? visible_seq_ : staged_.back().seq));
  BOOST_ASSERT(ends.size() == drafts.size());
  if (!chunks_.empty()) chunks_.back()->shrink_to_fit();
  chunks_.push_back(std::make_shared<Chunk>(first.seq, std::move(memory), std::move(ends)));
  auto const& chunk = *chunks_.back();
  text_bytes_ += chunk.used_bytes();
  auto seq = first.seq;
  for (auto const& draft : drafts) {
    staged_.push_back({draft.timestamp.value_or(first.timestamp), seq++});
  }
  return chunk;
}

std::string_view Store::stage(protocol::EntryDraft const& draft,
                              protocol::EntryStamp const& stamp) {
  BOOST_ASSERT(stamp.seq > (staged_.empty() ? visible_seq_ : staged_.back().seq));
  Chunk& chunk =
      chunk_for(stamp.seq, protocol::canonical_bytes_max(draft), AllocationPriority::writers_wait);
  char* const begin = chunk.free_begin();
  char* const end = protocol::write_canonical_entry(begin, draft, stamp);
  auto const text = chunk.append(static_cast<std::size_t>(end - begin));
  text_bytes_ += text.size() + 1;
  staged_.push_back({stamp.timestamp, stamp.seq});
  return text;
}

void Store::publish(Seq seq) {
  while (!staged_.empty() && staged_.front().seq <= seq) {
    index_.insert(staged_.front());
    staged_.pop_front();
  }
  visible_seq_ = std::max(visible_seq_, seq);
  writers_.publish(seq);
}

void Store::unstage_from(Seq seq) {
  writers_.unstage_from(seq);
  history_.unstage_from(seq);
  while (!staged_.empty() && staged_.back().seq >= seq) {
    Chunk& last = *chunks_.back();
    text_bytes_ -= last.entry(staged_.back().seq).size() + 1;
    last.pop_back();
    staged_.pop_back();
    if (last.empty()) chunks_.pop_back();
  }
}

bool Store::insert(Seq seq, std::string_view text) {
  auto const key = protocol::read_entry_key(text);
  if (!key || key->seq != seq || seq <= visible_seq_) return false;
  Chunk& chunk = chunk_for(seq, text.size(), AllocationPriority::none);
  std::memcpy(chunk.free_begin(), text.data(), text.size());
  chunk.append(text.size());
  text_bytes_ += text.size() + 1;
  index_.insert({key->timestamp, seq});
  visible_seq_ = seq;
  return true;
}

void Store::pass_up_to(Seq seq) noexcept {
  BOOST_ASSERT(staged_.empty() || seq < staged_.front().seq);
  visible_seq_ = std::max(visible_seq_, seq);
}

void Store::remove_up_to(Seq seq) {
  pass_up_to(seq);
  if (seq <= removed_seq_) return;
  consumers_.remove(removed_seq_, seq);
  removed_seq_ = seq;
  writers_.remove_up_to(seq);
  history_.remove_up_to(seq);
  index_.remove_up_to(seq);
  while (!chunks_.empty() && chunks_.front()->next_seq() <= seq + 1) {
    text_bytes_ -= chunks_.front()->used_bytes();
    if (chunks_.front().use_count() > 1) {
      chunks_.front()->retire(pinned_bytes_);
    } else {
      keep_memory(chunks_.front()->take_memory());
    }
    chunks_.pop_front();
  }
}

void Store::use_next(ChunkMemory memory) noexcept {
  keep_memory(std::exchange(next_memory_, std::move(memory)));
}

void Store::keep_memory(ChunkMemory memory) noexcept {
  auto const bytes = memory ? memory.get_deleter().bytes : 0;
  if (bytes >= spare_bytes_min) spare_memory_.put({std::move(memory), bytes});
}

std::uint64_t Store::count_between(Seq first, Seq last) const noexcept {
  first = std::max(first, removed_seq_ + 1);
  std::uint64_t count = 0;
  for (auto const& chunk : chunks_) {
    auto const begin = std::max(first, chunk->first_seq());
    auto const end = std::min(last + 1, chunk->next_seq());
    if (begin < end) count += end - begin;
  }
  return count;
}

std::size_t Store::index_bytes() const noexcept {
  std::size_t const entries = index_.size() + staged_.size();
  return index_.bytes() + entries * sizeof(std::uint32_t) + chunks_.size() * sizeof(Chunk) +
         history_.memory_bytes();
}

EntryRun Store::Finder::find_run(Seq first, std::size_t count, std::size_t bytes_max) noexcept {
  if (last_ == nullptr || first < (*last_)->first_seq() || first >= (*last_)->next_seq()) {
    auto const after =
        std::upper_bound(store_.chunks_.begin(), store_.chunks_.end(), first,
                         [](Seq seq, auto const& chunk) { return seq < chunk->first_seq(); });
    BOOST_ASSERT(after != store_.chunks_.begin());
    last_ = &*std::prev(after);
    BOOST_ASSERT(first < (*last_)->next_seq());
  }
  Chunk const& chunk = **last_;
  Seq const end = chunk.run_end(first, std::min(first + count, chunk.next_seq()), bytes_max);
  return {last_, chunk.entries(first, end), static_cast<std::size_t>(end - first)};
}

Store::Finder::Found Store::Finder::find_from(Seq first, Seq last, std::size_t bytes_max) noexcept {
  auto const chunk = std::lower_bound(store_.chunks_.begin(), store_.chunks_.end(), first,
                                      [](auto const& c, Seq seq) { return c->next_seq() <= seq; });
  if (chunk == store_.chunks_.end()) return {};
  Seq const found = std::max(first, (*chunk)->first_seq());
  if (found > last) return {};
  return {found, find_run(found, last - found + 1, bytes_max)};
}

Seq Store::Finder::last_up_to(Seq seq) const noexcept {
  auto const after =
      std::upper_bound(store_.chunks_.begin(), store_.chunks_.end(), seq,
                       [](Seq s, auto const& chunk) { return s < chunk->first_seq(); });
  if (after == store_.chunks_.begin()) return 0;
  return std::min(seq, (*std::prev(after))->next_seq() - 1);
}

void append_run(std::vector<EntryRun>& runs, EntryRun const& run) {
  auto* const last = runs.empty() ? nullptr : &runs.back();
  if (last != nullptr && last->chunk == run.chunk &&
      last->text.data() + last->text.size() + 1 == run.text.data()) {
    last->text = {last->text.data(), last->text.size() + 1 + run.text.size()};
    last->entries += run.entries;
  } else {
    runs.push_back(run);
  }
}

}  // namespace stele::daemon
