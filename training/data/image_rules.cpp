// SPDX-License-Identifier: Apache-2.0
#include "training/data/image_rules.hpp"

#include "core/error.hpp"
#include "training/data/stated_pairs.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace plat {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

bool ImageRuleOptions::empty() const { return leave_out.empty(); }

void ImageRuleOptions::validate() const {
  if (std::ranges::any_of(leave_out, &std::string::empty)) throw UsageError("--leave-out needs paths of images");
}

std::string ImageRule::key() const { return left_out ? "left out\n" : ""; }

ImageRules::ImageRules(const ImageRuleOptions& options) {
  for (const std::string& path : options.leave_out) left_out_.push_back({"--leave-out", path, forms_of(path)});
}

bool ImageRules::holds(const Path& path, const std::vector<std::string>& image) {
  return std::ranges::any_of(path.forms, [&image](const std::string& form) {
    return std::ranges::any_of(image, [&form](const std::string& one) { return at_or_below(one, form); });
  });
}

ImageRule ImageRules::of(const std::string& image) const {
  const std::vector<std::string> forms = forms_of(image);
  ImageRule rule;
  rule.left_out = std::ranges::any_of(left_out_, [&forms](const Path& path) { return holds(path, forms); });
  return rule;
}

void ImageRules::note_used(const std::string& image) {
  const std::vector<std::string> forms = forms_of(image);
  for (Path& path : left_out_) path.used = path.used || holds(path, forms);
}

void ImageRules::require_used() const {
  for (const Path& path : left_out_) {
    if (!path.used) throw UsageError(path.option + " " + path.given + ": no image that is used lies at or below it");
  }
}

}  // namespace plat
