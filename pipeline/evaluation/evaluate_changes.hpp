// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/compare_changes.hpp"
#include "pipeline/evaluation/evaluate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// What of two files of changes is compared, and where.
struct EvaluateChangesOptions {
  EvaluateOptions evaluate;  ///< as for objects
  /// Which kinds count as change: any of `change/object_changes.hpp` but unchanged and unknown.
  std::vector<std::string> kinds = ChangeCompareOptions().kinds;
  std::optional<double> threshold;  ///< the prediction is a raster of probabilities, changed from this one; in (0, 1]
  std::optional<int64_t> step;      ///< the prediction is a series, of which this step counts, from 1
  std::string truth_before;         ///< layers of objects at both dates, in place of a file of true changes
  std::string truth_after;
};

/// How predicted changes compare with true ones.
struct ChangesEvaluation {
  ChangeComparison comparison;
  ChangeCompareOptions options;       ///< as used, pixel size and area filled in
  std::vector<std::string> warnings;  ///< what was odd about the inputs
};

/// Compares predicted changes with true ones, in any CRS. Each file is a vector layer with the attribute `kind` (of several
/// the one named "changes"), one without, whose objects have all changed, or a raster where changed pixels are not 0 and
/// connected ones are an object. Where a file has layers "before" and "after" with an `id` beside, the ground of changes
/// other than appeared and vanished is what of the objects named by before_id and after_id only one date has; else their
/// outline. True changes may also be found (find_changes, with its default rules) between layers of the two dates: `truth`
/// is then empty. Pixel rates of two rasters of one grid are exact, and pixels that are unknown in either are left out.
/// Throws IoError, DataError, UsageError.
ChangesEvaluation evaluate_changes(const std::string& predicted, const std::string& truth,
                                   const EvaluateChangesOptions& options);

}  // namespace plat
