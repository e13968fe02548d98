// SPDX-License-Identifier: Apache-2.0
#include "training/run_folder.hpp"

#include "core/error.hpp"

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
  const std::string temporary = path + ".part";
  {
    std::ofstream file(temporary);
    file << text;
    file.flush();
    if (!file) throw IoError(temporary + ": cannot be written");
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) throw IoError(path + ": " + error.message());
}

void RunFolder::open(const TrainOptions& options) const {
  const std::string json = to_json(options);
  const bool is_run = std::filesystem::exists(config());
  if (options.resume) {
    if (!is_run) throw IoError(path_ + ": holds no run to resume; start without --resume");
    const std::string key = difference(nlohmann::json::parse(read_text(config())), nlohmann::json::parse(json), "");
    if (!key.empty())
      throw UsageError(path_ + ": the run was started with another '" + key + "'; resume it with the same options");
  } else if (std::filesystem::exists(path_) && !std::filesystem::is_empty(path_)) {
    if (!options.overwrite)
      throw IoError(path_ + ": exists; pass --overwrite to replace the run or --resume to go on with it");
    if (!is_run) throw IoError(path_ + ": is no run of plat train, so it is not replaced; name another folder");
    for (const std::string& file : {data(), data_json(), metrics(), report(), checkpoint(), best()})
      std::filesystem::remove(file);
    std::filesystem::remove_all(model());
    std::filesystem::remove_all(adapter());
    std::filesystem::remove_all(embeddings());
  }
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) throw IoError(path_ + ": " + error.message());
  write_text(config(), json + "\n");
}

void RunFolder::rewind_metrics(int64_t step) const {
  if (!std::filesystem::exists(metrics())) return;
  std::istringstream lines(read_text(metrics()));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    // A line that was cut short by a kill is no JSON.
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_discarded() && json.value("step", int64_t{0}) <= step) kept += line + "\n";
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
