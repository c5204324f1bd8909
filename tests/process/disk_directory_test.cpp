// Directories and files as they lie on a real file system.
#include "wal/io/disk_directory.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process/disk_fixture.hpp"
#include "wal/file/disk_probe.hpp"
#include "wal/offline/offline_directory.hpp"

namespace stele::wal::test {
BOOST_AUTO_TEST_SUITE(disk_directory_test)

namespace {

// A directory with files of other names, and without a log, is refused.
std::string const segment_1 = "wal-0000000000000001.seg";
std::string const segment_2 = "wal-0000000000000002.seg";
std::string const segment_3 = "wal-0000000000000003.seg";

constexpr std::size_t block = 4096;

std::string failure_of(DiskOptions const& options) {
  std::string note;
  auto const opened = open_disk_directory(options, note);
  return opened ? std::string{} : opened.error().message;
}

void write_text(std::string const& path, std::string_view text) {
  std::ofstream{path, std::ios::binary} << text;
}

struct Unmount {
  void operator()(char const* path) const { ::umount2(path, MNT_DETACH); }
};
using Mounted = std::unique_ptr<char const, Unmount>;

/// A file system in memory, which ends before `path`; none without the right to mount.
Mounted mount_at(std::string const& path, char const* type, char const* options) {
  if (::mount(type, path.c_str(), type, 0, options) == 0) return Mounted{path.c_str()};
  BOOST_TEST_MESSAGE("not tested: cannot mount " << type);
  return nullptr;
}

}  // namespace

BOOST_DATA_TEST_CASE(what_is_written_is_read_back, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  BOOST_TEST_MESSAGE(directory->describe());
  for (std::size_t const size : {block, 2 * block, 64 * block, std::size_t{5} << 20}) {
    Bytes const bytes = pattern(size, static_cast<std::uint32_t>(size));
    {
      auto const file = directory->create("segment", size + block);
      BOOST_REQUIRE_MESSAGE(file, file.error().message);
      BOOST_TEST((*file)->size().value() == size + block);
      BOOST_TEST(!write(*directory, **file, block, bytes, Persistence::durable));
      Bytes back(size);
      BOOST_TEST((*file)->read_at(block, back).value() == size);
      BOOST_TEST((back == bytes));
    }
    auto const file = directory->open("segment");
    BOOST_REQUIRE_MESSAGE(file, file.error().message);
    Bytes back(size);
    BOOST_TEST((*file)->read_at(block, back).value() == size);
    BOOST_TEST((back == bytes));
  }
}

BOOST_DATA_TEST_CASE(reads_under_way_bring_what_was_written, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  std::size_t const size = std::size_t{3} << 20;
  Bytes const bytes = pattern(2 * size);
  auto const file = directory->create("segment", 2 * size);
  BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::durable));
  Bytes halves[] = {Bytes(size), Bytes(size)};
  Outcome outcomes[2];
  for (std::size_t half : {0U, 1U}) (*file)->read(half * size, halves[half], outcomes[half]);
  while (outcomes[0].runs == 0 || outcomes[1].runs == 0) directory->wait();
  BOOST_TEST(!outcomes[0].error);
  BOOST_TEST(!outcomes[1].error);
  BOOST_TEST(std::equal(halves[0].begin(), halves[0].end(), bytes.begin()));
  BOOST_TEST(std::equal(halves[1].begin(), halves[1].end(), bytes.begin() + size));
}

BOOST_DATA_TEST_CASE(read_under_way_that_meets_the_end_of_the_file_fails, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", block);
  for (std::uint64_t const offset : {std::uint64_t{0}, std::uint64_t{block}}) {
    Bytes into(2 * block);
    Outcome outcome;
    (*file)->read(offset, into, outcome);
    directory->wait();
    BOOST_TEST(outcome.runs == 1);
    BOOST_TEST(outcome.error.value() == EIO);
  }
}

BOOST_DATA_TEST_CASE(smallest_block_can_be_written_anywhere, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  std::size_t const size = directory->alignment();
  BOOST_TEST(size >= 512U);
  BOOST_TEST(size <= block);
  auto const file = directory->create("segment", 8 * size);
  Bytes const whole = pattern(8 * size);
  Bytes const aside(whole.begin() + static_cast<std::ptrdiff_t>(size), whole.end());
  BOOST_TEST(!write(*directory, **file, size, aside, Persistence::durable));
  Bytes const first(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  BOOST_TEST(!write(*directory, **file, 0, first, Persistence::cached));
  BOOST_TEST((read(**file, 8 * size) == whole));
}

// A file that ends within a block, as a cut one does.
BOOST_DATA_TEST_CASE(read_ends_with_the_file, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  for (std::size_t const size : {0U, 1U, 511U, 512U, 4095U, 4096U, 4097U, 70'001U}) {
    Bytes const bytes = pattern(size);
    write_text(place.path_of("cut"), {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
    auto const file = directory->open("cut");
    BOOST_REQUIRE_MESSAGE(file, file.error().message);
    BOOST_TEST((*file)->size().value() == size);
    BOOST_TEST((read(**file, 32 * block) == bytes));
    Bytes beyond(block);
    BOOST_TEST((*file)->read_at(32 * block, beyond).value() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(read_error_names_file_and_offset) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  auto const file = directory->create("segment", block);
  Bytes into(block);
  auto const beyond_any_file = std::uint64_t{1} << 63;
  auto const failure = (*file)->read_at(beyond_any_file, into);
  BOOST_REQUIRE(!failure);
  BOOST_TEST(failure.error().code.value() == EINVAL);
  BOOST_TEST(failure.error().message == place.path_of("segment") +
                                            ": cannot read at offset 9223372036854775808: "
                                            "Invalid argument");
}

BOOST_AUTO_TEST_CASE(names_are_listed_renamed_and_removed) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  BOOST_REQUIRE(directory->lock());
  BOOST_REQUIRE(directory->create("b", 0));
  BOOST_REQUIRE(directory->create("a.tmp", 0));
  BOOST_REQUIRE_EQUAL(::mkdir(place.path_of("folder").c_str(), 0700), 0);
  BOOST_REQUIRE_EQUAL(::symlink("b", place.path_of("link").c_str()), 0);
  using Names = std::vector<std::string>;
  BOOST_TEST((directory->list().value() == Names{"a.tmp", "b"}));
  BOOST_TEST(directory->rename("a.tmp", "b").has_value());
  BOOST_TEST(!sync(*directory));
  BOOST_TEST((directory->list().value() == Names{"b"}));
  BOOST_TEST(directory->remove("b").has_value());
  BOOST_TEST(directory->list().value().empty());
  BOOST_TEST(directory->remove("b").error().message ==
             place.path_of("b") + ": cannot remove: No such file or directory");
  BOOST_TEST(directory->rename("b", "c").error().code.value() == ENOENT);
  BOOST_TEST(directory->open("b").error().code.value() == ENOENT);
}

BOOST_DATA_TEST_CASE(released_zeros_take_no_space_and_stay_zeros, all_modes(), mode) {
  constexpr std::size_t used = 8192;
  constexpr std::size_t size = 1 << 20;
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const blocks = [&place] {
    struct stat found {};
    BOOST_REQUIRE_EQUAL(::stat(place.path_of("f").c_str(), &found), 0);
    return found.st_blocks;
  };
  auto file = directory->create("f", size).value();
  Bytes content(size);
  auto const head = pattern(used);
  std::copy(head.begin(), head.end(), content.begin());
  BOOST_REQUIRE(!write(*directory, *file, 0, content, Persistence::durable));
  auto const blocks_before = blocks();
  directory->release_zeros("f", used);
  BOOST_TEST(blocks() < blocks_before);
  BOOST_TEST(file->size().value() == size);
  BOOST_TEST((read(*file, size) == content));
  directory->release_zeros("missing", 0);
}

BOOST_AUTO_TEST_CASE(created_file_replaces_the_old_one_and_is_private) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  BOOST_REQUIRE(directory->create("file", 4 * block));
  auto const file = directory->create("file", block);
  BOOST_REQUIRE(file);
  BOOST_TEST((*file)->size().value() == block);
  struct stat found {};
  BOOST_REQUIRE_EQUAL(::stat(place.path_of("file").c_str(), &found), 0);
  BOOST_TEST((found.st_mode & 07777U) == 0600U);
  BOOST_TEST(found.st_blocks * 512 >= static_cast<blkcnt_t>(block));
}

BOOST_AUTO_TEST_CASE(missing_directory_is_made_but_not_its_parent) {
  TemporaryDirectory const place;
  open_directory(place.path_of("log"), {});
  struct stat found {};
  BOOST_REQUIRE_EQUAL(::stat(place.path_of("log").c_str(), &found), 0);
  BOOST_TEST((found.st_mode & 07777U) == 0700U);
  BOOST_TEST(failure_of({.path = place.path_of("no/log")}) ==
             place.path_of("no/log") + ": cannot make the directory: No such file or directory");
  write_text(place.path_of("file"), "text");
  BOOST_TEST(failure_of({.path = place.path_of("file")}) ==
             place.path_of("file") + ": cannot open the directory: Not a directory");
}

BOOST_AUTO_TEST_CASE(probe_leaves_nothing_behind) {
  TemporaryDirectory const place;
  open_directory(place.path(), {});
  BOOST_TEST(open_directory(place.path(), {})->list().value().empty());
}

BOOST_AUTO_TEST_CASE(directory_that_everyone_may_write_is_refused) {
  TemporaryDirectory const place;
  BOOST_REQUIRE_EQUAL(::chmod(place.path().c_str(), 0777), 0);
  BOOST_TEST(failure_of({.path = place.path()}) ==
             place.path() + ": everyone may write here; try chmod o-w");
}

BOOST_AUTO_TEST_CASE(lock_is_for_one_until_it_ends) {
  TemporaryDirectory const place;
  auto first = open_directory(place.path(), {});
  auto const second = open_directory(place.path(), {});
  BOOST_REQUIRE(first->lock());
  auto const refused = second->lock();
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().code == make_error_code(Errc::locked));
  BOOST_TEST(refused.error().message == place.path() + ": another process uses this directory");
  first.reset();
  BOOST_TEST(second->lock().has_value());
}

// LOCK is a file like any other: what counts is the directory, whatever path leads to it.
BOOST_AUTO_TEST_CASE(lock_holds_whatever_becomes_of_the_file_and_by_whatever_path_one_comes) {
  TemporaryDirectory const place;
  TemporaryDirectory const elsewhere;
  auto const log = place.path_of("log");
  auto const first = open_directory(log, {});
  BOOST_REQUIRE(first->lock());
  auto const is_locked = [](std::string const& path) {
    auto const locked = open_directory(path, {})->lock();
    return !locked && locked.error().code == make_error_code(Errc::locked);
  };
  auto const lock_file = log + "/LOCK";
  BOOST_REQUIRE_EQUAL(::unlink(lock_file.c_str()), 0);
  BOOST_TEST(is_locked(log), "LOCK was removed");
  BOOST_TEST(::access(lock_file.c_str(), F_OK) != 0);
  write_text(lock_file, "");
  BOOST_TEST(is_locked(log), "LOCK was replaced");
  BOOST_REQUIRE_EQUAL(::symlink(log.c_str(), place.path_of("link").c_str()), 0);
  BOOST_TEST(is_locked(place.path_of("link")), "through a symbolic link");
  BOOST_REQUIRE_EQUAL(::rename(log.c_str(), place.path_of("moved").c_str()), 0);
  BOOST_TEST(is_locked(place.path_of("moved")), "under another name");
  if (::mount(place.path_of("moved").c_str(), elsewhere.path().c_str(), nullptr, MS_BIND,
              nullptr) == 0) {
    Mounted const mounted{elsewhere.path().c_str()};
    BOOST_TEST(is_locked(elsewhere.path()), "through a bind mount");
  } else {
    BOOST_TEST_MESSAGE("not tested: cannot mount a directory twice");
  }
}

BOOST_AUTO_TEST_CASE(who_only_asks_learns_that_a_log_is_in_use_and_takes_nothing) {
  TemporaryDirectory const place;
  auto const directory = open_offline_directory(place.path(), OfflineAccess::read);
  BOOST_REQUIRE(directory.has_value());
  BOOST_TEST(!directory->in_use());
  auto held = open_directory(place.path(), {});
  BOOST_REQUIRE(held->lock());
  BOOST_TEST(directory->in_use());
  BOOST_REQUIRE_EQUAL(::unlink(place.path_of("LOCK").c_str()), 0);
  BOOST_TEST(directory->in_use(), "also without LOCK");
  held.reset();
  BOOST_TEST(!directory->in_use());
}

BOOST_AUTO_TEST_CASE(a_place_that_was_replaced_is_found_out) {
  struct Case {
    char const* what;
    std::function<void(std::string const& log)> change;
    bool lost;
  };
  auto const run = [](std::string const& path, int (*call)(char const*)) { call(path.c_str()); };
  Case const cases[] = {
      {"nothing", [](auto const&) {}, false},
      {"LOCK removed", [&](auto const& log) { run(log + "/LOCK", ::unlink); }, false},
      {"the file removed", [&](auto const& log) { run(log + "/segment", ::unlink); }, true},
      {"the file moved away",
       [](auto const& log) { ::rename((log + "/segment").c_str(), (log + "/other").c_str()); },
       true},
      {"another file in its place",
       [](auto const& log) {
         write_text(log + "/new", "");
         ::rename((log + "/new").c_str(), (log + "/segment").c_str());
       },
       true},
      {"the directory moved away",
       [](auto const& log) { ::rename(log.c_str(), (log + "-old").c_str()); }, true},
      {"another directory in its place",
       [](auto const& log) {
         ::rename(log.c_str(), (log + "-old").c_str());
         ::mkdir(log.c_str(), 0700);
       },
       true},
      {"a file in its place",
       [](auto const& log) {
         ::rename(log.c_str(), (log + "-old").c_str());
         write_text(log, "");
       },
       true},
      {"moved, and a link to it",
       [](auto const& log) {
         ::rename(log.c_str(), (log + "-old").c_str());
         (void)!::symlink((log + "-old").c_str(), log.c_str());
       },
       false},
  };
  for (auto const& [what, change, lost] : cases) {
    BOOST_TEST_CONTEXT(what) {
      TemporaryDirectory const place;
      auto const log = place.path_of("log");
      auto const directory = open_directory(log, {});
      BOOST_REQUIRE(directory->lock());
      auto const file = directory->create("segment", block);
      BOOST_REQUIRE(file);
      BOOST_REQUIRE(directory->check_place("segment", file->get()));
      change(log);
      auto const found = directory->check_place("segment", file->get());
      BOOST_TEST(found.has_value() == !lost);
      if (!found) BOOST_TEST(found.error().code == make_error_code(Errc::replaced));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_knows_when_it_has_no_name_any_more) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  auto const file = directory->create("segment", block);
  BOOST_REQUIRE(file);
  BOOST_TEST((*file)->has_name());
  BOOST_REQUIRE(directory->rename("segment", "renamed"));
  BOOST_TEST((*file)->has_name());
  BOOST_REQUIRE(directory->remove("renamed"));
  BOOST_TEST(!(*file)->has_name());
}

BOOST_AUTO_TEST_CASE(planted_names_are_refused_and_their_targets_left_alone) {
  TemporaryDirectory const place;
  TemporaryDirectory const outside;
  std::string const target = outside.path_of("target");
  struct Planting {
    char const* kind;
    std::function<int(char const*)> plant;
  };
  Planting const plantings[] = {
      {"a symbolic link", [&](char const* name) { return ::symlink(target.c_str(), name); }},
      {"hard links", [&](char const* name) { return ::link(target.c_str(), name); }},
      {"not a regular file", [&](char const* name) { return ::mkfifo(name, 0600); }},
  };
  auto const directory = open_directory(place.path(), {});
  for (auto const& [kind, plant] : plantings) {
    BOOST_TEST_CONTEXT(kind) {
      write_text(target, "precious");
      for (auto const* const name : {"segment", "LOCK"}) {
        BOOST_REQUIRE_EQUAL(plant(place.path_of(name).c_str()), 0);
      }
      auto const opened = directory->open("segment");
      BOOST_REQUIRE(!opened);
      BOOST_TEST(opened.error().message.starts_with(place.path_of("segment")));
      BOOST_TEST(opened.error().message.find(kind) != std::string::npos);
      BOOST_TEST(!directory->create("segment", block));
      BOOST_TEST(!directory->lock());
      BOOST_TEST(content(target) == "precious");
      BOOST_REQUIRE(directory->remove("segment"));
      BOOST_REQUIRE(directory->remove("LOCK"));
    }
  }
}

BOOST_AUTO_TEST_CASE(file_of_another_user_is_refused) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("not tested: only root can give a file away");
    return;
  }
  TemporaryDirectory const place;
  write_text(place.path_of(segment_1), "text");
  BOOST_REQUIRE_EQUAL(::chown(place.path_of(segment_1).c_str(), 65534, 65534), 0);
  BOOST_TEST(open_directory(place.path(), {})->open(segment_1).error().message ==
             place.path_of(segment_1) + ": belongs to another user");
  // Root inspects a service's directory: the files belong to whom the directory belongs.
  BOOST_REQUIRE_EQUAL(::chown(place.path().c_str(), 65534, 65534), 0);
  BOOST_TEST(open_directory(place.path(), {})->open(segment_1).has_value());
}

BOOST_DATA_TEST_CASE(full_disk_says_so_and_can_still_be_read, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const mounted = mount_at(place.path(), "tmpfs", "size=1m,mode=0700");
  if (!mounted) return;
  auto const directory = open_directory(place.path(), mode);
  Bytes const kept = pattern(block);
  auto const file = directory->create(segment_1, block);
  BOOST_REQUIRE(file);
  BOOST_TEST(!write(*directory, **file, 0, kept, Persistence::durable));

  auto const refused = directory->create(segment_2, 2 << 20);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().code == make_error_code(Errc::no_space));
  BOOST_TEST(refused.error().message ==
             place.path_of(segment_2) + ": cannot reserve 2097152 bytes: No space left on device");

  auto const filler = directory->create(segment_3, 0);
  BOOST_REQUIRE(filler);
  Bytes const much = pattern(2 << 20);
  auto const error = write(*directory, **filler, 0, much, Persistence::cached);
  BOOST_TEST(
      (error == make_error_code(Errc::short_write) || error == make_error_code(Errc::no_space)));
  BOOST_TEST(write(*directory, **filler, 1 << 20, much, Persistence::cached) ==
             make_error_code(Errc::no_space));

  auto const later = open_directory(place.path(), mode);
  BOOST_TEST((read(**later->open(segment_1), block) == kept));
}

// ramfs has neither O_DIRECT nor reservations.
BOOST_AUTO_TEST_CASE(file_system_without_o_direct_is_used_through_the_page_cache) {
  TemporaryDirectory const place;
  auto const mounted = mount_at(place.path(), "ramfs", "mode=0700");
  if (!mounted) return;
  auto const directory = open_directory(place.path(), {});
  BOOST_TEST(directory->describe().starts_with("posix, page cache, "));
  auto const file = directory->create("segment", 4 * block);
  BOOST_REQUIRE_MESSAGE(file, file.error().message);
  BOOST_TEST((*file)->size().value() == 4 * block);
  Bytes const bytes = pattern(4 * block);
  BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::durable));
  BOOST_TEST((read(**directory->open("segment"), 4 * block) == bytes));
}

BOOST_AUTO_TEST_CASE(file_systems_of_other_machines_are_known) {
  BOOST_TEST(remote_file_system(0x6969) == "NFS");
  BOOST_TEST(remote_file_system(0xFF534D42) == "CIFS");
  BOOST_TEST(remote_file_system(0x65735546) == "FUSE");
  BOOST_TEST(remote_file_system(0x01021997) == "9p");
  BOOST_TEST(remote_file_system(0x00C36400) == "Ceph");
  for (std::uint32_t const local :
       {0xEF53U /* ext4 */, 0x58465342U /* XFS */, 0x9123683EU /* btrfs */,
        0x794C7630U /* overlay */, 0x01021994U /* tmpfs */, 0x2FC12FC1U /* ZFS */}) {
    BOOST_TEST(remote_file_system(local) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::wal::test
