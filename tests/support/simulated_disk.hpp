// A disk in memory under the storage seam, with the faults of a real one: power cuts that keep,
// drop or tear what was not synced, errors, a full disk, damage. Everything random comes from one
// seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wal/storage.hpp"

namespace stele::test {

struct SimulatedDiskOptions {
  std::uint64_t seed = 1;
  std::size_t sector_bytes = 512;
  /// Space for all files; creating beyond it fails with Errc::no_space.
  std::uint64_t capacity_bytes = UINT64_MAX;
  /// Of 40 sectors that a power cut met while they were written, this many hold garbage: at
  /// most 20.
  std::uint64_t garbage_sectors = 1;
};

/// What ends a run. Either way the directory object that was mounted is dead afterwards.
enum class Crash : std::uint8_t {
  kill,       ///< The process dies: what it handed to the system stays, a write under way may not.
  power_cut,  ///< Each unsynced sector stays as it was, is written, or (rarely) holds garbage;
              ///< unsynced names come back from some moment since the last sync, all
              ///< from the same or each from its own.
};

/// The disk outlives the directories mounted on it, as a real one outlives processes.
class SimulatedDisk {
 public:
  explicit SimulatedDisk(SimulatedDiskOptions const& options);
  SimulatedDisk(SimulatedDisk&& other) noexcept;
  SimulatedDisk& operator=(SimulatedDisk&& other) noexcept;
  ~SimulatedDisk();

  std::unique_ptr<wal::Directory> mount();

  /// Storage operations so far: every create, rename, remove, write and sync.
  std::uint64_t operations() const noexcept;
  /// Bytes that were asked for by reads so far.
  std::uint64_t bytes_read() const noexcept;
  /// From the nth operation from now on nothing reaches the disk any more; then call crash().
  void stop_after(std::uint64_t operations);
  bool stopped() const noexcept;
  /// Makes one operation fail, the one behind `operations` more; the bytes of a write may or may
  /// not be there.
  void fail_after(std::uint64_t operations, boost::system::error_code error);
  /// Whether that operation has come.
  bool has_failed() const noexcept;

  void crash(Crash kind);

  void set_capacity(std::uint64_t bytes) noexcept;
  std::uint64_t used_bytes() const;
  std::uint64_t random(std::uint64_t below);

  /// From where on the file's space was last given back; 0: it was not.
  std::uint64_t released_from(std::string const& name) const;

  /// What somebody else may do to the files while nobody has them open.
  /// Another disk with the same files, all of them synced; nothing is mounted on it.
  SimulatedDisk clone() const;
  std::vector<std::string> names() const;
  bool has(std::string const& name) const;
  /// The bytes of a file, to look at and to damage: what they are at the next mount() is on disk.
  std::vector<std::byte>& bytes(std::string const& name);
  std::vector<std::byte> const& bytes(std::string const& name) const;
  void put(std::string const& name, std::vector<std::byte> bytes);
  void remove(std::string const& name);
  void rename(std::string const& from, std::string const& to);
  /// Reads that touch these bytes fail with EIO.
  void make_unreadable(std::string const& name, std::uint64_t offset, std::uint64_t bytes);
  void make_readable(std::string const& name);

  /// What somebody else may do to it while it is in use: put another directory at its path,
  void replace_directory();
  /// or take all space that is free now.
  void take_free_space();

 private:
  friend class SimulatedDirectory;
  friend class SimulatedFile;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stele::test
