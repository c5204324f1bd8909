// What `stele ship` sends: entries as messages of a stream. No network here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stele/client.hpp"
#include "stele/log_entry.hpp"

namespace stele::ship {

enum class Layout : std::uint8_t {
  entries,  ///< A message for each entry, for a stream that belongs to one store.
  batches,  ///< A message for a run of entries, one line each, for a stream that stores share.
};

/// A subject with `{host}`, `{store}` and, in the layout `entries`, `{level}` to be filled in.
class SubjectPattern {
 public:
  /// Nothing if it has another name in braces, a wildcard, a space, or an empty token.
  static std::optional<SubjectPattern> parse(std::string_view text, Layout layout);

  /// What is filled in is made one token: dots, spaces and wildcards become `_`.
  std::string subject(std::string_view host, std::string_view store, std::string_view level) const;
  /// All subjects that it can give: `*` for what is filled in.
  std::string wildcard() const;

 private:
  explicit SubjectPattern(std::string_view text) : text_(text) {}

  std::string text_;
};

struct Message {
  std::string subject{};
  std::string body{};
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  bool is_gap = false;
};

/// `<store id>:<seq>`: the same for the same entry however often it is sent.
std::string message_id(std::string_view store, std::uint64_t last_seq);
/// The store and the seq of such an id.
struct MessageId {
  std::string store{};
  std::uint64_t seq = 0;
};
std::optional<MessageId> parse_message_id(std::string_view id);

/// Seqs that are named as missing.
struct MissingEntries {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string_view reason{};
};

/// How entries stand in a body.
class BodyFormat {
 public:
  BodyFormat() = default;
  BodyFormat(BodyFormat const&) = delete;
  BodyFormat& operator=(BodyFormat const&) = delete;
  virtual ~BodyFormat() = default;

  virtual void append_entry(std::string& out, StoredEntry const& entry) const = 0;
  virtual void append_gap(std::string& out, MissingEntries const& missing) const = 0;
};

/// A line of JSON for each, as `stele read -o json` prints it, with `host` behind; and for seqs
/// that are missing `{"gap":{"first_seq":17,"last_seq":20,"reason":"expired"},"host":"web1"}`. In
/// the layout `entries` there is one, without its line end.
class JsonFormat final : public BodyFormat {
 public:
  JsonFormat(Layout layout, std::string_view host);

  void append_entry(std::string& out, StoredEntry const& entry) const override;
  void append_gap(std::string& out, MissingEntries const& missing) const override;

 private:
  std::string end_;
};

struct MessageOptions {
  Layout layout = Layout::entries;
  std::shared_ptr<BodyFormat const> format{};
  SubjectPattern pattern;
  std::string host{};
  std::string store{};
  std::size_t body_bytes_max = 0;     ///< What the destination takes.
  std::size_t batch_bytes = 400'000;  ///< A batch is whole when it has this many.
};

/// Valid during the call. False: no more is wanted.
using MessageTaker = std::function<bool(Message const& message)>;

/// Makes messages of what a follow hands over. Seqs that were not handed over become a message of
/// their own that says so, and why, as does an entry above body_bytes_max.
///
/// Reasons: `expired`, by retention before it could be sent; `too_large`; `missing`, in the log
/// itself (`stele audit` says why).
class MessageMaker {
 public:
  /// `last_seq`: what the destination has.
  MessageMaker(MessageOptions options, std::uint64_t last_seq);

  /// Each is handed over as soon as it is whole, so that it travels while the next one is made.
  /// False if the taker wanted no more; the maker is of no use then.
  bool make(FollowPart const& part, MessageTaker const& take);
  std::uint64_t last_seq() const noexcept { return last_seq_; }

 private:
  bool name_gap(std::uint64_t up_to, std::string_view reason, MessageTaker const& take);
  bool add_entry(StoredEntry const& entry, MessageTaker const& take);
  bool hand_over(MessageTaker const& take);

  MessageOptions options_;
  std::array<std::string, 6> subjects_{};  ///< By level.
  Message message_{};                      ///< What is being made; without a body: nothing.
  std::uint64_t last_seq_;
};

}  // namespace stele::ship
