#include "daemon/store/store.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <limits>
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

void Store::insert(std::vector<wal::PackedBlock> const& blocks,
                   std::span<std::uint64_t const> timestamps) {
  auto seq = blocks.front().header.first_seq;
  BOOST_ASSERT(seq > visible_seq_);
  std::vector<TimeKey> keys;
  keys.reserve(timestamps.size());
  for (auto const timestamp : timestamps) keys.push_back({timestamp, seq++});
  BOOST_ASSERT(seq == blocks.back().header.next_seq());
  if (!std::ranges::is_sorted(keys)) std::ranges::sort(keys);
  index_.insert(keys);
  visible_seq_ = seq - 1;
  for (auto& packed : PackedChunk::make(blocks)) {
    count_packed(packed);
    packed_.push_back(std::move(packed));
  }
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
  while (!chunks_.empty() && chunks_.front()->next_seq() <= seq + 1) release(chunks_.begin());
  while (!packed_.empty() && packed_.front().next_seq() <= seq + 1) {
    packed_sums_.bytes -= packed_.front().held_bytes();
    packed_sums_.entries -= packed_.front().entries();
    packed_sums_.text_bytes -= packed_.front().text_bytes();
    packed_.pop_front();
  }
  unpacked_.remove_up_to(seq);
}

Store::Chunks::iterator Store::release(Chunks::iterator chunk) {
  text_bytes_ -= (*chunk)->used_bytes();
  if (chunk->use_count() > 1) {
    (*chunk)->retire(pinned_bytes_);
  } else {
    keep_memory((*chunk)->take_memory());
  }
  return chunks_.erase(chunk);
}

void Store::adopt(std::vector<wal::PackedBlock> blocks) {
  begin_to_adopt(std::move(blocks));
  TurnBudget budget(std::numeric_limits<std::size_t>::max());
  while (adopt_more(budget)) continue;
}

void Store::begin_to_adopt(std::vector<wal::PackedBlock> blocks) {
  std::erase_if(blocks, [this](wal::PackedBlock const& block) {
    return !may_be_adopted(block.header.first_seq, block.header.next_seq());
  });
  if (!blocks.empty()) adoptions_.emplace_back(std::move(blocks));
}

bool Store::may_be_adopted(Seq first, Seq end) const noexcept {
  return end > removed_seq_ + 1 && end <= visible_seq_ + 1 && count_packed(first, end) == 0;
}

bool Store::adopt_more(TurnBudget& budget) {
  do {
    if (!kept_packed_.empty()) {
      release_packed(budget);
    } else if (!adoptions_.empty()) {
      auto& [blocks, maker] = adoptions_.front();
      auto& block = blocks[maker.count()];
      maker.add(block);
      budget.pay_for_copy(block.bytes.size());
      block.bytes = {};
      if (maker.count() == blocks.size()) {
        keep_packed(maker.take());
        adoptions_.pop_front();
      }
    }
  } while (!budget.is_spent() && !(adoptions_.empty() && kept_packed_.empty()));
  return !(adoptions_.empty() && kept_packed_.empty());
}

/// Some may have been removed meanwhile.
void Store::keep_packed(std::vector<PackedChunk> chunks) {
  std::erase_if(chunks, [this](PackedChunk const& chunk) {
    return !may_be_adopted(chunk.first_seq(), chunk.next_seq());
  });
  if (chunks.empty()) return;
  auto const first = chunks.front().first_seq();
  auto const end = chunks.back().next_seq();
  auto const before =
      std::lower_bound(packed_.begin(), packed_.end(), end,
                       [](PackedChunk const& packed, Seq seq) { return packed.first_seq() < seq; });
  BOOST_ASSERT(before == packed_.begin() || std::prev(before)->next_seq() <= first);
  for (auto const& packed : chunks) count_packed(packed);
  packed_.insert(before, std::make_move_iterator(chunks.begin()),
                 std::make_move_iterator(chunks.end()));
  kept_packed_.push_back({first, end});
}

/// Looks at the next chunk of the first range.
void Store::release_packed(TurnBudget& budget) {
  auto& [first, end] = kept_packed_.front();
  auto const chunk = std::lower_bound(chunks_.begin(), chunks_.end(), first,
                                      [](auto const& c, Seq seq) { return c->next_seq() <= seq; });
  // The last one grows.
  bool const is_in_range =
      chunk != chunks_.end() && std::next(chunk) != chunks_.end() && (*chunk)->first_seq() < end;
  if (!is_in_range) return kept_packed_.pop_front();
  first = (*chunk)->next_seq();
  if (!is_packed(**chunk)) return budget.pay(1);
  budget.pay_for_unmapping((*chunk)->used_bytes());
  release(chunk);
}

void Store::count_packed(PackedChunk const& packed) noexcept {
  packed_sums_.bytes += packed.held_bytes();
  packed_sums_.entries += packed.entries();
  packed_sums_.text_bytes += packed.text_bytes();
}

bool Store::is_packed(Chunk const& chunk) const noexcept {
  auto const first = std::max(chunk.first_seq(), removed_seq_ + 1);
  return count_packed(first, chunk.next_seq()) >= chunk.next_seq() - first;
}

/// Of the seqs from `first` to below `end`.
std::uint64_t Store::count_packed(Seq first, Seq end) const noexcept {
  std::uint64_t count = 0;
  if (first >= end) return count;
  auto packed = std::lower_bound(packed_.begin(), packed_.end(), first,
                                 [](auto const& p, Seq seq) { return p.next_seq() <= seq; });
  for (; packed != packed_.end() && packed->first_seq() < end; ++packed) {
    count += std::min(end, packed->next_seq()) - std::max(first, packed->first_seq());
  }
  return count;
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
  std::uint64_t count = count_packed(first, last + 1);
  for (auto const& chunk : chunks_) {
    auto const begin = std::max(first, chunk->first_seq());
    auto const end = std::min(last + 1, chunk->next_seq());
    if (begin < end) count += end - begin - count_packed(begin, end);
  }
  return count;
}

std::size_t Store::index_bytes() const noexcept {
  std::size_t const packed_entries = std::min(index_.size(), packed_sums_.entries);
  std::size_t const entries = index_.size() - packed_entries + staged_.size();
  return index_.bytes() + entries * sizeof(std::uint32_t) + chunks_.size() * sizeof(Chunk) +
         history_.memory_bytes();
}

/// Null: it is kept packed.
std::shared_ptr<Chunk> const* Store::Finder::raw_chunk_of(Seq seq) const noexcept {
  auto const after =
      std::upper_bound(store_.chunks_.begin(), store_.chunks_.end(), seq,
                       [](Seq s, auto const& chunk) { return s < chunk->first_seq(); });
  bool const is_raw = after != store_.chunks_.begin() && seq < (*std::prev(after))->next_seq();
  return is_raw ? &*std::prev(after) : nullptr;
}

PackedChunk const& Store::Finder::packed_chunk_of(Seq seq) const noexcept {
  auto const packed = std::lower_bound(store_.packed_.begin(), store_.packed_.end(), seq,
                                       [](auto const& p, Seq s) { return p.next_seq() <= s; });
  BOOST_ASSERT(packed != store_.packed_.end() && packed->first_seq() <= seq);
  return *packed;
}

std::shared_ptr<Chunk> const& Store::Finder::chunk_of(Seq seq) {
  if (auto const* const raw = raw_chunk_of(seq)) return *raw;
  if (auto const* const unpacked = store_.unpacked_.find(seq)) return *unpacked;
  auto const& packed = packed_chunk_of(seq);
  if (budget_ != nullptr) budget_->pay_for_unpacking(packed.text_bytes());
  ++store_.blocks_unpacked_;
  return *store_.unpacked_.add(packed);
}

Store::Finder::Block Store::Finder::block_of(Seq seq) const noexcept {
  if (auto const* const raw = raw_chunk_of(seq)) {
    return {(*raw)->first_seq(), (*raw)->next_seq(), nullptr};
  }
  auto const& packed = packed_chunk_of(seq);
  auto const& summary = packed.summary();
  return {packed.first_seq(), packed.next_seq(), summary ? &*summary : nullptr};
}

EntryRun Store::Finder::find_run(Seq first, std::size_t count, std::size_t bytes_max) {
  if (last_ == nullptr || first < (*last_)->first_seq() || first >= (*last_)->next_seq()) {
    last_ = &chunk_of(first);
  }
  Chunk const& chunk = **last_;
  Seq const end = chunk.run_end(first, std::min(first + count, chunk.next_seq()), bytes_max);
  return {last_, chunk.entries(first, end), static_cast<std::size_t>(end - first)};
}

Store::Finder::Found Store::Finder::find_from(Seq first, Seq last, std::size_t bytes_max) {
  auto const ends_before = [](auto const& chunk, Seq seq) { return chunk.next_seq() <= seq; };
  auto const chunk = std::lower_bound(store_.chunks_.begin(), store_.chunks_.end(), first,
                                      [&](auto const& c, Seq seq) { return ends_before(*c, seq); });
  auto const packed =
      std::lower_bound(store_.packed_.begin(), store_.packed_.end(), first, ends_before);
  Seq found = last + 1;
  if (chunk != store_.chunks_.end())
    found = std::min(found, std::max(first, (*chunk)->first_seq()));
  if (packed != store_.packed_.end()) {
    found = std::min(found, std::max({first, packed->first_seq(), store_.removed_seq_ + 1}));
  }
  if (found > last) return {};
  return {found, find_run(found, last - found + 1, bytes_max)};
}

Seq Store::Finder::last_up_to(Seq seq) const noexcept {
  auto const after =
      std::upper_bound(store_.chunks_.begin(), store_.chunks_.end(), seq,
                       [](Seq s, auto const& chunk) { return s < chunk->first_seq(); });
  auto const behind =
      std::upper_bound(store_.packed_.begin(), store_.packed_.end(), seq,
                       [](Seq s, auto const& packed) { return s < packed.first_seq(); });
  Seq last = 0;
  if (after != store_.chunks_.begin()) last = std::min(seq, (*std::prev(after))->next_seq() - 1);
  if (behind != store_.packed_.begin()) {
    last = std::max(last, std::min(seq, std::prev(behind)->next_seq() - 1));
  }
  return last;
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
