// Judges canonical entries by the filter of a read, on their bytes: no JSON is parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/log_entry.hpp"

namespace stele::protocol {

/// All of them must hold. As they stand here, every entry does.
struct EntryFilter {
  std::optional<std::uint64_t> after_seq{};  ///< Only entries with a greater seq.
  Level min_level = Level::trace;
  std::string_view contains{};  ///< UTF-8 that the message holds somewhere, byte for byte.
  std::string_view where{};     ///< The text of a JSON object: members that the metadata has, too.
  std::optional<std::int32_t> pid{};
  std::optional<std::uint32_t> uid{};
};

/// Owns its filter, all but after_seq, which is for those who know the seqs.
class EntryMatcher {
 public:
  /// None if every entry matches. `filter.where` is canonical or empty.
  static std::shared_ptr<EntryMatcher const> make(EntryFilter const& filter);
  explicit EntryMatcher(EntryFilter const& filter);

  /// `entry` is one canonical entry. False for a text that is none.
  bool matches(std::string_view entry) const;
  Level min_level() const noexcept { return min_level_; }
  /// Whether only the level of an entry matters.
  bool is_by_level() const noexcept { return !pid_ && !uid_ && trace().empty(); }
  /// A text that stands in each entry that matches; empty if none is known.
  std::string_view trace() const noexcept;

 private:
  /// A member of `where`, as texts that stand in an entry.
  struct Wanted {
    std::string name{};
    std::string value{};
    /// What an entry must hold somewhere, so that most entries are refused by one search: the name
    /// and the colon, and the value unless it can be spelled in several ways.
    std::string trace{};
  };

  bool takes_all() const noexcept;
  bool message_matches(std::string_view entry, std::string_view message) const;
  bool metadata_matches(std::string_view metadata) const;

  Level min_level_ = Level::trace;
  std::optional<std::int32_t> pid_{};
  std::optional<std::uint32_t> uid_{};
  std::string contains_{};  ///< As UTF-8, and as it stands in a canonical message.
  std::string contains_escaped_{};
  std::vector<Wanted> where_{};
};

}  // namespace stele::protocol
