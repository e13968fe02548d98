// SPDX-License-Identifier: Apache-2.0
#include "synthesis/demo.hpp"

#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/grid.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_writer.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace plat {
namespace {

/// Slivers that the scene's edge leaves of a roof show nothing that one could recognise.
constexpr double kLeastPixels = 16;

Grid demo_grid(const DemoOptions& options) {
  Grid grid;
  grid.width = options.size;
  grid.height = options.size;
  grid.world_from_pixel = {500000, options.gsd_m, 0, 110000, 0, -options.gsd_m};
  grid.crs = Crs::from_text("EPSG:32631");
  return grid;
}

}  // namespace

void DemoOptions::validate() const {
  if (size < 64 || size > 8192) throw UsageError("the demo scene's size must lie between 64 and 8192 pixels");
  if (!(gsd_m >= 0.05 && gsd_m <= 2)) throw UsageError("the demo scene's pixel size must lie between 0.05 and 2 m");
}

SceneStyle demo_style(const DemoOptions& options) {
  SceneStyle style;
  style.region = options.region;
  style.gsd_m = options.gsd_m;
  style.density = 0.62;
  style.density_spread = 0.25;
  style.green = 0.6;
  style.sun_azimuth_deg = 150;
  style.sun_elevation_deg = 48;
  style.saturation = 0.88;
  style.blur_px = 0.5;
  style.sharpening = 0.4;
  style.noise = 1.2;
  return style;
}

DemoFiles write_demo(const std::string& folder, const DemoOptions& options) {
  options.validate();
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    throw IoError(folder + ": the folder cannot be made (" + failure.message() + "); choose another with -o");
  DemoFiles files{(std::filesystem::path(folder) / "demo.tif").string(),
                  (std::filesystem::path(folder) / "demo_buildings.geojson").string(), 0};

  const DrawnScene scene = draw_scene(options.size, options.size, options.seed, demo_style(options));
  const Grid grid = demo_grid(options);
  Image<uint8_t> bytes(options.size, options.size, 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<uint8_t>(scene.pixels.data()[i]);
  RasterWriteOptions raster;
  raster.overwrite = options.overwrite;
  RasterWriter<uint8_t> raster_writer(files.scene, grid, 3, raster);
  raster_writer.write(bytes, 0, 0);

  FeatureWriteOptions vector;
  vector.overwrite = options.overwrite;
  FeatureWriter writer(files.buildings, grid.crs, {{"id", FieldType::Integer}, {"class", FieldType::Text}}, vector);
  const auto side = static_cast<double>(options.size);
  const MultiPolygon frame{to_polygon(Bounds{0, 0, side, side})};
  for (const Polygon& building : scene.buildings) {
    const MultiPolygon visible = intersection(make_valid({building}), frame);
    if (area(visible) < kLeastPixels) continue;
    MultiPolygon world;
    for (const Polygon& part : visible) world.push_back(grid.to_world(part));
    ++files.building_count;
    writer.write({std::move(world), {{"id", files.building_count}, {"class", std::string("building")}}});
  }
  // Both or, when something fails before, neither.
  raster_writer.close();
  writer.close();
  return files;
}

}  // namespace plat
