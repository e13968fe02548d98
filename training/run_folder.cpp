// SPDX-License-Identifier: Apache-2.0
#include "training/run_folder.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "training/forgetting/forgetting_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

namespace plat {
namespace {

namespace fs = std::filesystem;

// What may change when a run goes on: how long, how fast, how it is reported, and how objects are told apart in the end.
constexpr std::array<const char*, 17> kFreeToChange = {
    "steps",         "minutes", "threads",    "workers", "save_every",  "log_every",   "validate_every",  "keep",
    "ram",           "cache",   "cache_size", "squared", "min_area_m2", "close_gap_m", "tune_thresholds", "retain",
    "retain_objects"};

/// What a run writes in its folder.
constexpr std::array<std::string_view, 11> kOwn = {"config.json",   "data.txt",    "data.json", "validation",
                                                   "metrics.jsonl", "report.json", "last.pt",   "best.safetensors",
                                                   "adapter",       "embeddings",  "model"};

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

/// All that a run reads, and the folder that it may share with others.
std::vector<std::string> inputs_of(const TrainOptions& o) {
  std::vector<std::string> paths = {o.init, o.encoder, o.architecture, o.method.cache};
  for (const auto* more :
       {&o.data.data, &o.data.scenes, &o.data.labels, &o.data.negatives.paths, &o.forgetting.distil_data,
        &o.forgetting.replay_scenes, &o.forgetting.replay_labels, &o.forgetting.retain})
    paths.insert(paths.end(), more->begin(), more->end());
  return paths;
}

}  // namespace

void RunFolder::check(const TrainOptions& options) const {
  const bool is_run = fs::exists(config());
  // All of it is read again when a run goes on or ends.
  for (const std::string& input : inputs_of(options)) {
    if (lies_in(input, path_))
      throw UsageError(input + ": lies in the folder of the run itself; give the run another folder with -o");
  }
  if (options.resume) {
    if (!is_run) throw IoError(path_ + ": holds no run to resume; start without --resume");
    const std::string key =
        difference(nlohmann::json::parse(read_text(config())), nlohmann::json::parse(to_json(options)), "");
    if (!key.empty())
      throw UsageError(path_ + ": the run was started with another '" + key + "'; resume it with the same options");
  } else if (fs::exists(path_) && !fs::is_empty(path_)) {
    if (!options.overwrite)
      throw IoError(path_ + ": exists; pass --overwrite to replace the run or --resume to go on with it");
    if (!is_run) throw IoError(path_ + ": is no run of plat train, so it is not replaced; name another folder");
  }
}

void RunFolder::open(const TrainOptions& options) {
  check(options);
  if (!options.resume && fs::exists(config())) {
    staged_ = std::make_unique<StagedPath>(path_, StagedPath::Kind::Folder);
    earlier_ = std::exchange(path_, staged_->path());
  }
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw IoError(path_ + ": " + error.message());
  write_whole_file(config(), to_json(options) + "\n");
}

bool RunFolder::has_begun() const { return fs::exists(checkpoint()) || fs::exists(model()); }

void RunFolder::replace_earlier() {
  if (!waits()) return;
  for (const auto& entry : fs::directory_iterator(earlier_)) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::find(kOwn, name) != kOwn.end() || is_staged_name(name)) continue;
    // Both folders have it until only one is left, so that it is never lost.
    constexpr auto kAll = fs::copy_options::recursive | fs::copy_options::copy_symlinks;
    std::error_code error;
    fs::copy(entry.path(), fs::path(path_) / name, kAll | fs::copy_options::create_hard_links, error);
    if (error) fs::copy(entry.path(), fs::path(path_) / name, kAll | fs::copy_options::overwrite_existing);
  }
  staged_->commit();
  staged_.reset();
  path_ = std::move(earlier_);
}

void RunFolder::write_data(const TrainingData& found) const {
  std::string text;
  for (const std::string& line : found.report) text += line + "\n";
  write_whole_file(data(), text);
  write_whole_file(data_json(), found.json + "\n");
  write_kept_out(found.kept_out, validation());
}

void RunFolder::rewind_metrics(int64_t step, int64_t validated) const {
  if (!fs::exists(metrics())) return;
  std::istringstream lines(read_text(metrics()));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    // A line that was cut short by a kill is no JSON.
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_discarded()) continue;
    if (json.value("step", int64_t{0}) <= (json.contains("pixel_iou") ? validated : step)) kept += line + "\n";
  }
  write_whole_file(metrics(), kept);
}

void RunFolder::add_metrics(const std::string& json_line) const {
  std::ofstream file(metrics(), std::ios::app);
  file << json_line << "\n";
  file.flush();
  if (!file) throw IoError(metrics() + ": cannot be written");
}

void RunFolder::add_figures(int64_t step, double seconds, const ValidationFigures& figures, bool by_extraction) const {
  nlohmann::ordered_json line = {{"step", step},
                                 {"seconds", std::round(seconds * 10) / 10},
                                 {"pixel_iou", figures.pixel_iou},
                                 {"object_f1", figures.object_f1},
                                 {"object_precision", figures.object_precision},
                                 {"object_recall", figures.object_recall},
                                 {"true_objects", figures.true_objects}};
  if (by_extraction) line["by_extraction"] = true;
  add_metrics(line.dump());
}

void RunFolder::write_report(const TrainSummary& summary) const {
  nlohmann::ordered_json json = {
      {"steps", summary.steps}, {"seconds", summary.seconds}, {"loss", summary.loss}, {"validation", nullptr}};
  if (summary.pixel_iou)
    json["validation"] = {{"pixel_iou", *summary.pixel_iou},
                          {"object_f1", summary.object_f1.value_or(0)},
                          {"by_extraction", summary.by_extraction}};
  json["forgetting"] = nullptr;
  if (summary.forgetting) json["forgetting"] = nlohmann::ordered_json::parse(to_json(*summary.forgetting));
  write_whole_file(report(), json.dump(2) + "\n");
}

}  // namespace plat
