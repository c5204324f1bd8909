#include "faults/mounts.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "support/program.hpp"

namespace stele::test {
namespace {

[[noreturn]] void fail(std::string const& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// Closes on all paths.
struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

/// Binds the file to a free device; -1 and EBUSY if somebody else was faster.
int bind_free_device(int control, int file, std::string& path) {
  int const number = ::ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return -1;
  path = "/dev/loop" + std::to_string(number);
  int const device = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (device < 0) return -1;
  loop_config config{};
  config.fd = static_cast<__u32>(file);
  config.block_size = 512;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  if (::ioctl(device, LOOP_CONFIGURE, &config) == 0) return device;
  int const error = errno;
  ::close(device);
  errno = error;
  return -1;
}

}  // namespace

void enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) fail("a mount namespace of its own");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("private mounts");
}

Mount::Mount(What const& what, std::string path) : path_(std::move(path)) {
  std::filesystem::create_directories(path_);
  if (::mount(what.source.c_str(), path_.c_str(), what.type.c_str(), MS_NOATIME,
              what.options.c_str()) != 0) {
    fail("cannot mount " + what.type + " " + what.source);
  }
  mounted_ = true;
}

Mount::~Mount() {
  if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
}

void Mount::unmount() {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  // A ring gives its files back some time after the process has ended.
  while (::umount2(path_.c_str(), 0) != 0) {
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) {
      fail("cannot unmount " + path_);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  mounted_ = false;
}

bool Mount::remount(unsigned long flags, std::string const& options) {
  return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_NOATIME | flags,
                 options.c_str()) == 0;
}

LoopDevice::LoopDevice(std::string const& file) {
  Descriptor const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (control.number < 0) fail("/dev/loop-control");
  Descriptor const backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (backing.number < 0) fail(file);
  auto const deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    fd_ = bind_free_device(control.number, backing.number, path_);
    if (fd_ >= 0) return;
    if (errno != EBUSY || std::chrono::steady_clock::now() > deadline) fail("a loop device");
    std::this_thread::yield();
  }
}

LoopDevice::~LoopDevice() { ::close(fd_); }

MountedImage::MountedImage(std::string const& image, std::string const& at)
    : device_(image), mount_({device_.path(), "ext4", "errors=remount-ro"}, at) {}

void make_ext4(std::string const& image, std::uint64_t bytes) {
  write_file(image, {});
  std::filesystem::resize_file(image, bytes);
  // Nothing is left to be initialised later: all that the disk sees is the daemon's doing.
  auto const made =
      run_program({"/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-N", "64", "-J",
                   "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", image});
  if (made.exit_code != 0) throw std::runtime_error("mkfs.ext4: " + made.err);
}

void repair_ext4(std::string const& image) {
  auto const checked = run_program({"/sbin/e2fsck", "-f", "-y", image});
  constexpr int all_mended = 1;  // e2fsck(8): 0 clean, 1 mended, others are failures.
  if (checked.exit_code > all_mended) throw std::runtime_error("e2fsck: " + checked.out);
}

}  // namespace stele::test
