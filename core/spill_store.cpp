// SPDX-License-Identifier: Apache-2.0
#include "core/spill_store.hpp"

#include "core/error.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kPage = int64_t{1} << 20;

std::string folder() {
  std::error_code none;
  const std::filesystem::path path = std::filesystem::temp_directory_path(none);
  return none ? "/tmp" : path.string();
}

[[noreturn]] void fail(const char* what) {
  throw IoError(folder() + ": " + what + " what the scene needs for a while: " + std::strerror(errno) +
                ". Set TMPDIR to a folder with more space, or pass a larger --ram.");
}

}  // namespace

SpillStore::SpillStore(int64_t memory_bytes)
    // Whole pages, so that none lies in both places.
    : memory_bytes_(std::max<int64_t>(0, memory_bytes) / kPage * kPage) {}

SpillStore::~SpillStore() {
  if (file_ >= 0) close(file_);
}

SpillStore::SpillStore(SpillStore&& other) noexcept
    : memory_bytes_(other.memory_bytes_), pages_(std::move(other.pages_)), file_(std::exchange(other.file_, -1)) {}

SpillStore& SpillStore::operator=(SpillStore&& other) noexcept {
  std::swap(memory_bytes_, other.memory_bytes_);
  std::swap(pages_, other.pages_);
  std::swap(file_, other.file_);
  return *this;
}

void SpillStore::open() {
  // A file that no name leads to is gone with the process, however that ends.
  file_ = ::open(folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ >= 0) return;
  // Not all file systems have such files.
  std::string name = folder() + "/plat-XXXXXX";
  file_ = mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) fail("cannot hold");
  unlink(name.c_str());
}

void SpillStore::write(int64_t position, std::span<const std::byte> bytes) {
  while (!bytes.empty() && position < memory_bytes_) {
    const auto page = static_cast<std::size_t>(position / kPage);
    const auto count = std::min(bytes.size(), static_cast<std::size_t>(kPage - position % kPage));
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) pages_[page] = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(kPage));
    std::copy_n(bytes.begin(), count, pages_[page].get() + position % kPage);
    position += static_cast<int64_t>(count);
    bytes = bytes.subspan(count);
  }
  if (!bytes.empty() && file_ < 0) open();
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file_, bytes.data(), bytes.size(), position - memory_bytes_);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("cannot hold");
    position += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void SpillStore::read(int64_t position, std::span<std::byte> bytes) const {
  while (!bytes.empty() && position < memory_bytes_) {
    const auto page = static_cast<std::size_t>(position / kPage);
    const auto count = std::min(bytes.size(), static_cast<std::size_t>(kPage - position % kPage));
    if (page < pages_.size() && pages_[page]) std::copy_n(pages_[page].get() + position % kPage, count, bytes.begin());
    position += static_cast<int64_t>(count);
    bytes = bytes.subspan(count);
  }
  while (!bytes.empty() && file_ >= 0) {
    const ssize_t count = pread(file_, bytes.data(), bytes.size(), position - memory_bytes_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read back");
    if (count == 0) return;
    position += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace plat
