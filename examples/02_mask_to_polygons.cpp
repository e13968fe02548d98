// SPDX-License-Identifier: Apache-2.0
// Shows the way from pixels to a map without any network: bright pixels become labels, labels become exact outlines,
// outlines are squared, put on the ground and written.
// Read first: postprocess/vectorize.hpp, postprocess/regularize.hpp, geo/feature_io.hpp.
// Run: build/release/bin/example_02_mask_to_polygons data/scenes/demo.tif bright.geojson
#include "core/error.hpp"
#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/regularize.hpp"
#include "postprocess/simplify.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace {

// Three maps as a network would give them: how likely a pixel is part of an object, of its boundary, and how deep inside.
plat::Image<float> bright_pixels(const plat::Image<float>& pixels) {
  plat::Image<float> maps(pixels.width(), pixels.height(), 3, 0.0F);
  for (int64_t row = 0; row < pixels.height(); ++row) {
    for (int64_t col = 0; col < pixels.width(); ++col) {
      const float brightest = std::max({pixels.at(col, row, 0), pixels.at(col, row, 1), pixels.at(col, row, 2)});
      maps.at(col, row, 0) = brightest / 255.0F;
      maps.at(col, row, 2) = brightest > 200.0F ? 1.0F : 0.0F;
    }
  }
  return maps;
}

int64_t map_bright_objects(const char* scene, const char* output) {
  plat::RasterReader reader(scene);
  const plat::Grid& grid = reader.grid();
  plat::RasterBlock block = reader.read(grid.window());
  plat::default_scaling(reader).apply(block.pixels);

  const plat::InstanceThresholds thresholds{.extent = 0.75};
  const plat::Image<int32_t> labels = plat::split_instances(bright_pixels(block.pixels), block.valid, thresholds);

  plat::FeatureWriteOptions writing;
  writing.overwrite = true;
  plat::FeatureWriter writer(output, grid.crs, {{"id", plat::FieldType::Integer}, {"area_m2", plat::FieldType::Real}}, writing);
  const plat::GroundMeasure ground(grid.crs);
  int64_t count = 0;
  for (const auto& [label, outline] : plat::vectorize(labels)) {
    plat::Feature feature;
    double area_m2 = 0;
    for (const plat::Polygon& part : outline) {
      // In the pixel frame: two pixels are the most that an edge may move.
      const plat::Polygon squared = plat::regularize(plat::simplify(part, 1.0), {.tolerance = 2.0});
      feature.geometry.push_back(grid.to_world(squared));
      area_m2 += ground.area_m2(feature.geometry.back());
    }
    if (area_m2 < 10) continue;
    feature.attributes = {{"id", ++count}, {"area_m2", area_m2}};
    writer.write(feature);
  }
  writer.close();  // gives the file its name; without it nothing is left behind
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: example_02_mask_to_polygons SCENE OUTPUT\n");
    return 2;
  }
  const plat::GdalSession gdal;
  try {
    std::printf("%s: %lld bright objects\n", argv[2], static_cast<long long>(map_bright_objects(argv[1], argv[2])));
  } catch (const plat::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
