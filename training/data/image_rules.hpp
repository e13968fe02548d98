// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace plat {

/// What is said of all images at or below a path.
struct ImageRuleOptions {
  std::vector<std::string> leave_out;  ///< they are kept out of training whole, for validation

  bool empty() const;
  /// Throws UsageError naming the option.
  void validate() const;
};

/// What holds for one image.
struct ImageRule {
  bool left_out = false;  ///< of training; all of it is validation

  /// Tells rules apart: images are joined only where they have the same. Empty where nothing is said of an image.
  std::string key() const;
};

/// Finds what holds for images, and remembers which paths have had any. Paths are compared as they are and with links resolved;
/// GDAL's virtual paths letter by letter. Not thread-safe.
class ImageRules {
 public:
  explicit ImageRules(const ImageRuleOptions& options);
  ImageRule of(const std::string& image) const;
  /// Marks the paths that an image which is used lies at or below.
  void note_used(const std::string& image);
  /// Throws UsageError naming a path that no image which is used lies at or below.
  void require_used() const;

 private:
  struct Path {
    std::string option;
    std::string given;
    std::vector<std::string> forms;  ///< absolute, and with links resolved
    bool used = false;
  };
  static bool holds(const Path& path, const std::vector<std::string>& image);

  std::vector<Path> left_out_;
};

}  // namespace plat
