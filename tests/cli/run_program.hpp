// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/test_data.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace plat::test {

/// What a run of the program left behind.
struct ProgramRun {
  int code = -1;  ///< exit code; 128 + the signal where one ended it; 124 where it ran out of time
  std::string out;
  std::string err;
  int64_t peak_bytes = 0;
};

/// What a process may take that needs this many bytes. AddressSanitizer shadows every eight bytes with one, and holds
/// freed blocks back up to its quarantine's size of 256 MiB.
constexpr int64_t with_sanitizer(int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  return bytes + bytes / 8 + (int64_t{256} << 20);
#else
  return bytes;
#endif
}

/// How many times longer a run may take: unoptimized code under a sanitizer is several times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr double kSlower = 5;
#else
inline constexpr double kSlower = 1;
#endif

/// An argument for --ram: this many bytes, and what a sanitizer takes besides.
inline std::string ram_argument(int64_t bytes) { return std::to_string(with_sanitizer(bytes) / 1'000'000) + "MB"; }

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Runs plat with these arguments in `folder` and waits for its end. `meanwhile` is called with the process's number once
/// it runs; `before` in the new process before it becomes plat, with stdout and stderr already going to files.
inline ProgramRun run_plat(const TemporaryFolder& folder, const std::vector<std::string>& arguments,
                           double limit_seconds = 120, const std::function<void(pid_t)>& meanwhile = {},
                           const std::function<void()>& before = {}) {
  const std::string out = folder.file(".stdout");
  const std::string err = folder.file(".stderr");
  const pid_t child = fork();
  if (child == 0) {
    const auto redirect = [](const std::string& path, int target) {
      const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      dup2(file, target);
    };
    redirect(out, STDOUT_FILENO);
    redirect(err, STDERR_FILENO);
    if (chdir(folder.path().c_str()) != 0) _exit(127);
    if (before) before();
    std::vector<std::string> texts = {PLAT_BINARY};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    execv(PLAT_BINARY, pointers.data());
    _exit(127);
  }
  if (meanwhile) meanwhile(child);
  ProgramRun run;
  int status = 0;
  rusage usage{};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_seconds * kSlower);
  bool late = false;
  while (wait4(child, &status, WNOHANG, &usage) == 0) {
    if (!late && std::chrono::steady_clock::now() > deadline) {
      late = true;
      kill(child, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  run.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (late) run.code = 124;
  run.peak_bytes = static_cast<int64_t>(usage.ru_maxrss) * 1024;
  run.out = read_text(out);
  run.err = read_text(err);
  return run;
}

}  // namespace plat::test
