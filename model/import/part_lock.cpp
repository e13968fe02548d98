// SPDX-License-Identifier: Apache-2.0
#include "model/import/part_lock.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace plat::detail {
namespace {

constexpr std::chrono::milliseconds kPause{100};

/// Whether an open file still has its name: the run that held it may have given it another one.
bool has_name(int file, const std::string& path) {
  struct stat opened {
  }, named{};
  return fstat(file, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

}  // namespace

PartLock::PartLock(const std::string& path, const std::string& shown) {
  for (bool said = false;;) {
    throw_if_cancelled();
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) throw IoError(path + ": cannot be written: " + std::strerror(errno) + "; check the folder");
    const bool taken = flock(file_, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR);
    if (!taken && has_name(file_, path)) return;
    close(file_);
    file_ = -1;
    if (!taken) continue;
    if (!said) log_info(shown + ": another run is loading it; waiting for that");
    said = true;
    std::this_thread::sleep_for(kPause);
  }
}

PartLock::~PartLock() { close(file_); }

}  // namespace plat::detail
