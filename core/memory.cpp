// SPDX-License-Identifier: Apache-2.0
#include "core/memory.hpp"

#include "core/error.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>

namespace plat {

int64_t parse_memory(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  std::erase_if(unit, [](unsigned char c) { return std::isspace(c) != 0; });
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::toupper(c); });
  double factor = 0;
  if (unit.empty() || unit == "MB" || unit == "M") factor = 1e6;
  if (unit == "GB" || unit == "G") factor = 1e9;
  if (unit == "KB" || unit == "K") factor = 1e3;
  if (unit == "%") factor = static_cast<double>(total_memory()) / 100.0;
  if (error != std::errc() || factor == 0 || !(value > 0)) {
    throw UsageError("'" + std::string(text) + "' is no amount of memory. Write megabytes as 2048, or 2GB, or 50%.");
  }
  // A number that no machine comes near must not overflow.
  constexpr double kMost = 1e18;
  return static_cast<int64_t>(std::min(value * factor, kMost));
}

std::string format_memory(int64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1e3;
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1e3;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
  return text.data();
}

int64_t total_memory() {
  int64_t bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  std::ifstream limit("/sys/fs/cgroup/memory.max");
  int64_t allowed = 0;
  if (limit >> allowed && allowed > 0) bytes = std::min(bytes, allowed);
  return bytes;
}

int64_t resident_memory() {
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  int64_t resident = 0;
  if (!(statm >> pages >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_memory() {
  // getrusage also counts what the process that started this one held before it did.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view kPeak = "VmHWM:";
    if (line.starts_with(kPeak)) return std::stoll(line.substr(kPeak.size())) * 1024;
  }
  return 0;
}

void keep_freed_pages() {
  // No mmap for large blocks, no trimming of the heap's top, and growth in large steps: freed blocks are used again.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  // Each arena keeps pages of its own, and there would be eight for each core: what many threads free would add up.
  mallopt(M_ARENA_MAX, 4);
}

void return_freed_pages() { malloc_trim(0); }

}  // namespace plat
