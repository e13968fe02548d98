// SPDX-License-Identifier: Apache-2.0
#include "synthesis/demo.hpp"

#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/grid.hpp"
#include "geo/raster_writer.hpp"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace plat {
namespace {

Grid demo_grid(const DemoOptions& options) {
  Grid grid;
  grid.width = options.size;
  grid.height = options.size;
  grid.world_from_pixel = {500000, options.gsd_m, 0, 110000, 0, -options.gsd_m};
  grid.crs = Crs::from_text("EPSG:32631");
  return grid;
}

std::string file_in(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

void make_folder(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    throw IoError(folder + ": the folder cannot be made (" + failure.message() + "); choose another with -o");
}

MultiPolygon to_world(const Grid& grid, const MultiPolygon& polygons) {
  MultiPolygon world;
  for (const Polygon& part : polygons) world.push_back(grid.to_world(part));
  return world;
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
  make_folder(folder);
  DemoFiles files{file_in(folder, "demo.tif"), file_in(folder, "demo_buildings.geojson"), 0};

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
  for (const Polygon& building : scene.buildings) {
    const MultiPolygon visible = visible_part(building, options.size, options.size);
    if (visible.empty()) continue;
    ++files.building_count;
    writer.write({to_world(grid, visible), {{"id", files.building_count}, {"class", std::string("building")}}});
  }
  // Both or, when something fails before, neither.
  raster_writer.close();
  writer.close();
  return files;
}

DemoPairFiles write_demo_pair(const std::string& folder, const DemoOptions& options, const PairOptions& changes) {
  options.validate();
  changes.validate();
  make_folder(folder);
  DemoPairFiles files;
  files.before = file_in(folder, "before.tif");
  files.after = file_in(folder, "after.tif");
  files.before_buildings = file_in(folder, "before.geojson");
  files.after_buildings = file_in(folder, "after.geojson");
  files.changes = file_in(folder, "changes.geojson");

  const Grid grid = demo_grid(options);
  RasterWriteOptions raster;
  raster.overwrite = options.overwrite;
  raster.taken = "2021:07:03 10:15:00";
  RasterWriter<uint8_t> before(files.before, grid, 3, raster);
  raster.taken = "2024:02:11 15:05:00";
  RasterWriter<uint8_t> after(files.after, grid, 3, raster);
  FeatureWriteOptions vector;
  vector.overwrite = options.overwrite;
  const std::vector<Field> fields{{"id", FieldType::Integer}, {"class", FieldType::Text}};
  FeatureWriter before_buildings(files.before_buildings, grid.crs, fields, vector);
  FeatureWriter after_buildings(files.after_buildings, grid.crs, fields, vector);
  FeatureWriter all(files.changes, grid.crs,
                    {{"kind", FieldType::Text},
                     {"class", FieldType::Text},
                     {"before_id", FieldType::Integer},
                     {"after_id", FieldType::Integer},
                     {"area_before_m2", FieldType::Real},
                     {"area_after_m2", FieldType::Real},
                     {"iou", FieldType::Real}},
                    vector);

  const DrawnPair pair = draw_pair(options.size, options.size, options.seed, demo_style(options), changes);
  before.write(pair.before, 0, 0);
  after.write(pair.after, 0, 0);
  for (const PairedBuilding& building : pair.buildings) {
    const AttributeValue id = building.id;
    const AttributeValue none;
    const AttributeValue name = std::string("building");
    const bool was = !building.before.empty();
    const bool is = !building.after.empty();
    if (was) before_buildings.write({to_world(grid, building.before), {{"id", id}, {"class", name}}});
    if (is) after_buildings.write({to_world(grid, building.after), {{"id", id}, {"class", name}}});
    all.write({to_world(grid, is ? building.after : building.before),
               {{"kind", name_of(building.change)},
                {"class", name},
                {"before_id", was ? id : none},
                {"after_id", is ? id : none},
                {"area_before_m2", building.area_before_m2},
                {"area_after_m2", building.area_after_m2},
                {"iou", building.iou}}});
    ++files.counts[static_cast<std::size_t>(building.change)];
  }
  // All or, when something fails before, none.
  before.close();
  after.close();
  before_buildings.close();
  after_buildings.close();
  all.close();
  return files;
}

}  // namespace plat
