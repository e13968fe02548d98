// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/compare_changes.hpp"
#include "geo/crs.hpp"
#include "geo/mask_values.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// One side of a comparison of changes.
struct ChangesInput {
  ChangeLayer changes;
  Crs crs;                           ///< of the file
  std::optional<MaskValues> raster;  ///< of a raster: 1 where it has changed, 0 where not, or kUnknownPixel
};

/// Names of the kinds that can count as change: all but unchanged and unknown.
std::vector<std::string> changing_kinds();

/// Reads changes from a vector layer; `layer` empty means the one named "changes", else the only one. Of a series only those of
/// a `step` (the attribute of that name, from 1), which a file of one step need not have where `is_series` is false. Throws IoError; DataError where a kind is none, and where a file
/// of several steps is read without one, or has not the one asked for.
ChangesInput read_changes(const std::string& path, const std::string& layer, const std::optional<int64_t>& step,
                          bool is_series, std::vector<std::string>& warnings);
/// Takes a mask of changes apart; objects are connected pixels.
ChangesInput changes_of_mask(MaskValues mask);
/// Finds the changes between two layers of objects, by the default rules in one equal-area frame. `layer` names the layer in
/// both files; empty means the one named "before" or "after", else the only one. Objects of different `class` are never
/// compared where both layers tell it. Throws IoError, DataError.
ChangesInput find_changes_between(const std::string& before, const std::string& after, const std::string& layer,
                                  std::vector<std::string>& warnings);

}  // namespace plat
