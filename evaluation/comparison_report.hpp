// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/compare_changes.hpp"
#include "evaluation/compare_layers.hpp"

#include <string>
#include <vector>

namespace plat {

/// A comparison for people: a few lines, ending in a line break. Rates without anything to count are shown as "-".
std::string comparison_text(const Comparison& comparison, const CompareOptions& options);
/// A comparison for machines: one JSON object. Rates without anything to count are null.
std::string comparison_json(const Comparison& comparison, const CompareOptions& options);
/// What a reader of the figures must know: a side without objects, objects left out, too few blocks for intervals.
std::vector<std::string> comparison_remarks(const Comparison& comparison, const CompareOptions& options);

/// Compared changes for people: the same lines, then a table of kinds and the objects called changed that are not.
std::string changes_text(const ChangeComparison& comparison, const ChangeCompareOptions& options);
/// Compared changes for machines: the same object, with `kinds`, `confusion` and `unchanged` beside.
std::string changes_json(const ChangeComparison& comparison, const ChangeCompareOptions& options);

/// Writes each compared object with the attributes side ("predicted" or "truth"), outcome ("tp", "fp", "fn"), iou,
/// area_m2, id (its position in its layer, from 1), partner (the other layer's id, or null) and, of changes, kind, so that
/// errors can be looked at on a map. Coordinates in `crs`.
void write_matches(const std::string& path, const Comparison& comparison, const Crs& crs,
                   const FeatureWriteOptions& options = {});

}  // namespace plat
