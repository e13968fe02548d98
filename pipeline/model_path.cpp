// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_path.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace plat {
namespace fs = std::filesystem;

std::vector<std::string> model_folders() {
  std::vector<fs::path> candidates;
  if (const char* named = std::getenv("PLAT_MODELS")) {
    for (const std::string& folder : split(named, ':')) {
      if (!folder.empty()) candidates.emplace_back(folder);
    }
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path folder = program.parent_path();
    candidates.push_back(folder.parent_path() / "share" / "plat" / "models");
    // A build folder lies somewhere below the source tree: build/<preset>/bin.
    for (fs::path up = folder; up != up.root_path(); up = up.parent_path()) {
      if (fs::exists(up / "data" / "models", error) && fs::exists(up / "CMakeLists.txt", error)) {
        candidates.push_back(up / "data" / "models");
        break;
      }
    }
  }
  std::vector<std::string> folders;
  for (const fs::path& candidate : candidates) {
    if (fs::is_directory(candidate, error)) folders.push_back(candidate.string());
  }
  return folders;
}

std::string find_model(const std::string& name) {
  const std::string wanted = name.empty() ? kDefaultModel : name;
  std::error_code error;
  const std::vector<std::string> folders = model_folders();
  // A bare name means the model that ships even where a folder of that name happens to lie in the working directory.
  if (wanted.find('/') == std::string::npos) {
    for (const std::string& folder : folders) {
      const fs::path path = fs::path(folder) / wanted;
      if (fs::is_directory(path, error)) return path.string();
    }
    if (wanted == "threshold") return wanted;
  }
  if (fs::is_directory(wanted, error)) return wanted;
  throw ModelError(
      "no model '" + wanted + "': it is no folder, and " +
      (folders.empty() ? "no folder of models was found" : "none of that name lies in " + join(folders, ", ")) +
      ". Pass the path of a model folder, or name the folder that holds it in PLAT_MODELS.");
}

}  // namespace plat
