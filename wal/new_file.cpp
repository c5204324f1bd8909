#include "wal/new_file.hpp"

#include "wal/aligned_buffer.hpp"
#include "wal/segment_name.hpp"

namespace stele::wal {
namespace {

struct Outcome final : Completion {
  void on_complete(boost::system::error_code result) noexcept override {
    error = result;
    done = true;
  }
  boost::system::error_code error{};
  bool done = false;
};

Result<void> await(Directory& directory, Outcome const& outcome, std::string const& what) {
  while (!outcome.done) directory.wait();
  if (outcome.error) return Failure{outcome.error, what + ": " + outcome.error.message()};
  return {};
}

}  // namespace

NewFile::NewFile(Directory& directory, std::string_view name)
    : directory_(&directory),
      name_(name),
      unfinished_name_(name_ + std::string(unfinished_suffix)) {}

Result<NewFile> NewFile::create(Directory& directory, std::string_view name, std::uint64_t bytes) {
  NewFile made(directory, name);
  auto file = directory.create(made.unfinished_name_, bytes);
  if (!file) return file.error();
  made.file_ = std::move(*file);
  made.bytes_ = bytes;
  return made;
}

Result<void> NewFile::write(std::uint64_t offset, std::span<std::byte const> bytes) {
  Outcome written;
  file_->write_at(offset, bytes, Persistence::cached, written);
  return await(*directory_, written, unfinished_name_);
}

Result<void> NewFile::finish(std::uint64_t zeros_from) {
  if (zeros_from < bytes_) directory_->release_zeros(unfinished_name_, zeros_from);
  Outcome synced;
  file_->sync(synced);
  if (auto const done = await(*directory_, synced, unfinished_name_); !done) return done;
  return directory_->rename(unfinished_name_, name_);
}

Result<void> write_file(Directory& directory, std::string_view name,
                        std::span<std::byte const> bytes) {
  auto file = NewFile::create(directory, name, bytes.size());
  if (!file) return file.error();
  if (auto const written = file->write(0, bytes); !written) return written;
  return file->finish(bytes.size());
}

Result<void> sync_names(Directory& directory) {
  Outcome synced;
  directory.sync(synced);
  return await(directory, synced, "sync of the directory");
}

Result<void> write_manifest(Directory& directory, Manifest const& manifest) {
  AlignedBuffer block(manifest_bytes);
  std::span<std::byte, manifest_bytes> const encoded(block.data(), manifest_bytes);
  encode_manifest(manifest, encoded);
  if (auto const written = write_file(directory, manifest_name, encoded); !written) return written;
  return sync_names(directory);
}

}  // namespace stele::wal
