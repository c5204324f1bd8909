#include "wal/file/new_file.hpp"

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/segment_name.hpp"

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
      unfinished_name_(unfinished(name)) {}

Result<NewFile> NewFile::create(Directory& directory, std::string_view name, std::uint64_t bytes) {
  NewFile made(directory, name);
  auto file = directory.create(made.unfinished_name_, bytes);
  if (!file) return file.error();
  made.file_ = std::move(*file);
  made.bytes_ = bytes;
  return made;
}

Result<NewFile> NewFile::create_reserved(Directory& directory, std::string_view name,
                                         std::uint64_t bytes) {
  NewFile made(directory, name);
  auto file = directory.reserve(made.unfinished_name_, bytes);
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

Result<void> NewFile::sync() {
  Outcome synced;
  file_->sync(synced);
  return await(*directory_, synced, unfinished_name_);
}

Result<void> NewFile::finish(std::uint64_t zeros_from) {
  if (zeros_from < bytes_) directory_->release_zeros(unfinished_name_, zeros_from);
  if (auto const synced = sync(); !synced) return synced;
  return directory_->rename(unfinished_name_, name_);
}

Result<void> NewFile::exchange() {
  if (auto const synced = sync(); !synced) return synced;
  return directory_->exchange(unfinished_name_, name_);
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

Result<void> exchange_manifest(Directory& directory, Manifest const& manifest) {
  AlignedBuffer block(manifest_bytes);
  std::span<std::byte, manifest_bytes> const encoded(block.data(), manifest_bytes);
  encode_manifest(manifest, encoded);
  // What is written over is MANIFEST after a power cut until the name of the one in its place is on
  // disk.
  if (auto const synced = sync_names(directory); !synced) return synced;
  auto file = NewFile::create_reserved(directory, manifest_name, encoded.size());
  if (!file) return file.error();
  if (auto const written = file->write(0, encoded); !written) return written;
  if (auto const put = file->exchange(); !put) return put;
  return sync_names(directory);
}

}  // namespace stele::wal
