#include "daemon/recovery/entry_notes.hpp"

#include <limits>

#include "protocol/entry/canonical_entry.hpp"
#include "wal/varint.hpp"

namespace stele::daemon {
namespace {

constexpr std::byte pack_note_version{1};
constexpr std::size_t users_max = std::numeric_limits<std::size_t>::max();

/// How many pairs follow; nothing: fewer do.
std::optional<std::uint64_t> take_count(std::span<std::byte const>& note) {
  auto const count = wal::take_varint(note);
  // Each takes two bytes at least: a forged count costs no more memory than the note has bytes.
  return count && *count <= note.size() / 2 ? count : std::nullopt;
}

struct Pair {
  std::uint32_t uid = 0;
  std::uint64_t number = 0;
};
std::optional<Pair> take_pair(std::span<std::byte const>& note) {
  auto const uid = wal::take_varint(note);
  auto const number = wal::take_varint(note);
  if (!uid || !number || *uid > UINT32_MAX) return std::nullopt;
  return Pair{static_cast<std::uint32_t>(*uid), *number};
}

}  // namespace

std::vector<std::byte> encode_pack_note(PackNote const& note) {
  std::vector<std::byte> bytes{pack_note_version};
  wal::append_varint(bytes, note.groups.size());
  for (auto const& [uid, groups] : note.groups) {
    wal::append_varint(bytes, uid);
    wal::append_varint(bytes, groups);
  }
  wal::append_varint(bytes, note.users.size());
  for (auto const& [uid, of_user] : note.users) {
    wal::append_varint(bytes, uid);
    wal::append_varint(bytes, of_user);
  }
  return bytes;
}

std::optional<PackNote> decode_pack_note(std::span<std::byte const> bytes) {
  if (bytes.empty() || bytes.front() != pack_note_version) return std::nullopt;
  bytes = bytes.subspan(1);
  PackNote note;
  auto const stretches = take_count(bytes);
  for (auto left = stretches.value_or(0); left > 0; --left) {
    auto const pair = take_pair(bytes);
    if (!pair) return std::nullopt;
    note.groups.push_back({pair->uid, pair->number});
  }
  auto const users = stretches ? take_count(bytes) : std::nullopt;
  for (auto left = users.value_or(0); left > 0; --left) {
    auto const pair = take_pair(bytes);
    if (!pair) return std::nullopt;
    note.users.push_back({pair->uid, pair->number});
  }
  return users && bytes.empty() ? std::optional(std::move(note)) : std::nullopt;
}

void EntryNotes::begin_pack() {
  all_are_entries_ = true;
  block_.clear();
  pack_ = {};
  account_ = {};
  last_seq_ = group_first_ = group_last_ = 0;
}

void EntryNotes::on_group(wal::WriterMark const& /*writer*/, wal::Seq first, wal::Seq last) {
  group_first_ = first;
  group_last_ = last;
  group_bytes_ = 0;
}

void EntryNotes::on_payload(wal::Seq seq, std::string_view payload) {
  auto const key = protocol::read_entry_key(payload);
  all_are_entries_ = all_are_entries_ && key && key->seq == seq;
  if (!all_are_entries_) return;
  block_.add(key->timestamp, key->level);
  group_bytes_ += payload.size();
  last_seq_ = seq;
  if (seq != group_last_) return;
  auto const uid = protocol::read_entry_origin(payload).value_or(Origin{}).uid;
  auto& groups = pack_.groups;
  if (groups.empty() || groups.back().uid != uid) groups.push_back({uid, 0});
  ++groups.back().groups;
  account_.stage(seq, uid, wal::admitted_bytes(group_last_ - group_first_ + 1, group_bytes_));
}

void EntryNotes::on_commit(std::uint64_t disk_bytes) { account_.commit(last_seq_, disk_bytes); }

std::vector<std::byte> EntryNotes::take_block_note() {
  if (!all_are_entries_ || block_.empty()) {
    block_.clear();
    return {};
  }
  return block_.take();
}

std::vector<std::byte> EntryNotes::take_pack_note() {
  if (!all_are_entries_) return {};
  pack_.users = account_.largest(users_max);
  return encode_pack_note(pack_);
}

}  // namespace stele::daemon
