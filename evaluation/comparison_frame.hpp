// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/compare_layers.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/geometry.hpp"
#include "geo/overlay.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace plat {

/// The CRS in which two layers are compared: Lambert's equal-area projection about the middle of the second, or of the
/// first where that is empty. Square metres are true there, and shapes hardly bent. Empty without CRS on both sides;
/// throws DataError when one side has a CRS and the other has not.
Crs comparison_crs(const FeatureLayer& predicted, const FeatureLayer& truth);

/// The objects of a layer as they are compared.
struct PreparedLayer {
  std::vector<MultiPolygon> geometry;
  std::vector<int64_t> position;  ///< of each in its layer, from 0
  int64_t left_out = 0;
};

/// Where two layers are compared: the common CRS and the area where the truth is known. Not thread-safe.
class ComparisonFrame {
 public:
  /// Throws DataError as comparison_crs does.
  ComparisonFrame(const FeatureLayer& predicted, const FeatureLayer& truth, const CompareOptions& options);

  const Crs& crs() const { return crs_; }
  /// The objects of a layer brought into the frame; those without area there or below the minimum area are left out.
  PreparedLayer prepare(const FeatureLayer& layer) const;
  /// Each area brought into the frame: reprojected, made valid, cut; empty where nothing is left of it.
  std::vector<MultiPolygon> place(const std::vector<MultiPolygon>& areas, const Crs& from) const;

 private:
  Crs crs_;
  std::optional<AreaClipper> clipper_;
  double min_area_m2_;
};

}  // namespace plat
