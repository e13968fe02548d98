// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "evaluation/compare_layers.hpp"
#include "evaluation/counts.hpp"
#include "geo/feature_io.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plat {

/// The kind of all changes of a layer that tells no kinds.
inline constexpr std::string_view kChangedKind = "changed";
/// The kind of what is on both dates.
inline constexpr std::string_view kUnchangedKind = "unchanged";
/// The kind of what was not seen on one date: its ground is not judged.
inline constexpr std::string_view kUnknownKind = "unknown";

/// What became of the objects of two dates.
struct ChangeLayer {
  FeatureLayer objects;            ///< outlines after, or before of what vanished
  std::vector<std::string> kinds;  ///< one an object
  /// One an object: the ground that differs between the dates; where it is not known, the outline stands for it.
  std::vector<std::optional<MultiPolygon>> ground;

  void add(Feature object, std::string kind, std::optional<MultiPolygon> changed_ground = {});
};

/// How predicted changes are compared with true ones.
struct ChangeCompareOptions {
  ChangeCompareOptions() { compare.nothing_is_right = true; }

  CompareOptions compare;  ///< where neither side has a change, that is right: its rates are 1
  /// Which kinds count as change, beside "changed": those whose ground is built on at one date only.
  std::vector<std::string> kinds = {"appeared", "vanished", "grown", "shrunk"};
};

/// The changes of one kind; matched are pairs of which both sides have this kind.
struct KindCounts {
  std::string kind;
  ObjectCounts objects;
};

struct ChangeComparison {
  Comparison changes;             ///< objects matched whatever their kind; pixels of the ground that changed
  std::vector<KindCounts> kinds;  ///< as the options order them; empty unless both sides tell kinds
  /// Of the matched pairs how many have each true kind (row) and predicted kind (column), in the order of `kinds`.
  std::vector<std::vector<int64_t>> confusion;
  int64_t wrong_kind = 0;                ///< matched pairs of different kinds
  int64_t unchanged = 0;                 ///< objects that are truly unchanged
  int64_t unchanged_called_changed = 0;  ///< those of which predicted changes cover at least half
  int64_t predicted_not_judged = 0;      ///< changes at least half on ground that is not judged: left out
  int64_t truth_not_judged = 0;
  int64_t predicted_by_outline = 0;  ///< changes other than appeared and vanished whose outline stands for their ground
  int64_t truth_by_outline = 0;
};

/// Compares changes in one equal-area frame, as compare_layers does. Where both sides tell kinds, objects are matched by
/// their outlines, else by the ground that changed. The pixel rates are those of that ground. Ground of the kind "unknown"
/// on either side is not judged. Throws as compare_layers does.
ChangeComparison compare_changes(const ChangeLayer& predicted, const ChangeLayer& truth,
                                 const ChangeCompareOptions& options, const Progress& progress = {});

}  // namespace plat
