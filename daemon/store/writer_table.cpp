#include "daemon/store/writer_table.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <new>
#include <utility>

namespace stele::daemon {
namespace {

constexpr unsigned probes = 8;

/// Spreads what clients chose (the finaliser of MurmurHash3).
std::uint64_t spread(std::uint64_t value) noexcept {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdU;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53U;
  return value ^ (value >> 33);
}

/// The places of a writer, by double hashing.
class Places {
 public:
  explicit Places(protocol::WriterId const& writer) noexcept {
    std::memcpy(&place_, writer.data(), sizeof place_);
    std::memcpy(&step_, writer.data() + sizeof place_, sizeof step_);
    step_ = spread(step_ ^ spread(place_)) | 1;
    place_ = spread(place_ + step_);
  }
  std::size_t next() noexcept { return static_cast<std::size_t>((place_ += step_) >> 32) % bits; }

 private:
  static constexpr std::size_t bits = ForgottenWriters::bits;
  std::uint64_t place_ = 0;
  std::uint64_t step_ = 0;
};

/// A map's node has three pointers and a colour besides.
constexpr std::size_t node_bytes = 4 * sizeof(void*);
/// Few writers have many writes: the memory for them grows in small steps.
constexpr std::size_t kept_step = 8;

}  // namespace

void ForgottenWriters::prepare(Generation& generation) {
  if (generation.words) return;
  auto* const words = static_cast<std::uint64_t*>(std::calloc(bits / 64, sizeof(std::uint64_t)));
  if (words == nullptr) throw std::bad_alloc();
  generation.words.reset(words);
}

void ForgottenWriters::insert(protocol::WriterId const& writer) {
  if (newer_.writers == writers_max) {
    if (older_.writers > 0) is_complete_ = false;
    std::swap(newer_, older_);
    newer_ = {};
  }
  prepare(newer_);
  ++newer_.writers;
  Places places(writer);
  for (unsigned i = 0; i < probes; ++i) {
    auto const place = places.next();
    newer_.words[place / 64] |= std::uint64_t{1} << (place % 64);
  }
}

bool ForgottenWriters::contains(protocol::WriterId const& writer) const noexcept {
  return contains(newer_, writer) || contains(older_, writer);
}

bool ForgottenWriters::contains(Generation const& generation,
                                protocol::WriterId const& writer) noexcept {
  if (generation.writers == 0) return false;
  Places places(writer);
  for (unsigned i = 0; i < probes; ++i) {
    auto const place = places.next();
    if ((generation.words[place / 64] >> (place % 64) & 1) == 0) return false;
  }
  return true;
}

WriterTable::~WriterTable() {
  for (auto& [uid, user] : users_) user.writers.clear();
}

WriterTable::Attachment WriterTable::attach(WriterId const& id, std::optional<wal::Seq> since_seq) {
  bool const is_known = writers_.contains(id);
  Writer& writer = writer_of(id);
  if (!is_known) writer.floor = nothing_known;
  if (writer.floor == nothing_known) {
    bool const may_begin = !since_seq && (is_known ? writer.may_begin : !forgotten_.contains(id));
    writer.may_begin = may_begin;
    if (is_proven_new(id, since_seq)) writer.floor = 0;
  }
  ++writer.attached;
  return {this, &writer};
}

void WriterTable::detach(Writer& writer) {
  --writer.attached;
  erase_if_idle(writer);
}

/// Precondition: none of its writes is remembered.
bool WriterTable::is_proven_new(WriterId const& writer,
                                std::optional<wal::Seq> since_seq) const noexcept {
  if (since_seq && *since_seq >= forgotten_seq_) return true;
  return is_complete_ && forgotten_.is_complete() && !forgotten_.contains(writer);
}

WriterTable::Writer& WriterTable::writer_of(WriterId const& id) {
  auto const [place, made] = writers_.try_emplace(id);
  auto& writer = place->second;
  if (made) {
    writer.id = id;
    writer.trimmed_at = removals_;
  }
  return writer;
}

WriterTable::CheckedWrite WriterTable::check(Attachment const& attachment, std::uint64_t write_no) {
  Writer& writer = *attachment.writer_;
  trim(writer);
  auto const& writes = writer.writes;
  auto const found = std::ranges::lower_bound(writes, write_no, {}, &Kept::write_no);
  if (found != writes.end() && found->write_no == write_no) {
    return {Decision::repeated, false, found->write()};
  }
  if (writer.floor == nothing_known && writer.may_begin && write_no == 1) writer.floor = 0;
  if (write_no <= writer.floor) return {Decision::forgotten};
  bool const late = found != writes.end();
  if (late && writes.back().write_no - write_no >= writes_max) return {Decision::passed_by};
  if (writer.staged >= writes_max) return {Decision::crowded};
  return {Decision::is_new, late};
}

void WriterTable::stage(Attachment const& writer, NumberedWrite const& write, std::uint32_t uid,
                        bool late) {
  place(*writer.writer_, Kept(write, late), uid);
}

void WriterTable::restore(WriterId const& id, NumberedWrite const& write, std::uint32_t uid,
                          bool late) {
  bool const is_known = writers_.contains(id);
  Writer& writer = writer_of(id);
  Kept const kept(write, late);
  auto& writes = writer.writes;
  BOOST_ASSERT(writer.staged == 0);
  if (!is_known) {
    bool const may_be_forgotten = lost_at_ > 0 || forgotten_.contains(id);
    writer.floor = may_be_forgotten ? kept.highest_before() : 0;
  } else if (writes.empty() || writes.back().write_no < write.write_no) {
    writer.floor = std::min(writer.floor, kept.highest_before());
  } else if (!late) {
    // It began again, in a life that had forgotten it.
    writer.floor = std::max(writer.floor, writes.back().write_no);
    kept_bytes_ -= writes.size() * sizeof(Kept);
    writes.clear();
  }
  place(writer, kept, uid);
  is_restoring_ = true;
  publish(write.last_seq);
  is_restoring_ = false;
}

void WriterTable::place(Writer& writer, Kept const& kept, std::uint32_t uid) {
  auto& writes = writer.writes;
  if (writes.size() == writes.capacity()) writes.reserve(writes.size() + kept_step);
  writes.insert(std::ranges::upper_bound(writes, kept.write_no, {}, &Kept::write_no), kept);
  kept_bytes_ += sizeof(Kept);
  ++writer.staged;
  staged_.push_back({&writer, kept, uid});
}

void WriterTable::publish(wal::Seq seq) {
  while (!staged_.empty() && staged_.front().write.last_seq() <= seq) {
    auto const staged = staged_.front();
    staged_.pop_front();
    published_seq_ = staged.write.last_seq();
    on_disk(staged);
  }
  published_seq_ = std::max(published_seq_, seq);
}

void WriterTable::on_disk(Staged const& staged) {
  Writer& writer = *staged.writer;
  --writer.staged;
  writer.newest = staged.write;
  count_for(writer, staged.uid);
  if (staged.write.first_seq <= removed_seq_) ++removals_;
  trim(writer);
  if (writer.writes.size() - writer.staged > writes_max) drop_lowest(writer);
  if (size_ > writers_max_) forget_one(writer);
}

/// Moves the writer behind the others of this user.
void WriterTable::count_for(Writer& writer, std::uint32_t uid) {
  if (writer.user != nullptr && writer.user->uid == uid) {
    auto& writers = writer.user->writers;
    writers.splice(writers.end(), writers, writers.iterator_to(writer));
    return;
  }
  if (writer.user != nullptr) leave_user(writer);
  auto& user = users_.try_emplace(uid).first->second;
  user.uid = uid;
  user.writers.push_back(writer);
  writer.user = &user;
  change_count(user, user.count + 1);
  ++size_;
}

void WriterTable::change_count(User& user, std::size_t count) {
  auto node = by_count_.extract({user.count, user.uid});
  user.count = count;
  if (node.empty()) {
    by_count_.insert({count, user.uid});
  } else if (count > 0) {
    node.value() = {count, user.uid};
    by_count_.insert(std::move(node));
  }
}

void WriterTable::leave_user(Writer& writer) {
  User& user = *std::exchange(writer.user, nullptr);
  user.writers.erase(user.writers.iterator_to(writer));
  change_count(user, user.count - 1);
  --size_;
  if (user.count == 0) users_.erase(user.uid);
}

/// Takes out what was removed since it was asked last.
void WriterTable::trim(Writer& writer) {
  if (writer.trimmed_at == removals_) return;
  bool const is_told_of_loss = std::exchange(writer.trimmed_at, removals_) < lost_at_;
  auto const before = writer.writes.size();
  // Whatever was lost came before the writes that are left, so its numbers were below theirs.
  auto lost = nothing_known;
  for (auto const& kept : writer.writes) {
    if (kept.first_seq <= removed_seq_) {
      writer.floor = std::max(writer.floor, kept.write_no);
    } else {
      lost = std::min(lost, kept.highest_before());
    }
  }
  if (is_told_of_loss && lost != nothing_known) writer.floor = std::max(writer.floor, lost);
  std::erase_if(writer.writes, [this](Kept const& kept) { return kept.first_seq <= removed_seq_; });
  kept_bytes_ -= (before - writer.writes.size()) * sizeof(Kept);
}

/// Of its writes on disk.
void WriterTable::drop_lowest(Writer& writer) {
  auto const lowest =
      std::ranges::find_if(writer.writes, [this](Kept const& kept) { return !is_staged(kept); });
  // Of a log that is being read: the higher number that came before a late one may be lost. Else
  // all numbers above are known, and those that were never written stay new.
  auto const number = lowest->late && is_restoring_ ? lowest->highest_before() : lowest->write_no;
  writer.floor = std::max(writer.floor, number);
  writer.writes.erase(lowest);
  kept_bytes_ -= sizeof(Kept);
}

/// Of the user that has the most writers, the one that wrote longest ago.
void WriterTable::forget_one(Writer const& spared) {
  for (auto place = by_count_.rbegin(); place != by_count_.rend(); ++place) {
    auto& oldest = users_.at(place->second).writers.front();
    if (&oldest == &spared) continue;
    forget(oldest);
    return;
  }
  forget(writers_.at(spared.id));
}

void WriterTable::forget(Writer& writer) {
  auto const before = writer.writes.size();
  for (auto const& kept : writer.writes) {
    if (!is_staged(kept)) writer.floor = std::max(writer.floor, kept.write_no);
  }
  std::erase_if(writer.writes, [this](Kept const& kept) { return !is_staged(kept); });
  kept_bytes_ -= (before - writer.writes.size()) * sizeof(Kept);
  if (writer.writes.empty()) writer.writes.shrink_to_fit();
  forgotten_seq_ = std::max(forgotten_seq_, writer.newest.last_seq());
  forgotten_.insert(writer.id);
  leave_user(writer);
  erase_if_idle(writer);
}

void WriterTable::erase_if_idle(Writer& writer) {
  if (writer.attached > 0 || writer.staged > 0 || writer.user != nullptr) return;
  kept_bytes_ -= writer.writes.size() * sizeof(Kept);
  writers_.erase(writers_.find(writer.id));
}

void WriterTable::unstage_from(wal::Seq first) {
  while (!staged_.empty() && staged_.back().write.last_seq() >= first) {
    auto const [writer, write, uid] = staged_.back();
    staged_.pop_back();
    auto& writes = writer->writes;
    writes.erase(std::ranges::lower_bound(writes, write.write_no, {}, &Kept::write_no));
    kept_bytes_ -= sizeof(Kept);
    --writer->staged;
    erase_if_idle(*writer);
  }
}

void WriterTable::remove_up_to(wal::Seq seq) {
  ++removals_;
  removed_seq_ = std::max(removed_seq_, seq);
  forgotten_seq_ = std::max(forgotten_seq_, removed_seq_);
  for (auto place = users_.begin(); place != users_.end();) {
    auto& user = place->second;
    ++place;  // Its last writer takes the user with it.
    for (auto left = user.count; left > 0; --left) {
      auto& oldest = user.writers.front();
      if (oldest.newest.first_seq > removed_seq_) break;
      forget(oldest);
    }
  }
}

void WriterTable::lose_up_to(wal::Seq seq) {
  is_complete_ = false;
  remove_up_to(seq);
  lost_at_ = removals_;
}

WriterTable::Knowledge WriterTable::knowledge(Attachment const& attachment) {
  Writer& writer = *attachment.writer_;
  trim(writer);
  Knowledge knowledge;
  if (writer.floor != nothing_known) knowledge.known_above = writer.floor;
  for (auto const& kept : writer.writes) {
    (is_staged(kept) ? knowledge.under_way : knowledge.written).push_back(kept.write());
  }
  return knowledge;
}

std::optional<NumberedWrite> WriterTable::last(WriterId const& id) const {
  auto const found = writers_.find(id);
  if (found == writers_.end()) return std::nullopt;
  std::optional<NumberedWrite> last;
  for (auto const& kept : found->second.writes) {
    if (!is_staged(kept) && kept.first_seq > removed_seq_) last = kept.write();
  }
  return last;
}

std::size_t WriterTable::bytes() const noexcept {
  return writers_.size() * (sizeof(Writer) + sizeof(WriterId) + node_bytes) + kept_bytes_ +
         staged_.size() * sizeof(Staged) + forgotten_.bytes();
}

std::size_t WriterTable::bytes_max(std::size_t writers_max, std::size_t connections_max) noexcept {
  constexpr auto of_writer = sizeof(Writer) + sizeof(WriterId) + node_bytes;
  constexpr auto of_writes = writes_max * sizeof(Kept);
  return writers_max * (of_writer + of_writes) +
         connections_max * (of_writer + of_writes + writes_max * sizeof(Staged)) +
         ForgottenWriters::bytes_max;
}

}  // namespace stele::daemon
