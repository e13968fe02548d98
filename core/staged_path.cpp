// SPDX-License-Identifier: Apache-2.0
#include "core/staged_path.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <system_error>

namespace plat {
namespace {

namespace fs = std::filesystem;

/// What stands before the process in a staged name.
constexpr const char* kMark = ".plat-";
/// Names may have 255 bytes; the rest of a staged name and longer parts of a format take up to 75.
constexpr std::size_t kMostStemBytes = 180;

std::string hex(uint64_t value, int digits) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%0*llx", digits, static_cast<unsigned long long>(value));
  return std::string(text.data()).substr(0, static_cast<std::size_t>(digits));
}

/// Tells the machine, or the container, in which process numbers are unique: two may share a folder.
const std::string& process_space() {
  static const std::string text = [] {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    struct stat space {};
    stat("/proc/self/ns/pid", &space);
    return hex(std::hash<std::string>{}(host.data() + std::to_string(space.st_ino)), 6);
  }();
  return text;
}

bool is_running(const std::string& process) {
  pid_t number = 0;
  const auto [end, error] = std::from_chars(process.data(), process.data() + process.size(), number);
  if (error != std::errc{} || end != process.data() + process.size() || number <= 0) return true;
  return kill(number, 0) == 0 || errno != ESRCH;
}

/// Removes what staged names beside a target hold whose processes are gone. `start` is all that stands before the process.
void remove_leftovers(const fs::path& folder, const std::string& start) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? fs::path(".") : folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(start)) continue;
    const auto end = name.find('-', start.size());
    if (end == std::string::npos || is_running(name.substr(start.size(), end - start.size()))) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

[[noreturn]] void fail(const std::string& target, int error) {
  throw IoError(target + ": cannot be written: " + std::strerror(error) + "; check the folder's permissions and room");
}

/// Two names change places in one step; false where the file system cannot.
bool exchange(const std::string& a, const std::string& b) {
#if defined(SYS_renameat2) && defined(RENAME_EXCHANGE)
  return syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  (void)a, (void)b;
  return false;
#endif
}

}  // namespace

std::string staged_name(const std::string& target) {
  const fs::path path(target);
  const std::string start = "." + path.stem().string().substr(0, kMostStemBytes) + kMark + process_space() + "-";
  remove_leftovers(path.parent_path(), start);
  static thread_local std::mt19937_64 random{std::random_device{}()};
  fs::path name;
  do {
    name = path.parent_path() /
           (start + std::to_string(getpid()) + "-" + hex(random() >> 32, 8) + path.extension().string());
  } while (fs::exists(fs::symlink_status(name)));
  return name.string();
}

bool is_staged_name(const std::string& name) {
  return name.starts_with('.') && name.find(kMark + process_space() + "-") != std::string::npos;
}

StagedPath::StagedPath(const std::string& target, Kind kind) : target_(target) {
  // A folder's name may end with a slash.
  while (kind == Kind::Folder && target_.size() > 1 && target_.ends_with('/')) target_.pop_back();
  // A link stays one: what it leads to is replaced.
  target_ = behind_links(target_);
  path_ = staged_name(target_);
  if (kind == Kind::Folder && mkdir(path_.c_str(), 0777) != 0) fail(target_, errno);
}

StagedPath::~StagedPath() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(path_, ignored);
}

void StagedPath::commit() {
  replace_path(path_, target_);
  committed_ = true;
}

void replace_path(const std::string& from, const std::string& to) {
  std::error_code error;
  if (!fs::is_directory(from, error) || !fs::exists(fs::symlink_status(to, error))) {
    if (std::rename(from.c_str(), to.c_str()) != 0) fail(to, errno);
    return;
  }
  if (exchange(from, to)) {
    fs::remove_all(from, error);
    return;
  }
  // Not in one step here: for a moment the name is free. No later run takes the other name for a leftover.
  const std::string old = to + ".before-" + std::to_string(getpid());
  if (std::rename(to.c_str(), old.c_str()) != 0) fail(to, errno);
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    const int reason = errno;
    std::rename(old.c_str(), to.c_str());
    fail(to, reason);
  }
  fs::remove_all(old, error);
}

void write_whole_file(const std::string& path, std::string_view bytes) {
  StagedPath staged(path);
  std::ofstream file(staged.path(), std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw IoError(path + ": cannot be written; check that the folder exists and has room");
  staged.commit();
}

}  // namespace plat
