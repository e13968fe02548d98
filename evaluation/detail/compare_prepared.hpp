// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "evaluation/compare_layers.hpp"
#include "evaluation/comparison_frame.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace plat::detail {

/// What is drawn for the pixel rates, in the frame.
struct DrawnGround {
  std::span<const MultiPolygon> predicted;
  std::span<const MultiPolygon> truth;
  std::span<const MultiPolygon> not_judged;  ///< pixels there count for neither side
};

/// In which order predicted objects choose, highest score first; empty without a name: in file order. Throws DataError
/// where an object has no such number.
std::vector<int64_t> order_by_score(const FeatureLayer& layer, const PreparedLayer& prepared, const std::string& name);

/// Matches the objects of two sides and counts the pixels of the ground. The result has no CRS yet.
Comparison compare_prepared(const PreparedLayer& predicted, const PreparedLayer& truth, const DrawnGround& ground,
                            std::span<const int64_t> order, const CompareOptions& options, const Progress& progress);

}  // namespace plat::detail
