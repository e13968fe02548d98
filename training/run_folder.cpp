// SPDX-License-Identifier: Apache-2.0
#include "training/run_folder.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/staged_path.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace plat {
namespace {

// What may change when a run goes on: how long, how fast, how it is reported, and how objects are told apart in the end.
constexpr std::array<const char*, 17> kFreeToChange = {
    "steps",         "minutes", "threads",    "workers", "save_every",  "log_every",   "validate_every",  "keep",
    "ram",           "cache",   "cache_size", "squared", "min_area_m2", "close_gap_m", "tune_thresholds", "retain",
    "retain_objects"};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw IoError(path + ": cannot be read");
  return text.str();
}

/// The first key whose values differ, or nothing.
std::string difference(const nlohmann::json& before, const nlohmann::json& now, const std::string& prefix) {
  for (const auto& [key, value] : now.items()) {
    if (std::find(kFreeToChange.begin(), kFreeToChange.end(), key) != kFreeToChange.end()) continue;
    if (!before.contains(key)) return prefix + key;
    if (value.is_object()) {
      const std::string inner = difference(before.at(key), value, prefix + key + ".");
      if (!inner.empty()) return inner;
    } else if (before.at(key) != value) {
      return prefix + key;
    }
  }
  return "";
}

}  // namespace

void write_text(const std::string& path, const std::string& text) {
  StagedPath staged(path);
  std::ofstream file(staged.path());
  file << text;
  file.close();
  if (!file) throw IoError(path + ": cannot be written");
  staged.commit();
}

void RunFolder::check(const TrainOptions& options) const {
  const bool is_run = std::filesystem::exists(config());
  // The base is asked again when a run goes on and ends, and an adapter refers to it.
  if (!options.init.empty() && lies_in(options.init, path_))
    throw UsageError(options.init + ": lies in the folder of the run itself; give the new run another folder with -o");
  if (options.resume) {
    if (!is_run) throw IoError(path_ + ": holds no run to resume; start without --resume");
    const std::string key =
        difference(nlohmann::json::parse(read_text(config())), nlohmann::json::parse(to_json(options)), "");
    if (!key.empty())
      throw UsageError(path_ + ": the run was started with another '" + key + "'; resume it with the same options");
  } else if (std::filesystem::exists(path_) && !std::filesystem::is_empty(path_)) {
    if (!options.overwrite)
      throw IoError(path_ + ": exists; pass --overwrite to replace the run or --resume to go on with it");
    if (!is_run) throw IoError(path_ + ": is no run of plat train, so it is not replaced; name another folder");
  }
}

void RunFolder::open(const TrainOptions& options) const {
  check(options);
  if (!options.resume) {
    // The checkpoint goes first: what is left of a run is not resumed.
    for (const std::string& file : {checkpoint(), data(), data_json(), metrics(), report(), best()})
      std::filesystem::remove(file);
    for (const std::string& folder : {model(), adapter(), embeddings()}) std::filesystem::remove_all(folder);
  }
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) throw IoError(path_ + ": " + error.message());
  write_text(config(), to_json(options) + "\n");
}

void RunFolder::rewind_metrics(int64_t step, int64_t validated) const {
  if (!std::filesystem::exists(metrics())) return;
  std::istringstream lines(read_text(metrics()));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    // A line that was cut short by a kill is no JSON.
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_discarded()) continue;
    if (json.value("step", int64_t{0}) <= (json.contains("pixel_iou") ? validated : step)) kept += line + "\n";
  }
  write_text(metrics(), kept);
}

void RunFolder::add_metrics(const std::string& json_line) const {
  std::ofstream file(metrics(), std::ios::app);
  file << json_line << "\n";
  file.flush();
  if (!file) throw IoError(metrics() + ": cannot be written");
}

}  // namespace plat
