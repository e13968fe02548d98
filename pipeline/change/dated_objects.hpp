// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "change/object_store.hpp"
#include "geo/grid.hpp"
#include "geo/scaling.hpp"
#include "pipeline/change/scene_series.hpp"
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

/// The share of an object that lies at the edge of the common grid, where its outline depends on what lies behind.
double share_at_edge(const MultiPolygon& pixel, const Grid& grid);

/// The objects of one date.
struct DatedObjects {
  ObjectStore store;            ///< outlines in the MatchingPlane; ids from 1
  std::vector<double> area_m2;  ///< of each, on the ground
  std::vector<float>
      evidence_earlier;  ///< what the map of the date before says of its ground, 0..1; empty: there is none
  std::vector<float> evidence_later;  ///< the same of the next date
};

/// The objects of all dates of a series of scenes.
struct SeriesObjects {
  std::vector<std::string> classes;
  std::vector<double> least_scores;  ///< of each class's objects; empty without maps
  std::vector<DatedObjects> dates;
  double seconds = 0;  ///< that stitching, instances and outlines took
};

/// Extracts the objects of all scenes: tile by tile each passes the model, their maps are stitched side by side, and each object
/// is told what its neighbours in time say of its ground. `on_maps` is handed blocks of how much the extents differ from date to date, a band
/// a class and step. Throws UsageError when the objects would outgrow `most_bytes`, DataError where a date shows nothing.
SeriesObjects extract_series(const SceneSeries& series, const std::vector<Scaling>& scalings, const WorkPlan& plan,
                             const ObjectOptions& options, const Segmenter& model, SceneRun& run, int64_t most_bytes,
                             const std::function<void(const MapBlock&)>& on_maps);

/// A layer of polygons in a file.
struct ObjectLayer {
  std::string path;
  std::string layer;  ///< empty: the only one that has features
};

/// Reads the objects of all dates from polygon layers in any CRS, cut to the series' grid; what of each the neighbours in time do not
/// show is read from the scenes. Classes come from the attribute `class` where all layers have it. Throws DataError.
SeriesObjects read_series(const SceneSeries& series, const std::vector<ObjectLayer>& layers, SceneRun& run);

}  // namespace plat
