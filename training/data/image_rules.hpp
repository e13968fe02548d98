// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace plat {

/// A number that is said of a path.
struct PathValue {
  std::string path;
  double value = 0;
};

/// "PATH=NUMBER" in its parts, or UsageError naming the option.
PathValue parse_path_value(const std::string& text, const std::string& option);

/// What is said of all images at or below a path. Of several numbers for one image that of the deepest path counts.
struct ImageRuleOptions {
  std::vector<std::string> leave_out;    ///< they are kept out of training whole, for validation
  std::vector<PathValue> weights;        ///< how many times as often as by their area they are drawn, > 0
  std::vector<PathValue> label_margins;  ///< metres around outlines in which their labels tell nothing, in (0, 100]
  std::vector<std::string> incomplete;   ///< their labels miss objects

  /// Throws UsageError naming the option.
  void validate() const;
};

/// What holds for one image.
struct ImageRule {
  bool left_out = false;      ///< of training; all of it is validation
  double weight = 1;          ///< crops are drawn so many times as often as by area
  double label_margin_m = 0;  ///< pixels nearer to an outline do not count in the losses
  bool incomplete = false;    ///< background away from objects does not count in the losses

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
    double value = 0;
    std::vector<std::string> forms;  ///< absolute, and with links resolved
    bool used = false;
  };
  static bool holds(const Path& path, const std::vector<std::string>& image);

  /// The number that is said of an image, else `otherwise`.
  static double value_of(const std::vector<Path>& paths, const std::vector<std::string>& image, double otherwise);
  static std::vector<Path> paths_of(const char* option, const std::vector<PathValue>& given);

  std::vector<Path> left_out_;
  std::vector<Path> weights_;
  std::vector<Path> margins_;
  std::vector<Path> incomplete_;
};

}  // namespace plat
