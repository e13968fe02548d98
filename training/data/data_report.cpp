// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_report.hpp"

#include "core/text.hpp"
#include "training/data/data_files.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

namespace plat {
namespace {

using Json = nlohmann::ordered_json;

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string area_text(double area_m2) {
  if (area_m2 >= 1e6) return format("%.2f km²", area_m2 / 1e6);
  return area_m2 >= 1e4 ? format("%.2f ha", area_m2 / 1e4) : format("%.0f m²", area_m2);
}

/// What is said of a scene by its path, to end its line with.
std::string rule_text(const ImageRule& rule) {
  std::string text;
  if (rule.left_out) text += "; left out of training whole";
  if (rule.weight != 1) text += format("; drawn %.4g times as often as by area", rule.weight);
  if (rule.label_margin_m > 0) text += format("; labels not trusted within %.4g m of outlines", rule.label_margin_m);
  if (rule.incomplete) text += "; labels incomplete, background away from objects does not count";
  return text;
}

/// How the ground is split.
std::string split_text(const DataReport& report) {
  if (report.left_out_whole == 0) return report.split.how;
  const std::string left_out = counted(report.left_out_whole, "scene") + " left out whole";
  return report.split.blocks == 0 && report.split.how == "no validation" ? left_out
                                                                         : left_out + "; " + report.split.how;
}

/// The names of the label files of some images, each once.
std::string labels_of(const std::vector<ImageLabels>& images) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const ImageLabels& image : images) {
    for (const LabelSource& source : image.labels) {
      if (seen.insert(source.path).second) names.push_back(file_name(source.path));
    }
  }
  return some_of(names);
}

std::string line_of(const ReportedScene& scene) {
  return scene.name + " with " + labels_of(scene.images) + ", " + scene.images.front().how + ": " +
         std::to_string(scene.width) + " x " + std::to_string(scene.height) +
         format(" pixels of %.3f m, ", scene.gsd_m) + std::to_string(scene.objects) +
         format(" objects; %.0f %% for training, %.0f %% for validation", 100 * scene.training,
                100 * scene.validation) +
         (scene.training + scene.validation < 0.995 ? format(", %.0f %% left out (no data, or no labels there)",
                                                             100 * (1 - scene.training - scene.validation))
                                                    : "") +
         rule_text(scene.rule);
}

std::string line_of(const ReportedNegative& negative) {
  return file_name(negative.image) + ", background only: " + std::to_string(negative.width) + " x " +
         std::to_string(negative.height) + format(" pixels of %.3f m, ", negative.gsd_m) + area_text(negative.area_m2) +
         " used" + (negative.pixel_by_pixel ? ", pixels taken for those of the model" : "");
}

void add_limited(std::vector<std::string>& lines, const std::vector<std::string>& more, std::size_t limit,
                 const char* what) {
  const std::size_t shown = more.size() <= limit + 1 ? more.size() : limit;
  lines.insert(lines.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(shown));
  if (shown < more.size()) lines.push_back("and " + std::to_string(more.size() - shown) + " more " + what);
}

Json json_of(const LabelShift& shift, double gsd_m) {
  return {{"col", shift.col},
          {"row", shift.row},
          {"right_m", shift.col * gsd_m},
          {"down_m", shift.row * gsd_m},
          {"confidence", shift.confidence},
          {"rivalry", shift.rivalry},
          {"clear", shift.clear}};
}

Json json_of(const ReportedSide& side) { return {{"area_m2", side.area_m2}, {"objects", side.objects}}; }

}  // namespace

std::vector<std::string> lines_of(const DataReport& report, std::size_t limit) {
  std::map<std::string, int64_t> ways;
  int64_t images = 0;
  int64_t objects = 0;
  std::vector<std::string> scenes;
  for (const ReportedScene& scene : report.scenes) {
    for (const ImageLabels& image : scene.images) ++ways[image.how];
    images += static_cast<int64_t>(scene.images.size());
    objects += scene.objects;
    scenes.push_back(line_of(scene));
  }
  std::vector<std::string> counts;
  for (const auto& [how, count] : ways) counts.push_back(std::to_string(count) + " " + how);
  std::vector<std::string> lines = {"images with labels: " + std::to_string(images) + " (" + some_of(counts, 4) +
                                    "), " + std::to_string(objects) + " objects"};
  add_limited(lines, scenes, limit, "scenes");
  std::vector<std::string> negatives;
  for (const ReportedNegative& negative : report.negatives) negatives.push_back(line_of(negative));
  if (!negatives.empty())
    lines.push_back("images without objects: " + std::to_string(negatives.size()) +
                    format(", in %.3g %% of the crops", 100 * report.negatives_share));
  add_limited(lines, negatives, limit, "without objects");
  std::vector<std::string> left_out;
  for (const LeftOut& left : report.left_out)
    left_out.push_back("left out: " + file_name(left.path) + ": " + left.reason);
  add_limited(lines, left_out, limit, "left out");
  for (const Finding& finding : report.findings)
    lines.push_back((finding.severity == Severity::Warning ? "check this: " : "checked: ") + finding.text);
  lines.push_back("split: training " + area_text(report.training.area_m2) + " with " +
                  std::to_string(report.training.objects) + " objects, validation " +
                  area_text(report.validation.area_m2) + " with " + std::to_string(report.validation.objects) +
                  " objects; " + split_text(report));
  return lines;
}

std::string to_json(const DataReport& report) {
  Json json = {{"scenes", Json::array()}, {"left_out", Json::array()}, {"checks", Json::array()}};
  for (const ReportedScene& scene : report.scenes) {
    Json images = Json::array();
    for (const ImageLabels& image : scene.images) {
      Json labels = Json::array();
      for (const LabelSource& source : image.labels) labels.push_back(source.path);
      images.push_back({{"image", image.image}, {"labels", labels}, {"paired", image.how}});
    }
    json["scenes"].push_back({{"name", scene.name},
                              {"images", images},
                              {"width", scene.width},
                              {"height", scene.height},
                              {"gsd_m", scene.gsd_m},
                              {"objects", scene.objects},
                              {"training", scene.training},
                              {"validation", scene.validation},
                              {"left_out_whole", scene.rule.left_out},
                              {"weight", scene.rule.weight},
                              {"label_margin_m", scene.rule.label_margin_m},
                              {"incomplete", scene.rule.incomplete},
                              {"shift", json_of(scene.shift, scene.gsd_m)}});
  }
  json["negatives"] = Json::array();
  for (const ReportedNegative& negative : report.negatives) {
    json["negatives"].push_back({{"image", negative.image},
                                 {"width", negative.width},
                                 {"height", negative.height},
                                 {"gsd_m", negative.gsd_m},
                                 {"area_m2", negative.area_m2},
                                 {"pixel_by_pixel", negative.pixel_by_pixel}});
  }
  for (const LeftOut& left : report.left_out)
    json["left_out"].push_back({{"path", left.path}, {"reason", left.reason}});
  for (const Finding& finding : report.findings) {
    json["checks"].push_back({{"check", finding.check},
                              {"severity", finding.severity == Severity::Warning ? "warning" : "note"},
                              {"count", finding.count},
                              {"text", finding.text}});
  }
  json["split"] = {{"how", split_text(report)},
                   {"block_m", report.split.block_m},
                   {"blocks", report.split.blocks},
                   {"validation_blocks", report.split.validation_blocks},
                   {"redraws", report.split.redraws},
                   {"training", json_of(report.training)},
                   {"validation", json_of(report.validation)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace plat
