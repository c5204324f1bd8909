#include "client-lib/cli/import/import_notes.hpp"

#include <string_view>

namespace stele::cli {
namespace {

// As Note; after `7 lines `.
constexpr std::array<std::string_view, static_cast<std::size_t>(Note::count)> sentences{
    "without a time: each has that of the line before, or of the first that has one",
    "without a time, and without one before: each has the time of its arrival",
    "with a date that the year given with --year does not have: each has the time of another line, "
    "or of its arrival",
    "with a time that is not understood: it is kept in the metadata",
    "with a level of another name: the nearest is taken, and the name kept in the metadata",
    "with an unknown level: it is kept in the metadata",
    "on which the pattern of levels gives up: each has the level of lines that name none",
    "on which the pattern of levels finds no known level: each has that of lines that name none",
    "without a JSON object: each is a message",
    "with a JSON object that no entry can hold (too deep, or a number out of range): each is a "
    "message",
    "with a field that journalctl left out: it needs --all for those above 4096 bytes",
    "without a member that is the message: it is empty, and all members are in the metadata",
    "with two members of one name: the second has a # and a number behind its name",
    "with half of a surrogate pair: U+FFFD stands in its place",
    "cut off where the input could not be read on: its start is kept, and marked in its metadata",
};

}  // namespace

std::string NoteCounts::text() const {
  std::string text;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    text += std::to_string(counts_[i]) + (counts_[i] == 1 ? " line " : " lines ");
    text += sentences[i];
    text += '\n';
  }
  return text;
}

}  // namespace stele::cli
