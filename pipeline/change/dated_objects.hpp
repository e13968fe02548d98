// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "change/object_store.hpp"
#include "geo/grid.hpp"
#include "pipeline/change/pair_scaling.hpp"
#include "pipeline/change/scene_pair.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/scene_run.hpp"
#include "postprocess/stitcher.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace plat {

/// The plane that objects of both dates are matched in: metres on the ground, from the upper left corner of a grid, y downward.
struct MatchingPlane {
  double metres_x = 1;  ///< width of a pixel at the grid's centre
  double metres_y = 1;

  MatchingPlane(const Grid& grid, const std::optional<double>& assumed_gsd_m);
  MultiPolygon from_pixel(const MultiPolygon& pixel) const;
  MultiPolygon to_pixel(const MultiPolygon& metres) const;
};

/// The objects of one date.
struct DatedObjects {
  ObjectStore store;            ///< outlines in the MatchingPlane; ids from 1
  std::vector<double> area_m2;  ///< of each, on the ground
  std::vector<float> evidence;  ///< what the other date's map says of its ground, 0..1; empty where there are no maps
};

/// The objects of both dates of a pair of scenes.
struct PairObjects {
  std::vector<std::string> classes;
  std::vector<double> least_scores;  ///< of each class's objects; empty without maps
  DatedObjects before;
  DatedObjects after;
  double seconds = 0;  ///< that stitching, instances and outlines took
};

/// Extracts the objects of both scenes: tile by tile both pass the model, their maps are stitched side by side, and each object
/// is told what the other date's map says of its ground. `on_maps` is handed strips of how much the dates' extents differ, a band a class. Throws
/// UsageError when the objects would outgrow `most_bytes`, DataError where a date shows nothing.
PairObjects extract_pair(ScenePair& pair, const PairScaling& scaling, const WorkPlan& plan,
                         const ObjectOptions& options, const Segmenter& model, SceneRun& run, int64_t most_bytes,
                         const std::function<void(const Strip&)>& on_maps);

/// Reads the objects of both dates from polygon layers in any CRS, cut to the pair's grid; what of each the other date does not
/// show is read from the scenes. Classes come from the attribute `class` where both layers have it. Throws DataError.
PairObjects read_pair(ScenePair& pair, const std::string& before, const std::string& before_layer,
                      const std::string& after, const std::string& after_layer, SceneRun& run);

}  // namespace plat
