#include "support/simulated_disk.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <utility>

#include "support/simulated_inode.hpp"

namespace stele::test {

using boost::system::error_code;
namespace errc = boost::system::errc;
using wal::Completion;
using wal::Failure;
using wal::Persistence;
using wal::Result;

namespace {

error_code dead() { return make_error_code(errc::no_such_device); }

void overwrite(std::vector<std::byte>& into, std::uint64_t offset,
               std::span<std::byte const> bytes) {
  if (into.size() < offset + bytes.size()) into.resize(offset + bytes.size());
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

struct SimulatedDisk::State {
  explicit State(SimulatedDiskOptions const& o) : options(o), engine(o.seed) {}

  /// What the operation that begins now meets.
  error_code next_fate() {
    if (stopped) return dead();
    ++operations;
    if (stop_countdown && (*stop_countdown)-- == 0) stopped = true;
    if (stopped) return dead();
    if (fault && fault->first-- == 0) return std::exchange(fault, std::nullopt)->second;
    return {};
  }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : engine() % bound; }
  std::uint64_t used_bytes() const {
    std::uint64_t used = 0;
    for (auto const& [name, inode] : names) used += inode->space();
    return used;
  }
  std::ptrdiff_t names_of(InodePtr const& inode) const noexcept {
    return std::ranges::count(names, inode, &NameTable::value_type::second);
  }
  void execute(Request const& request);
  std::size_t execute_reads();
  Result<std::size_t> read(Inode const& inode, std::uint64_t offset, std::span<std::byte> into);
  void tear(Inode& inode, UnsyncedWrite const& write);
  void settle_after_power_cut();
  NameTable surviving_names();

  SimulatedDiskOptions options;
  std::mt19937_64 engine;
  NameTable names{};
  std::vector<NameTable> name_history{NameTable{}};  ///< Since the last sync; the first is durable.
  std::deque<Request> requests{};
  std::uint64_t operations = 0;
  std::uint64_t bytes_read = 0;
  std::optional<std::uint64_t> stop_countdown{};
  std::optional<std::pair<std::uint64_t, error_code>> fault{};
  bool stopped = false;
  bool locked = false;
  bool replaced = false;         ///< The path leads to another directory.
  std::uint64_t generation = 0;  ///< A directory mounted before a crash is dead after it.
};

Result<std::size_t> SimulatedDisk::State::read(Inode const& inode, std::uint64_t offset,
                                               std::span<std::byte> into) {
  bytes_read += into.size();
  if (offset < inode.unreadable_end && inode.unreadable_begin < offset + into.size()) {
    return Failure{make_error_code(errc::io_error), "read: Input/output error"};
  }
  if (offset >= inode.cache.size()) return std::size_t{0};
  auto const count = std::min<std::size_t>(into.size(), inode.cache.size() - offset);
  std::memcpy(into.data(), inode.cache.data() + offset, count);
  return count;
}

/// No operations, and never failed: what a read meets is a matter of the bytes that it is about.
std::size_t SimulatedDisk::State::execute_reads() {
  std::size_t count = 0;
  while (!requests.empty() && requests.front().kind == Request::Kind::read) {
    auto const request = requests.front();
    requests.pop_front();
    auto const read = this->read(*request.inode, request.offset, request.into);
    bool const whole = read && read.value() == request.into.size();
    request.completion->on_complete(whole ? error_code{} : make_error_code(errc::io_error));
    ++count;
  }
  return count;
}

void SimulatedDisk::State::execute(Request const& request) {
  if (request.aborted) return request.completion->on_complete(dead());
  auto const error = next_fate();
  if (!error) {
    auto& inode = request.inode;
    switch (request.kind) {
      case Request::Kind::read:
        break;
      case Request::Kind::write:
        overwrite(inode->cache, request.offset, request.bytes);
        inode->unsynced.push_back({request.offset,
                                   {request.bytes.begin(), request.bytes.end()},
                                   request.persistence == Persistence::durable});
        break;
      case Request::Kind::sync_file:
        inode->device = inode->cache;
        inode->unsynced.clear();
        break;
      case Request::Kind::sync_names:
        name_history = {names};
        break;
    }
  } else if (request.kind == Request::Kind::write) {
    // Its fate is decided when the run ends; what readers see until then, by chance.
    if (below(2) == 0) overwrite(request.inode->cache, request.offset, request.bytes);
    request.inode->unsynced.push_back(
        {request.offset, {request.bytes.begin(), request.bytes.end()}});
  }
  request.completion->on_complete(error);
}

void SimulatedDisk::State::tear(Inode& inode, UnsyncedWrite const& write) {
  auto const sector = options.sector_bytes;
  for (std::size_t at = 0; at < write.bytes.size(); at += sector) {
    auto const piece =
        std::span(write.bytes).subspan(at, std::min(sector, write.bytes.size() - at));
    auto const fate = below(40);
    if (fate < 20) overwrite(inode.device, write.offset + at, piece);
    if (fate >= 40 - options.garbage_sectors) {
      std::vector<std::byte> garbage(piece.size());
      for (auto& byte : garbage) byte = static_cast<std::byte>(below(256));
      overwrite(inode.device, write.offset + at, garbage);
    }
  }
}

/// The names of some moment since the last sync; or, as on a file system that keeps no order among
/// them, each name of a moment of its own.
NameTable SimulatedDisk::State::surviving_names() {
  auto const moment = [&]() -> NameTable const& {
    return name_history[below(name_history.size())];
  };
  if (below(2) == 0) return moment();
  NameTable all;
  for (auto const& table : name_history) all.insert(table.begin(), table.end());
  NameTable surviving;
  for (auto const& [name, inode] : all) {
    auto const& table = moment();
    if (auto const found = table.find(name); found != table.end()) surviving.insert(*found);
  }
  return surviving;
}

void SimulatedDisk::State::settle_after_power_cut() {
  names = surviving_names();
  name_history = {names};
  for (auto& [name, inode] : names) {
    if (inode->device.size() < inode->cache.size()) inode->device.resize(inode->cache.size());
    // Some cuts take everything, some nothing, most a part.
    auto const mood = below(4);
    for (auto const& write : inode->unsynced) {
      bool const is_whole = write.durable || mood == 1;
      if (is_whole) overwrite(inode->device, write.offset, write.bytes);
      if (!is_whole && mood >= 2) tear(*inode, write);
    }
    inode->unsynced.clear();
    inode->cache = inode->device;
  }
}

class SimulatedFile final : public wal::File {
 public:
  SimulatedFile(SimulatedDisk::State& disk, InodePtr inode)
      : disk_(disk), inode_(std::move(inode)) {}

  Result<std::uint64_t> size() const override { return inode_->cache.size(); }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    return disk_.read(*inode_, offset, into);
  }

  void read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) override {
    disk_.requests.push_back({.kind = Request::Kind::read,
                              .inode = inode_,
                              .offset = offset,
                              .into = into,
                              .completion = &completion});
  }

  void write_at(std::uint64_t offset, std::span<std::byte const> bytes, Persistence persistence,
                Completion& completion) override {
    BOOST_ASSERT(offset % disk_.options.sector_bytes == 0);
    BOOST_ASSERT(bytes.size() % disk_.options.sector_bytes == 0);
    disk_.requests.push_back(
        {Request::Kind::write, inode_, offset, bytes, {}, persistence, &completion});
  }

  void sync(Completion& completion) override {
    disk_.requests.push_back(
        {.kind = Request::Kind::sync_file, .inode = inode_, .completion = &completion});
  }

  bool has_name() const noexcept override { return disk_.names_of(inode_) > 0; }

 private:
  SimulatedDisk::State& disk_;
  InodePtr inode_;
};

class SimulatedDirectory final : public wal::Directory {
 public:
  explicit SimulatedDirectory(SimulatedDisk::State& disk)
      : disk_(disk), generation_(disk.generation) {}

  ~SimulatedDirectory() override {
    if (alive()) {
      disk_.requests.clear();
      if (holds_lock_) disk_.locked = false;
    }
  }

  Result<void> lock() override {
    if (disk_.locked) return Failure{wal::Errc::locked, "LOCK: another process has it"};
    disk_.locked = holds_lock_ = true;
    return {};
  }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    for (auto const& [name, inode] : disk_.names) names.push_back(name);
    return names;
  }

  Result<std::unique_ptr<wal::File>> create(std::string_view name, std::uint64_t bytes) override {
    if (auto const error = disk_.next_fate()) return Failure{error, "create: " + error.message()};
    return place(name, std::make_shared<Inode>(), bytes);
  }

  Result<std::unique_ptr<wal::File>> reserve(std::string_view name, std::uint64_t bytes) override {
    if (auto const error = disk_.next_fate()) return Failure{error, "reserve: " + error.message()};
    auto const found = disk_.names.find(std::string(name));
    // After a power cut a file may have two names: the other one keeps what it says.
    bool const is_own = found != disk_.names.end() && disk_.names_of(found->second) == 1;
    return place(name, is_own ? found->second : std::make_shared<Inode>(), bytes);
  }

  std::uint64_t space(std::string_view name) const noexcept override {
    auto const found = disk_.names.find(std::string(name));
    return found == disk_.names.end() ? 0 : found->second->space();
  }

  Result<std::unique_ptr<wal::File>> open(std::string_view name) override {
    auto const found = disk_.names.find(std::string(name));
    if (found == disk_.names.end()) {
      return Failure{make_error_code(errc::no_such_file_or_directory),
                     std::string(name) + ": no such file"};
    }
    return make_file(found->second);
  }

  Result<void> rename(std::string_view from, std::string_view to) override {
    if (auto const error = disk_.next_fate()) return Failure{error, "rename: " + error.message()};
    auto node = disk_.names.extract(std::string(from));
    if (node.empty()) {
      return Failure{make_error_code(errc::no_such_file_or_directory), "rename: no such file"};
    }
    disk_.names[std::string(to)] = node.mapped();
    disk_.name_history.push_back(disk_.names);
    return {};
  }

  Result<void> exchange(std::string_view from, std::string_view to) override {
    auto const there = disk_.names.find(std::string(to));
    if (there == disk_.names.end()) return rename(from, to);
    if (auto const error = disk_.next_fate()) return Failure{error, "exchange: " + error.message()};
    std::swap(disk_.names.at(std::string(from)), there->second);
    disk_.name_history.push_back(disk_.names);
    return {};
  }

  Result<void> remove(std::string_view name) override {
    if (auto const error = disk_.next_fate()) return Failure{error, "remove: " + error.message()};
    disk_.names.erase(std::string(name));
    disk_.name_history.push_back(disk_.names);
    return {};
  }

  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override {
    auto const found = disk_.names.find(std::string(name));
    if (found == disk_.names.end()) return;
    auto const& bytes = found->second->cache;
    [[maybe_unused]] auto const begin =
        bytes.begin() + static_cast<std::ptrdiff_t>(std::min(offset, bytes.size()));
    BOOST_ASSERT(std::all_of(begin, bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
    found->second->released_from = offset;
  }

  Result<void> check_place(std::string_view name, wal::File const* file) const override {
    if (disk_.replaced) return Failure{wal::Errc::replaced, "the directory was replaced"};
    bool const has_name = file == nullptr || file->has_name();
    return has_name ? Result<void>{} : Failure{wal::Errc::replaced, std::string(name)};
  }

  void sync(Completion& completion) override {
    disk_.requests.push_back({.kind = Request::Kind::sync_names, .completion = &completion});
  }

  std::size_t alignment() const noexcept override { return disk_.options.sector_bytes; }
  int event_fd() const noexcept override { return -1; }

  /// One request a call, the oldest or one behind it: the log never has two in flight whose order
  /// matters.
  std::size_t poll() override {
    if (auto const reads = disk_.execute_reads(); reads > 0) return reads;
    if (disk_.requests.empty()) return 0;
    auto const pick =
        disk_.requests.begin() + static_cast<std::ptrdiff_t>(disk_.below(disk_.requests.size()));
    auto const request = *pick;
    disk_.requests.erase(pick);
    disk_.execute(request);
    return 1;
  }

  void wait() override {
    auto const ran = poll();
    BOOST_ASSERT(ran == 1);
    (void)ran;
  }

  std::string describe() const override { return "simulated"; }

 private:
  bool alive() const noexcept { return generation_ == disk_.generation; }
  /// Gives the inode its name and its size.
  Result<std::unique_ptr<wal::File>> place(std::string_view name, InodePtr inode,
                                           std::uint64_t bytes) {
    auto const more = bytes - std::min(bytes, inode->space());
    if (more > 0 && disk_.used_bytes() + more > disk_.options.capacity_bytes) {
      return Failure{wal::Errc::no_space, std::string(name) + ": no space"};
    }
    // New blocks read as zeros, and those that the file had as before; only a sync makes any last.
    auto const kept = std::min<std::uint64_t>(bytes, inode->cache.size());
    inode->cache.resize(bytes);
    inode->released_from = 0;
    inode->unsynced.push_back({kept, std::vector<std::byte>(bytes - kept)});
    disk_.names[std::string(name)] = inode;
    disk_.name_history.push_back(disk_.names);
    return make_file(inode);
  }
  std::unique_ptr<wal::File> make_file(InodePtr inode) {
    return std::make_unique<SimulatedFile>(disk_, std::move(inode));
  }

  SimulatedDisk::State& disk_;
  std::uint64_t generation_;
  bool holds_lock_ = false;
};

SimulatedDisk::SimulatedDisk(SimulatedDiskOptions const& options)
    : state_(std::make_unique<State>(options)) {}
SimulatedDisk::SimulatedDisk(SimulatedDisk&& other) noexcept = default;
SimulatedDisk& SimulatedDisk::operator=(SimulatedDisk&& other) noexcept = default;
SimulatedDisk::~SimulatedDisk() = default;

std::unique_ptr<wal::Directory> SimulatedDisk::mount() {
  for (auto const& [name, inode] : state_->names) {
    if (!std::exchange(inode->handed_out, false)) continue;
    inode->device = inode->cache;
    inode->unsynced.clear();
  }
  return std::make_unique<SimulatedDirectory>(*state_);
}

std::uint64_t SimulatedDisk::operations() const noexcept { return state_->operations; }
std::uint64_t SimulatedDisk::bytes_read() const noexcept { return state_->bytes_read; }
void SimulatedDisk::stop_after(std::uint64_t operations) { state_->stop_countdown = operations; }
bool SimulatedDisk::stopped() const noexcept { return state_->stopped; }
void SimulatedDisk::fail_after(std::uint64_t operations, error_code error) {
  state_->fault = {operations, error};
}
bool SimulatedDisk::has_failed() const noexcept { return !state_->fault; }
void SimulatedDisk::set_capacity(std::uint64_t bytes) noexcept {
  state_->options.capacity_bytes = bytes;
}

void SimulatedDisk::crash(Crash kind) {
  // A write that was under way is an unsynced one.
  for (auto& request : state_->requests) {
    request.aborted = true;
    if (request.kind != Request::Kind::write) continue;
    if (kind == Crash::kill && state_->below(2) == 0) {
      overwrite(request.inode->cache, request.offset, request.bytes);
    }
    request.inode->unsynced.push_back(
        {request.offset, {request.bytes.begin(), request.bytes.end()}});
  }
  if (kind == Crash::power_cut) state_->settle_after_power_cut();
  state_->stopped = false;
  state_->stop_countdown.reset();
  state_->fault.reset();
  state_->locked = false;
  ++state_->generation;
}

std::uint64_t SimulatedDisk::used_bytes() const { return state_->used_bytes(); }
std::uint64_t SimulatedDisk::released_from(std::string const& name) const {
  return state_->names.at(name)->released_from;
}
std::uint64_t SimulatedDisk::random(std::uint64_t below) { return state_->below(below); }

SimulatedDisk SimulatedDisk::clone() const {
  SimulatedDisk copy(state_->options);
  auto& state = *copy.state_;
  state.engine = state_->engine;
  for (auto const& [name, inode] : state_->names) {
    auto twin = std::make_shared<Inode>();
    twin->cache = twin->device = inode->cache;
    twin->unreadable_begin = inode->unreadable_begin;
    twin->unreadable_end = inode->unreadable_end;
    state.names.emplace(name, std::move(twin));
  }
  state.name_history = {state.names};
  return copy;
}

std::vector<std::string> SimulatedDisk::names() const {
  std::vector<std::string> names;
  for (auto const& [name, inode] : state_->names) names.push_back(name);
  return names;
}

bool SimulatedDisk::has(std::string const& name) const { return state_->names.contains(name); }

std::vector<std::byte>& SimulatedDisk::bytes(std::string const& name) {
  state_->names.at(name)->handed_out = true;
  return state_->names.at(name)->cache;
}

std::vector<std::byte> const& SimulatedDisk::bytes(std::string const& name) const {
  return state_->names.at(name)->cache;
}

void SimulatedDisk::put(std::string const& name, std::vector<std::byte> bytes) {
  auto inode = std::make_shared<Inode>();
  inode->cache = inode->device = std::move(bytes);
  state_->names[name] = std::move(inode);
  state_->name_history = {state_->names};
}

void SimulatedDisk::remove(std::string const& name) {
  state_->names.erase(name);
  state_->name_history = {state_->names};
}

void SimulatedDisk::rename(std::string const& from, std::string const& to) {
  state_->names[to] = state_->names.extract(from).mapped();
  state_->name_history = {state_->names};
}

void SimulatedDisk::make_unreadable(std::string const& name, std::uint64_t offset,
                                    std::uint64_t bytes) {
  auto& inode = *state_->names.at(name);
  inode.unreadable_begin = offset;
  inode.unreadable_end = offset + bytes;
}

void SimulatedDisk::replace_directory() { state_->replaced = true; }
void SimulatedDisk::take_free_space() {
  state_->options.capacity_bytes = std::min(state_->options.capacity_bytes, used_bytes());
}
void SimulatedDisk::make_readable(std::string const& name) { make_unreadable(name, 0, 0); }

}  // namespace stele::test
