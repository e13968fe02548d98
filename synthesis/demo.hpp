// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/pair.hpp"
#include "synthesis/scene.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace plat {

struct DemoOptions {
  int64_t size = 1024;  ///< pixels a side, 64 .. 8192
  double gsd_m = 0.3;   ///< ground sample distance in metres, 0.05 .. 2
  uint64_t seed = 7;    ///< another seed, another town
  Region region = Region::DenseTown;
  bool overwrite = false;

  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct DemoFiles {
  std::string scene;      ///< demo.tif: red, green, blue, UTM
  std::string buildings;  ///< demo_buildings.geojson: true footprints, cut at the scene's edge, WGS 84
  int64_t building_count = 0;
};

/// A town at the edge of fields in fair weather: what the demo shows, apart from the options.
SceneStyle demo_style(const DemoOptions& options);
/// Draws a scene and writes it with its true footprints into a folder, which is made if absent. The invented town lies
/// in the Gulf of Guinea (UTM zone 31 north), where nobody takes it for a real place. Same options, same files.
DemoFiles write_demo(const std::string& folder, const DemoOptions& options);

struct DemoPairFiles {
  std::string before;               ///< before.tif: red, green, blue, UTM
  std::string after;                ///< after.tif, on the same grid
  std::string before_buildings;     ///< before.geojson: true footprints with their id, WGS 84
  std::string after_buildings;      ///< after.geojson, likewise; the same house has the same id
  std::string changes;              ///< changes.geojson: each house's kind of change, ids, areas and IoU
  std::array<int64_t, 5> counts{};  ///< houses of each DrawnChange, in its order
};

/// Draws the demo's town at two dates and writes both images, their footprints and what changed. All outlines lie where
/// things are in the before image: the after image's shift is an error of its place. Same options, same files.
DemoPairFiles write_demo_pair(const std::string& folder, const DemoOptions& options, const PairOptions& changes);

}  // namespace plat
