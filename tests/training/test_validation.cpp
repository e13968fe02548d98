// SPDX-License-Identifier: Apache-2.0
#include "training/learn/validation.hpp"

#include "tests/training/train_world.hpp"

#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "model/nn/weights.hpp"
#include "pipeline/extract.hpp"
#include "training/data/training_data.hpp"
#include "training/samples/batch.hpp"

#include <torch/utils.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

constexpr Window kHole = {90, 60, 80, 50};

/// A model of random weights, and a scene with a hole in its data.
struct HoleWorld : test::World {
  HoleWorld() : model(test::tiny_model()), network(nullptr) {
    torch::manual_seed(7);
    network = nn::Sam(model.config);
    network->eval();
    model.description.gsd_m = 0.3;
  }

  /// Writes the scene, and labels of its objects left of a column.
  void draw_with_hole(double label_end) {
    LabelledScene scene = test::drawn_world(288, 0.3, 4);
    Image<uint8_t>& pixels = scene.pyramid.front();
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = kHole.row; r < kHole.row_end(); ++r)
        std::fill_n(pixels.row(r, b).begin() + kHole.col, kHole.width, uint8_t{0});
    }
    RasterWriteOptions how;
    how.overwrite = true;
    how.nodata = 0;
    write_raster(folder.file("scene.tif"), pixels, scene.grid, how);
    FeatureWriter labels(folder.file("labels.geojson"), scene.grid.crs, {}, {true, ""});
    for (std::size_t i = 0; i < scene.objects.size(); ++i) {
      if (scene.object_bounds[i].max_x < label_end) labels.write({{scene.grid.to_world(scene.objects[i].front())}, {}});
    }
    labels.close();
  }

  TrainingData load(double gsd_m) {
    options.data.gsd_m = gsd_m;
    options.data.context_px = model.description.tile_size;
    return load_training_data(options.data);
  }

  /// What `extract --maps` writes for the whole scene.
  RasterBlock extracted(double gsd_m) {
    model.description.gsd_m = gsd_m;
    const std::string path = folder.file("model");
    std::filesystem::create_directory(path);
    write_model_folder(model, path);
    nn::save_weights(*network, path + "/" + kWeightsFile);
    ExtractOptions how;
    how.model = path;
    how.overwrite = how.quiet = true;
    how.threads = 1;
    how.maps = folder.file("maps.tif");
    extract(folder.file("scene.tif"), folder.file("found.geojson"), how);
    RasterOptions all;
    all.bands = {"1", "2", "3"};
    RasterReader reader(how.maps, all);
    return reader.read(reader.grid().window());
  }

  nn::ValidationOptions how() const {
    nn::ValidationOptions settings;
    settings.mean = nn::band_tensor(model.description.mean);
    settings.deviation = nn::band_tensor(model.description.deviation);
    settings.tile_size = model.description.tile_size;
    settings.overlap = model.description.overlap;
    return settings;
  }

  ModelFolder model;
  nn::Sam network;
};

struct Difference {
  double largest = 0;
  double mean = 0;
  int64_t validity = 0;  ///< pixels that only one of both has
  int64_t compared = 0;
};

/// Compares areas with extraction's maps, in bytes of 250 where they count or everywhere.
Difference compare(HoleWorld& world, const TrainingData& data, const RasterBlock& maps, bool everywhere) {
  Difference sum;
  for (const ValidationArea& area : data.validation) {
    const MapBlock found = nn::predict_area(world.network, area, world.how());
    BOOST_TEST((found.window() == area.window));
    const AreaTruth truth = truth_of(area);
    for (int64_t r = 0; r < area.window.height; ++r) {
      for (int64_t c = 0; c < area.window.width; ++c) {
        if (!everywhere && truth.counts.at(c, r) == 0) continue;
        const int64_t col = area.window.col + c, row = area.window.row + r;
        if ((found.valid.at(c, r) != 0) != (maps.valid.at(col, row) != 0)) ++sum.validity;
        if (found.valid.at(c, r) == 0 || maps.valid.at(col, row) == 0) continue;
        for (int64_t b = 0; b < 3; ++b) {
          const double off = std::abs(250.0 * static_cast<double>(found.maps.at(c, r, b)) -
                                      static_cast<double>(maps.pixels.at(col, row, b)));
          sum.largest = std::max(sum.largest, off);
          sum.mean += off;
          ++sum.compared;
        }
      }
    }
  }
  sum.mean /= static_cast<double>(std::max<int64_t>(1, sum.compared));
  return sum;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(validation)

BOOST_AUTO_TEST_CASE(areas_show_what_extraction_of_the_whole_scene_shows_there) {
  HoleWorld world;
  world.draw_with_hole(288);
  const TrainingData data = world.load(0.3);
  BOOST_REQUIRE(!data.validation.empty());
  const RasterBlock maps = world.extracted(0.3);
  const auto [least, most] = std::minmax_element(maps.pixels.data(), maps.pixels.data() + maps.pixels.size());
  BOOST_TEST(*most - *least > 20);  // otherwise the same proves little
  const Difference all = compare(world, data, maps, true);
  BOOST_TEST(all.compared > 10'000);
  BOOST_TEST(all.validity == 0);
  // Bytes are rounded, and the last digits of sums may differ.
  BOOST_TEST(all.largest <= 0.51);
  // Areas reach the hole.
  int64_t unknown = 0;
  for (const ValidationArea& area : data.validation) unknown += intersect(area.window, kHole).pixel_count();
  BOOST_TEST(unknown > 0);
}

BOOST_AUTO_TEST_CASE(of_a_scene_that_is_held_in_part_they_do_where_pixels_count) {
  HoleWorld world;
  world.draw_with_hole(100);
  world.options.data.val_fraction = 0.4;
  const TrainingData data = world.load(0.3);
  BOOST_TEST(data.scenes.front().width() < 288);
  BOOST_REQUIRE(!data.validation.empty());
  const Difference counted = compare(world, data, world.extracted(0.3), false);
  BOOST_TEST(counted.compared > 5'000);
  BOOST_TEST(counted.validity == 0);
  BOOST_TEST(counted.largest <= 0.51);
}

BOOST_AUTO_TEST_CASE(at_another_resolution_they_lie_on_the_grid_of_extraction) {
  for (const double gsd_m : {0.45, 0.2, 0.7, 0.05}) {
    HoleWorld world;
    world.draw_with_hole(288);
    const TrainingData data = world.load(gsd_m);
    const RasterBlock maps = world.extracted(gsd_m);
    BOOST_TEST(data.scenes.front().model.width == maps.valid.width());
    BOOST_TEST(data.scenes.front().model.height == maps.valid.height());
    const Difference all = compare(world, data, maps, true);
    BOOST_TEST_MESSAGE(gsd_m << " m: mean " << all.mean << ", largest " << all.largest << ", validity " << all.validity
                             << " of " << all.compared / 3);
    BOOST_TEST(all.mean < 1);
    BOOST_TEST(all.validity < all.compared / 3 / 20);
  }
}

BOOST_AUTO_TEST_CASE(thresholds_are_chosen_on_the_first_areas_where_all_are_too_large) {
  HoleWorld world;
  world.draw_with_hole(288);
  const TrainingData data = world.load(0.3);
  nn::ValidationOptions settings = world.how();
  settings.tuning_pixels = 1;
  const TunedThresholds tuned = nn::tune(world.network, data.validation, settings);
  const TunedThresholds first = nn::tune(world.network, {data.validation.front()}, world.how());
  BOOST_TEST(tuned.object_f1 == first.object_f1);
}

BOOST_AUTO_TEST_SUITE_END()
