// File systems of our own: mounted where only this process and its children see them, so that
// nothing stays behind, however it ends. Failures throw.
#pragma once

#include <cstdint>
#include <string>

namespace stele::test {

/// Makes what this process mounts from now on invisible to all others. Needs root.
void enter_private_mounts();

/// A mounted file system.
class Mount {
 public:
  struct What {
    std::string source{};
    std::string type{};
    std::string options{};
  };
  /// Mounts at `path`, which is made.
  Mount(What const& what, std::string path);
  Mount(Mount const&) = delete;
  Mount& operator=(Mount const&) = delete;
  ~Mount();

  /// Now, instead of when the object ends. Throws if something in it is in use.
  void unmount();
  /// Mounts it again with other options; false, with errno, if the kernel refuses.
  bool remount(unsigned long flags, std::string const& options);
  std::string const& path() const noexcept { return path_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

/// A file as a block device with sectors of 512 bytes, which goes away with its last user.
class LoopDevice {
 public:
  explicit LoopDevice(std::string const& file);
  LoopDevice(LoopDevice const&) = delete;
  LoopDevice& operator=(LoopDevice const&) = delete;
  ~LoopDevice();
  std::string const& path() const noexcept { return path_; }

 private:
  std::string path_{};
  int fd_ = -1;
};

/// An ext4 file system in an image: a block device and a mount.
class MountedImage {
 public:
  MountedImage(std::string const& image, std::string const& at);
  void unmount() { mount_.unmount(); }
  Mount& mount() noexcept { return mount_; }
  std::string const& path() const noexcept { return mount_.path(); }

 private:
  LoopDevice device_;
  Mount mount_;
};

/// Makes a file with an empty ext4 file system in it.
void make_ext4(std::string const& image, std::uint64_t bytes);

/// Checks and mends an ext4 file system that is not mounted, as a boot does: a device that failed
/// may have torn the file system's own blocks, and the kernel refuses to mount those.
void repair_ext4(std::string const& image);

}  // namespace stele::test
