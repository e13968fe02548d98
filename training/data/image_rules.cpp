// SPDX-License-Identifier: Apache-2.0
#include "training/data/image_rules.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "training/data/stated_pairs.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr double kMostWeight = 10'000;
constexpr double kWidestMargin_m = 100;

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// The ways to write a path that are compared.
std::vector<std::string> forms_of(const std::string& path) {
  if (is_virtual(path)) return {without_slash(path)};
  std::vector<std::string> forms;
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  forms.push_back(without_slash((error ? fs::path(path) : absolute).lexically_normal().string()));
  const fs::path resolved = fs::weakly_canonical(path, error);
  if (!error && resolved.string() != forms.front()) forms.push_back(without_slash(resolved.string()));
  return forms;
}

bool at_or_below(const std::string& image, const std::string& path) {
  return image == path || path == "/" || (image.starts_with(path) && image[path.size()] == '/');
}

std::vector<PathValue> without_values(const std::vector<std::string>& paths) {
  std::vector<PathValue> all;
  for (const std::string& path : paths) all.push_back({path, 0});
  return all;
}

}  // namespace

PathValue parse_path_value(const std::string& text, const std::string& option) {
  const std::size_t sign = text.rfind('=');
  if (sign == std::string::npos || sign == 0)
    throw UsageError(option + ": '" + text + "' is no PATH=NUMBER, as in data/rio=2");
  return {text.substr(0, sign), parse_number(text.substr(sign + 1), option + " " + text.substr(0, sign))};
}

void ImageRuleOptions::validate() const {
  if (std::ranges::any_of(leave_out, &std::string::empty)) throw UsageError("--leave-out needs paths of images");
  if (std::ranges::any_of(incomplete, &std::string::empty)) throw UsageError("--incomplete needs paths of images");
  for (const PathValue& margin : label_margins) {
    if (!(margin.value > 0 && margin.value <= kWidestMargin_m))
      throw UsageError("--label-margin " + margin.path + ": the margin must be more than 0 m, at most 100 m");
  }
  for (const PathValue& weight : weights) {
    if (!(weight.value > 0 && weight.value <= kMostWeight))
      throw UsageError("--weight " + weight.path + ": the weight must be more than 0, at most 10000");
  }
}

std::string ImageRule::key() const {
  std::string key;
  if (left_out) key += "left out\n";
  if (weight != 1) key += "weight " + std::to_string(weight) + "\n";
  if (label_margin_m > 0) key += "margin " + std::to_string(label_margin_m) + "\n";
  if (incomplete) key += "incomplete\n";
  return key;
}

ImageRules::ImageRules(const ImageRuleOptions& options)
    : left_out_(paths_of("--leave-out", without_values(options.leave_out))),
      weights_(paths_of("--weight", options.weights)),
      margins_(paths_of("--label-margin", options.label_margins)),
      incomplete_(paths_of("--incomplete", without_values(options.incomplete))) {}

std::vector<ImageRules::Path> ImageRules::paths_of(const char* option, const std::vector<PathValue>& given) {
  std::vector<Path> paths;
  for (const PathValue& one : given) paths.push_back({option, one.path, one.value, forms_of(one.path)});
  return paths;
}

bool ImageRules::holds(const Path& path, const std::vector<std::string>& image) {
  return std::ranges::any_of(path.forms, [&image](const std::string& form) {
    return std::ranges::any_of(image, [&form](const std::string& one) { return at_or_below(one, form); });
  });
}

double ImageRules::value_of(const std::vector<Path>& paths, const std::vector<std::string>& image, double otherwise) {
  double value = otherwise;
  std::size_t deepest = 0;
  for (const Path& path : paths) {
    if (!holds(path, image) || path.forms.back().size() < deepest) continue;
    deepest = path.forms.back().size();
    value = path.value;
  }
  return value;
}

ImageRule ImageRules::of(const std::string& image) const {
  const std::vector<std::string> forms = forms_of(image);
  ImageRule rule;
  const auto held = [&forms](const Path& path) { return holds(path, forms); };
  rule.left_out = std::ranges::any_of(left_out_, held);
  rule.incomplete = std::ranges::any_of(incomplete_, held);
  rule.label_margin_m = value_of(margins_, forms, 0);
  rule.weight = value_of(weights_, forms, 1);
  return rule;
}

void ImageRules::note_used(const std::string& image) {
  const std::vector<std::string> forms = forms_of(image);
  for (auto* paths : {&left_out_, &weights_, &margins_, &incomplete_}) {
    for (Path& path : *paths) path.used = path.used || holds(path, forms);
  }
}

void ImageRules::require_used() const {
  for (const auto* paths : {&left_out_, &weights_, &margins_, &incomplete_}) {
    for (const Path& path : *paths) {
      if (!path.used)
        throw UsageError(path.option + " " + path.given + ": no image with labels that is used lies at or below it");
    }
  }
}

}  // namespace plat
