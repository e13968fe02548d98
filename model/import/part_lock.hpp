// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat::detail {

/// Holds a file that a download grows in, so that of several runs only one appends to it. The file is made where it is
/// missing; a run that ends in any way lets go of it. One thread at a time.
class PartLock {
 public:
  /// Waits until no other run holds the file, and says once that it waits for `shown`. On file systems without locks it
  /// returns at once. Throws IoError where the file cannot be made; Cancelled.
  PartLock(const std::string& path, const std::string& shown);
  ~PartLock();
  PartLock(const PartLock&) = delete;
  PartLock& operator=(const PartLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace plat::detail
