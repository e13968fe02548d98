// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace plat {

/// Bytes at positions from 0 on, as in a file: those below `memory_bytes` lie in memory, the others in a file without a name in
/// the folder for temporary files (TMPDIR), which is made once it is needed. So what grows with a scene has a place whatever
/// its size. What was never written has no value. Throws IoError. Not thread-safe.
class SpillStore {
 public:
  explicit SpillStore(int64_t memory_bytes = std::numeric_limits<int64_t>::max());
  ~SpillStore();
  SpillStore(SpillStore&&) noexcept;
  SpillStore& operator=(SpillStore&&) noexcept;
  void write(int64_t position, std::span<const std::byte> bytes);
  void read(int64_t position, std::span<std::byte> bytes) const;

 private:
  void open();
  int64_t memory_bytes_;
  std::vector<std::unique_ptr<std::byte[]>> pages_;
  int file_ = -1;
};

}  // namespace plat
