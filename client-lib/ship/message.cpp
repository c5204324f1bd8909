#include "client-lib/ship/message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "client-lib/cli/output/entry_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::ship {
namespace {

constexpr std::array<std::string_view, 3> names{"{host}", "{store}", "{level}"};
/// In the place of a level.
constexpr std::string_view gap_level = "gap";

bool is_token_byte(char byte) noexcept {
  return static_cast<unsigned char>(byte) > ' ' && byte != '*' && byte != '>' && byte != '.' &&
         byte != 0x7f;
}

std::string token_of(std::string_view text) {
  std::string token(text);
  std::ranges::replace_if(
      token, [](char byte) { return !is_token_byte(byte); }, '_');
  return token.empty() ? "_" : token;
}

void replace_all(std::string& text, std::string_view name, std::string_view value) {
  for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
}

}  // namespace

std::optional<SubjectPattern> SubjectPattern::parse(std::string_view text, Layout layout) {
  SubjectPattern const pattern(text);
  auto const filled = pattern.subject("h", "s", "l");
  bool const tokens_are_whole = !filled.empty() && filled.front() != '.' && filled.back() != '.' &&
                                filled.find("..") == filled.npos;
  bool const bytes_are_right =
      std::ranges::all_of(filled, [](char byte) { return byte == '.' || is_token_byte(byte); });
  bool const is_filled = filled.find_first_of("{}") == filled.npos;
  bool const by_level = text.find(names[2]) != text.npos;
  if (!tokens_are_whole || !bytes_are_right || !is_filled) return std::nullopt;
  if (by_level && layout == Layout::batches) return std::nullopt;
  return pattern;
}

std::string SubjectPattern::subject(std::string_view host, std::string_view store,
                                    std::string_view level) const {
  auto subject = text_;
  replace_all(subject, names[0], token_of(host));
  replace_all(subject, names[1], token_of(store));
  replace_all(subject, names[2], token_of(level));
  return subject;
}

std::string SubjectPattern::wildcard() const {
  auto subject = text_;
  // A token that is only partly filled in is a wildcard as a whole.
  for (std::size_t begin = 0; begin < subject.size();) {
    auto end = std::min(subject.find('.', begin), subject.size());
    if (subject.substr(begin, end - begin).find('{') != subject.npos) {
      subject.replace(begin, end - begin, "*");
      end = begin + 1;
    }
    begin = end + 1;
  }
  return subject;
}

std::string message_id(std::string_view store, std::uint64_t last_seq) {
  return std::string(store) + ':' + std::to_string(last_seq);
}

std::optional<MessageId> parse_message_id(std::string_view id) {
  auto const colon = id.rfind(':');
  if (colon == id.npos) return std::nullopt;
  MessageId parsed{.store = std::string(id.substr(0, colon))};
  auto const digits = id.substr(colon + 1);
  auto const [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.seq);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return parsed;
}

JsonFormat::JsonFormat(Layout layout, std::string_view host) : end_(R"(,"host":)") {
  protocol::append_json_string(end_, host);
  end_ += layout == Layout::entries ? "}" : "}\n";
}

void JsonFormat::append_entry(std::string& out, StoredEntry const& entry) const {
  cli::append_entry_text(out, entry, {.form = cli::EntryForm::json});
  out.resize(out.size() - std::string_view("}\n").size());
  out += end_;
}

void JsonFormat::append_gap(std::string& out, MissingEntries const& missing) const {
  ((out += R"({"gap":{"first_seq":)") += std::to_string(missing.first_seq)) += R"(,"last_seq":)";
  ((out += std::to_string(missing.last_seq)) += R"(,"reason":")") += missing.reason;
  out += R"("})";
  out += end_;
}

MessageMaker::MessageMaker(MessageOptions options, std::uint64_t last_seq)
    : options_(std::move(options)), last_seq_(last_seq) {
  for (std::size_t level = 0; level < subjects_.size(); ++level) {
    subjects_[level] = options_.pattern.subject(options_.host, options_.store,
                                                to_string(static_cast<Level>(level)));
  }
}

bool MessageMaker::hand_over(MessageTaker const& take) {
  if (message_.body.empty()) return true;
  last_seq_ = message_.last_seq;
  bool const more = take(message_);
  message_.body.clear();
  return more;
}

/// What is missing behind the last message; nothing may be if that is `up_to`.
bool MessageMaker::name_gap(std::uint64_t up_to, std::string_view reason,
                            MessageTaker const& take) {
  if (!hand_over(take)) return false;
  if (up_to <= last_seq_) return true;
  Message gap{.subject = options_.pattern.subject(options_.host, options_.store, gap_level),
              .first_seq = last_seq_ + 1,
              .last_seq = up_to,
              .is_gap = true};
  options_.format->append_gap(gap.body, {gap.first_seq, gap.last_seq, reason});
  last_seq_ = up_to;
  return take(gap);
}

bool MessageMaker::add_entry(StoredEntry const& entry, MessageTaker const& take) {
  auto& body = message_.body;
  auto const last = body.empty() ? last_seq_ : message_.last_seq;
  if (entry.seq <= last) return true;
  if (entry.seq > last + 1 && !name_gap(entry.seq - 1, "missing", take)) return false;
  auto const begin = body.size();
  options_.format->append_entry(body, entry);
  if (body.size() - begin > options_.body_bytes_max) {
    body.resize(begin);
    return name_gap(entry.seq, "too_large", take);
  }
  bool const joins = body.size() <= std::min(options_.batch_bytes, options_.body_bytes_max);
  if (begin > 0 && !joins) {
    auto const line = body.substr(begin);
    body.resize(begin);
    if (!hand_over(take)) return false;
    body = line;
  }
  if (begin == 0 || !joins) {
    message_.subject = subjects_[static_cast<std::size_t>(entry.level)];
    message_.first_seq = entry.seq;
  }
  message_.last_seq = entry.seq;
  return options_.layout == Layout::batches || hand_over(take);
}

bool MessageMaker::make(FollowPart const& part, MessageTaker const& take) {
  if (part.removed && !name_gap(part.removed->last_seq, "expired", take)) return false;
  for (auto const& entry : part.entries) {
    if (!add_entry(entry, take)) return false;
  }
  // Nothing is filtered, so what lies between was not there to be handed over.
  return name_gap(part.last_seq, "missing", take);
}

}  // namespace stele::ship
