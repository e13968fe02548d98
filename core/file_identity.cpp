// SPDX-License-Identifier: Apache-2.0
#include "core/file_identity.hpp"

#include <filesystem>
#include <system_error>

namespace plat {
namespace {

namespace fs = std::filesystem;

/// Absolute, links followed as far as there is something, without a slash at the end.
fs::path canonical(const std::string& path) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error);
  fs::path full = fs::weakly_canonical(absolute, error);
  if (error) full = absolute.lexically_normal();
  return full.has_filename() || !full.has_relative_path() ? full : full.parent_path();
}

}  // namespace

std::string behind_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel has it
  fs::path end = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(end, error); ++i)
    end = end.parent_path() / fs::read_symlink(end, error);
  return end.string();
}

bool same_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  if (a.starts_with("/vsi") || b.starts_with("/vsi")) return a == b;
  std::error_code error;
  // Device and inode also tell hard links, which have no spelling in common.
  if (fs::exists(a, error) && fs::exists(b, error)) return fs::equivalent(a, b, error);
  return canonical(a) == canonical(b);
}

bool lies_in(const std::string& path, const std::string& folder) {
  if (path.empty() || folder.empty()) return false;
  if (path.starts_with("/vsi") || folder.starts_with("/vsi")) return path == folder || path.starts_with(folder + "/");
  for (fs::path place = canonical(path);; place = place.parent_path()) {
    if (same_file(place.string(), folder)) return true;
    if (place == place.parent_path()) return false;
  }
}

}  // namespace plat
