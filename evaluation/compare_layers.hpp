// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "evaluation/bootstrap.hpp"
#include "evaluation/counts.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How a predicted layer is compared with a true one.
struct CompareOptions {
  double iou = 0.5;        ///< a predicted object is right if its IoU is above this; in (0, 1)
  double min_area_m2 = 0;  ///< objects with less ground are left out on both sides; 0 keeps all
  double gsd_m = 0.5;      ///< pixel size in metres at which both layers are drawn for the pixel rates, from 0.001
  std::string score;       ///< attribute by which predicted objects choose, highest first; empty: in file order
  /// Where the truth is known; unset: wherever either layer has objects. Objects outside are dropped, objects across
  /// its edge are cut.
  std::optional<MultiPolygon> area;
  Crs area_crs;
  double block_m = 128;  ///< side of the blocks that are drawn for the intervals, in metres
  int rounds = 1000;     ///< draws for the intervals, up to a million; 0: none
  uint64_t seed = 1;     ///< of these draws
  /// Whether a report's rates are 1 where neither side has anything; else they have no value there.
  bool nothing_is_right = false;

  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

enum class Outcome { TruePositive, FalsePositive, FalseNegative };
/// "tp", "fp" or "fn".
std::string to_string(Outcome outcome);

/// One object as it was compared: repaired, cut to the area, in the comparison's CRS.
struct ComparedObject {
  MultiPolygon geometry;
  Outcome outcome = Outcome::TruePositive;
  double iou = 0;  ///< with its partner, else the best one (0 when below 0.05)
  double area_m2 = 0;
  int64_t position = 0;  ///< in its layer, from 0
  int64_t partner = -1;  ///< position of its partner in the other layer, or -1
  std::string kind;      ///< of change; empty where objects have none
};

struct Comparison {
  PixelCounts pixels;  ///< true negatives are not counted: how much empty land there is, is anyone's choice
  ObjectCounts objects;
  double mean_iou = 0;                    ///< of the matched pairs
  std::vector<ComparedObject> predicted;  ///< true and false positives
  std::vector<ComparedObject> truth;      ///< true positives and false negatives
  int64_t predicted_left_out = 0;         ///< outside the area, below the minimum area, or without any area
  int64_t truth_left_out = 0;             ///< the same, and those that repeat another one
  int64_t predicted_repeated = 0;         ///< objects that repeat another one: false positives, for one can match only
  int64_t truth_repeated = 0;
  int64_t blocks = 0;  ///< blocks with any object
  std::optional<Interval> precision;
  std::optional<Interval> recall;
  std::optional<Interval> f1;
  std::optional<Interval> pixel_iou;
  Crs crs;  ///< equal-area, metres, about the middle of the data; empty if the layers have no CRS
};

/// Compares two layers, reprojected to one equal-area frame in metres. Without CRS on both sides, coordinates are taken
/// as metres as they are. Throws UsageError where pixels and blocks are too small for so much ground, and DataError when one side has a CRS and the other has not, or the score is missing.
Comparison compare_layers(const FeatureLayer& predicted, const FeatureLayer& truth, const CompareOptions& options,
                          const Progress& progress = {});

}  // namespace plat
