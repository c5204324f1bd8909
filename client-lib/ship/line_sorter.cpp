#include "client-lib/ship/line_sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

namespace stele::ship {
namespace {

constexpr std::size_t run_buffer_bytes = std::size_t{64} << 10;

/// In front of the store and the line.
struct RecordHead {
  std::uint64_t timestamp = 0;
  std::uint64_t seq = 0;
  std::uint32_t store_bytes = 0;
  std::uint32_t line_bytes = 0;
};

std::size_t bytes_of(ShippedLine const& line) noexcept {
  return sizeof line + line.line.capacity() + line.store.capacity();
}

ShipError file_trouble(std::string const& directory) {
  return {"a temporary file in " + directory + ": " + std::system_category().message(errno) +
              " (TMPDIR names another place)",
          true};
}

/// A file that goes with this process, however it ends.
std::FILE* open_unnamed_file(std::string const& directory) {
  auto path = directory + "/stele-sort-XXXXXX";
  int const fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return nullptr;
  ::unlink(path.c_str());
  auto* const file = ::fdopen(fd, "w+b");
  if (file == nullptr) ::close(fd);
  return file;
}

}  // namespace

std::string temporary_directory() {
  auto const* named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

/// The lines of a run, one after the other.
class LineSorter::RunReader {
 public:
  RunReader(int fd, Run run) : fd_(fd), at_(run.begin), end_(run.end) {}

  /// False: the end. Fails where the file cannot be read.
  Outcome<bool> next(ShippedLine& line, std::string const& directory) {
    RecordHead head;
    if (!fill(sizeof head)) return is_short() ? Outcome<bool>(file_trouble(directory)) : false;
    std::memcpy(&head, buffer_.data() + begin_, sizeof head);
    auto const whole = sizeof head + head.store_bytes + head.line_bytes;
    if (!fill(whole)) return file_trouble(directory);
    auto const* const text = buffer_.data() + begin_ + sizeof head;
    line.timestamp = head.timestamp;
    line.seq = head.seq;
    line.store.assign(text, head.store_bytes);
    line.line.assign(text + head.store_bytes, head.line_bytes);
    begin_ += whole;
    return true;
  }

 private:
  bool is_short() const noexcept { return at_ != end_ || begin_ != buffer_.size(); }

  /// Has this many bytes ready behind begin_.
  bool fill(std::size_t count) {
    if (buffer_.size() - begin_ >= count) return true;
    buffer_.erase(0, std::exchange(begin_, 0));
    auto const had = buffer_.size();
    auto const more = std::min<std::uint64_t>(std::max(run_buffer_bytes, count) - had, end_ - at_);
    buffer_.resize(had + more);
    for (std::size_t got = 0; got < more;) {
      auto const read =
          ::pread(fd_, buffer_.data() + had + got, more - got, static_cast<off_t>(at_));
      if (read < 0 && errno == EINTR) continue;
      if (read <= 0) {
        buffer_.resize(had + got);
        return false;
      }
      got += static_cast<std::size_t>(read);
      at_ += static_cast<std::uint64_t>(read);
    }
    return buffer_.size() >= count;
  }

  int fd_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::string buffer_{};
  std::size_t begin_ = 0;
};

LineSorter::LineSorter(SortOptions options) : options_(std::move(options)) {}

bool LineSorter::before(ShippedLine const& a, ShippedLine const& b) const noexcept {
  auto const key = [](ShippedLine const& line) {
    return std::tie(line.timestamp, line.store, line.seq);
  };
  return options_.newest_first ? key(b) < key(a) : key(a) < key(b);
}

void LineSorter::sort_held() {
  std::ranges::stable_sort(held_, [this](auto const& a, auto const& b) { return before(a, b); });
}

// Of sorted lines those can go that this many others come before, or behind.
void LineSorter::drop_unwanted() {
  auto const most = options_.first ? options_.first : options_.last;
  if (!most || held_.size() <= *most) return;
  auto const extra = held_.size() - static_cast<std::size_t>(*most);
  auto const begin =
      options_.first ? held_.end() - static_cast<std::ptrdiff_t>(extra) : held_.begin();
  for (auto const& line : std::span(begin, extra)) held_bytes_ -= bytes_of(line);
  held_.erase(begin, begin + static_cast<std::ptrdiff_t>(extra));
  if (options_.last) dropped_in_front_ += extra;
}

Outcome<void> LineSorter::add(ShippedLine line) {
  held_bytes_ += bytes_of(line);
  held_.push_back(std::move(line));
  ++added_;
  if (held_bytes_ <= options_.memory_bytes) return {};
  sort_held();
  drop_unwanted();
  // Else nearly each line would be sorted again.
  if (held_bytes_ <= options_.memory_bytes / 2) return {};
  return write_run();
}

Outcome<void> LineSorter::write_run() {
  if (!file_) file_.reset(open_unnamed_file(options_.directory));
  if (!file_) return file_trouble(options_.directory);
  Run run{.begin = file_bytes_, .end = file_bytes_};
  for (auto const& line : held_) {
    RecordHead const head{.timestamp = line.timestamp,
                          .seq = line.seq,
                          .store_bytes = static_cast<std::uint32_t>(line.store.size()),
                          .line_bytes = static_cast<std::uint32_t>(line.line.size())};
    bool const written =
        std::fwrite(&head, sizeof head, 1, file_.get()) == 1 &&
        std::fwrite(line.store.data(), 1, line.store.size(), file_.get()) == line.store.size() &&
        std::fwrite(line.line.data(), 1, line.line.size(), file_.get()) == line.line.size();
    if (!written) return file_trouble(options_.directory);
    run.end += sizeof head + line.store.size() + line.line.size();
  }
  if (std::fflush(file_.get()) != 0) return file_trouble(options_.directory);
  file_bytes_ = run.end;
  runs_.push_back(run);
  held_.clear();
  held_bytes_ = 0;
  return {};
}

std::uint64_t LineSorter::wanted() const noexcept {
  auto const most = options_.first ? options_.first : options_.last;
  return std::min(added_, most.value_or(added_));
}

Outcome<void> LineSorter::visit(std::function<bool(ShippedLine const&)> const& visit) {
  sort_held();
  drop_unwanted();
  struct Source {
    std::optional<RunReader> run{};
    ShippedLine line{};
  };
  std::vector<Source> sources(runs_.size() + 1);  // The last one: what is held.
  std::size_t held_at = 0;
  auto const advance = [&](std::size_t number) -> Outcome<bool> {
    auto& source = sources[number];
    if (source.run) return source.run->next(source.line, options_.directory);
    if (held_at == held_.size()) return false;
    source.line = std::move(held_[held_at++]);
    return true;
  };
  auto const is_later = [&](std::size_t a, std::size_t b) {
    return before(sources[b].line, sources[a].line);
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(is_later)> heads(is_later);
  for (std::size_t number = 0; number < sources.size(); ++number) {
    if (number < runs_.size()) sources[number].run.emplace(::fileno(file_.get()), runs_[number]);
    auto const found = advance(number);
    if (!found) return found.error();
    if (*found) heads.push(number);
  }
  auto skip = options_.last ? added_ - wanted() - dropped_in_front_ : 0;
  for (auto left = wanted(); left > 0 && !heads.empty();) {
    auto const number = heads.top();
    heads.pop();
    if (skip > 0) {
      --skip;
    } else {
      if (!visit(sources[number].line)) return {};
      --left;
    }
    auto const found = advance(number);
    if (!found) return found.error();
    if (*found) heads.push(number);
  }
  return {};
}

}  // namespace stele::ship
