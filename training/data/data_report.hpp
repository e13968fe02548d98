// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/data_pool.hpp"
#include "training/data/ground_split.hpp"
#include "training/data/image_rules.hpp"
#include "training/labels/check_finding.hpp"
#include "training/labels/label_shift.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// A scene as it is used.
struct ReportedScene {
  std::string name;
  std::vector<ImageLabels> images;  ///< the files that it was made of, with their labels
  int64_t width = 0;
  int64_t height = 0;
  double gsd_m = 0;
  int64_t objects = 0;
  double training = 0;  ///< shares of its pixels
  double validation = 0;
  LabelShift shift;
  ImageRule rule;
};

/// An image without objects as it is used.
struct ReportedNegative {
  std::string image;
  int64_t width = 0;
  int64_t height = 0;
  double gsd_m = 0;
  double area_m2 = 0;           ///< of the pixels that are shown
  bool pixel_by_pixel = false;  ///< whether crops take its pixels for those of the model
};

/// One side of the split.
struct ReportedSide {
  double area_m2 = 0;
  int64_t objects = 0;
};

/// What the training data is and how it came about.
struct DataReport {
  std::vector<ReportedScene> scenes;
  std::vector<ReportedNegative> negatives;
  double negatives_share = 0;  ///< of the crops that show them
  std::vector<LeftOut> left_out;
  std::vector<Finding> findings;
  SplitReport split;
  int64_t left_out_whole = 0;  ///< scenes that are validation whole because of their path
  ReportedSide training;
  ReportedSide validation;
};

/// The report for people, line by line; of scenes and of what was left out at most `limit` each. File names without folders.
std::vector<std::string> lines_of(const DataReport& report, std::size_t limit);
/// The same for programs, complete: JSON.
std::string to_json(const DataReport& report);

}  // namespace plat
