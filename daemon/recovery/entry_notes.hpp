// What the daemon notes of its entries when the log packs them, so that a start can take them as
// they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/store/block_note.hpp"
#include "daemon/store/history_account.hpp"
#include "wal/log.hpp"
#include "wal/pack_notes.hpp"

namespace stele::daemon {

/// Of a pack as a whole: who wrote its groups, and how much of the log each user has in it.
///
///   u8 version, 1
///   number of stretches; of each the user and how many groups, one behind the other, are theirs
///   number of users; of each the user and the bytes
///
/// All but the version are varints.
struct PackNote {
  struct Stretch {
    std::uint32_t uid = 0;
    std::uint64_t groups = 0;
  };
  std::vector<Stretch> groups{};
  std::vector<HistoryAccount::User> users{};
};
std::vector<std::byte> encode_pack_note(PackNote const& note);
/// Nothing: it is none, or of another version.
std::optional<PackNote> decode_pack_note(std::span<std::byte const> bytes);

/// Makes both. A pack with a payload that is no entry gets none. For one pack after the other; used
/// by the thread that packs.
class EntryNotes final : public wal::PackNotes {
 public:
  void begin_pack() override;
  void on_payload(wal::Seq seq, std::string_view payload) override;
  void on_group(wal::WriterMark const& writer, wal::Seq first, wal::Seq last) override;
  void on_commit(std::uint64_t disk_bytes) override;
  std::vector<std::byte> take_block_note() override;
  std::vector<std::byte> take_pack_note() override;

 private:
  bool all_are_entries_ = true;
  BlockNoteWriter block_{};
  PackNote pack_{};
  HistoryAccount account_{};
  wal::Seq last_seq_ = 0;
  // The group whose payloads come.
  wal::Seq group_first_ = 0;
  wal::Seq group_last_ = 0;
  std::uint64_t group_bytes_ = 0;
};

}  // namespace stele::daemon
