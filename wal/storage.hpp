// The seam between the log and the disk. Interfaces only: real directories (disk_directory.hpp)
// and the tests' simulated ones implement them, and nothing else of wal/ touches a file.
//
// The contract of every implementation:
//  - A completion runs inside Directory::poll() or wait() only, never inside the call that
//    submitted the request.
//  - The bytes of a request, its File and its Completion stay alive until the completion has run.
//  - Requests on one File may complete in any order; the log never has two in flight whose order
//    matters.
//  - A write that takes fewer bytes than it was given completes with Errc::short_write.
//  - After a failed write or sync, the state of that file on disk is unknown. The log does not
//    retry it.
//  - A new, renamed or removed name is durable only after Directory::sync.
#pragma once

#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wal/error.hpp"

namespace stele::wal {

/// Told once about the end of one request. Not owned by the storage.
class Completion {
 public:
  virtual void on_complete(boost::system::error_code error) noexcept = 0;

 protected:
  ~Completion() = default;
};

/// When a write completes.
enum class Persistence : std::uint8_t {
  cached,   ///< Taken by the file system; a later sync makes it durable.
  durable,  ///< On the device, its cache flushed: a power cut does not take it back.
};

class File {
 public:
  File() = default;
  File(File const&) = delete;
  File& operator=(File const&) = delete;
  virtual ~File() = default;

  virtual Result<std::uint64_t> size() const = 0;

  /// Blocks. Fills `into` from `offset` on and returns the count, less than asked only at the end
  /// of the file. Reads what the device holds, where the file system can do that: after a failed
  /// sync the page cache shows bytes that the disk does not have.
  /// Offset, length and address are multiples of Directory::alignment().
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;

  /// Begins the same; completes with an error also if the file ends before `into` is full.
  virtual void read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) = 0;

  /// Begins to write all of `bytes`. Offset, length and address are multiples of
  /// Directory::alignment().
  virtual void write_at(std::uint64_t offset, std::span<std::byte const> bytes,
                        Persistence persistence, Completion& completion) = 0;

  /// Begins to make the file's bytes and size durable.
  virtual void sync(Completion& completion) = 0;

  /// False: it was removed, or another file was put in its place. What is written to it ends with
  /// this object. One cheap system call.
  virtual bool has_name() const noexcept { return true; }
};

/// One directory with the files of one log. Names are plain file names.
class Directory {
 public:
  Directory() = default;
  Directory(Directory const&) = delete;
  Directory& operator=(Directory const&) = delete;
  virtual ~Directory() = default;

  /// Makes this process the only one that uses the directory, until the object is destroyed or the
  /// process ends, however it ends; whatever becomes of its files meanwhile. Errc::locked if
  /// another one does.
  virtual Result<void> lock() = 0;

  /// Whether the next start will find what is written here now: the path leads to this directory,
  /// and `name` to `file`, if one is given. Errc::replaced if not.
  virtual Result<void> check_place(std::string_view /*name*/, File const* /*file*/) const {
    return {};
  }

  virtual Result<std::vector<std::string>> list() = 0;

  /// Creates a file for writing, with `bytes` of space reserved. An existing file of that name is
  /// replaced. The content is undefined until written.
  virtual Result<std::unique_ptr<File>> create(std::string_view name, std::uint64_t bytes) = 0;
  /// As create(); but a file of that name keeps the space that it has, so that nobody else takes
  /// it, also if there is no room for the rest.
  virtual Result<std::unique_ptr<File>> reserve(std::string_view name, std::uint64_t bytes) {
    return create(name, bytes);
  }
  /// What the file takes of the disk; 0 if there is none, or if that cannot be known.
  virtual std::uint64_t space(std::string_view /*name*/) const noexcept { return 0; }
  /// Opens for read_at() and sync() only.
  virtual Result<std::unique_ptr<File>> open(std::string_view name) = 0;
  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
  /// As rename(); but where the file system can do it, what `to` was is `from` then, and keeps its
  /// space.
  virtual Result<void> exchange(std::string_view from, std::string_view to) {
    return rename(from, to);
  }
  virtual Result<void> remove(std::string_view name) = 0;
  /// Gives the file's space from `offset` on back to the file system; the bytes there, which are
  /// zeros, stay zeros, and the size stays as it is. Where that cannot be done nothing happens.
  virtual void release_zeros(std::string_view name, std::uint64_t offset) noexcept = 0;

  /// Begins to make the directory's entries durable.
  virtual void sync(Completion& completion) = 0;

  /// What offsets, lengths and addresses of reads and writes are multiples of: the logical sector
  /// of the device, a power of two from 512 to 4096.
  virtual std::size_t alignment() const noexcept = 0;

  /// Readable when poll() has completions to run.
  virtual int event_fd() const noexcept = 0;
  /// Runs the completions that are ready; returns how many. Does not block.
  virtual std::size_t poll() = 0;
  /// Blocks until at least one completion has run. For start-up and shutdown.
  virtual void wait() = 0;

  /// How data reaches the disk, for people: "io_uring, O_DIRECT, RWF_DSYNC".
  virtual std::string describe() const = 0;
};

}  // namespace stele::wal
