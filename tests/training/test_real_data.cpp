// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_data.hpp"

#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/training_data.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(real_data)

BOOST_AUTO_TEST_CASE(chips_of_banepa_and_their_layer_are_one_scene_whose_labels_fit, PLAT_IF_PRESENT) {
  const auto shared = test::shared_data();
  if (!shared) return;
  TrainingDataOptions options;
  options.data = {(*shared / "buildings/banepa/geotiff/train").string(),
                  (*shared / "buildings/banepa/banepa_buildings.geojson").string()};
  const TrainingData data = load_training_data(options);
  BOOST_TEST(data.scenes.size() == 1);
  BOOST_TEST(data.objects > 1000);
  const auto json = nlohmann::json::parse(data.json);
  BOOST_TEST(json.at("scenes").at(0).at("images").size() == 40);
  BOOST_TEST(json.at("split").at("validation").at("objects") > 50);
  const auto shift = json.at("scenes").at(0).at("shift");
  BOOST_TEST(shift.at("clear").get<bool>());
  BOOST_TEST(std::hypot(shift.at("col").get<double>(), shift.at("row").get<double>()) < 1);
}

BOOST_AUTO_TEST_CASE(a_known_shift_of_banepas_labels_is_recovered, PLAT_IF_PRESENT) {
  const auto shared = test::shared_data();
  if (!shared) return;
  const FeatureLayer layer = read_features((*shared / "buildings/banepa/banepa_buildings.geojson").string());
  const test::TemporaryFolder folder;
  // What the estimate misses the true shift by, in pixels.
  const auto estimate = [&](double east, double north) {
    // In Web Mercator, whose pixels the chips have.
    const Crs mercator = Crs::from_text("EPSG:3857");
    const CrsTransform to(layer.crs, mercator);
    const std::string path = folder.file("shifted.gpkg");
    FeatureWriteOptions overwrite;
    overwrite.overwrite = true;
    FeatureWriter writer(path, mercator, {}, overwrite);
    for (const Feature& feature : layer.features) {
      MultiPolygon moved = to(feature.geometry);
      for (Polygon& part : moved) {
        for (Point& p : part.exterior) p = {p.x + east, p.y + north};
        for (Ring& hole : part.holes) {
          for (Point& p : hole) p = {p.x + east, p.y + north};
        }
      }
      writer.write({moved, {}});
    }
    writer.close();
    TrainingDataOptions options;
    options.data = {(*shared / "buildings/banepa/geotiff/train").string(), path};
    const auto json = nlohmann::json::parse(load_training_data(options).json);
    const auto shift = json.at("scenes").at(0).at("shift");
    BOOST_TEST(shift.at("clear").get<bool>());
    // Web Mercator stretches by 1 / cos(27.632 degrees) here.
    const double pixel = json.at("scenes").at(0).at("gsd_m").get<double>() / 0.88594;
    return Point{shift.at("col").get<double>() + east / pixel, shift.at("row").get<double>() - north / pixel};
  };
  const Point still = estimate(0, 0);
  for (const Point moved : {Point{0.85, -0.5}, Point{-1.25, 1.05}, Point{1.6, 1.7}}) {
    const Point off = estimate(moved.x, moved.y);
    BOOST_TEST(std::abs(off.x - still.x) < 0.5, off.x << " and " << still.x << ", moved by " << moved.x << " m");
    BOOST_TEST(std::abs(off.y - still.y) < 0.5, off.y << " and " << still.y << ", moved by " << moved.y << " m");
  }
}

BOOST_AUTO_TEST_CASE(a_folder_of_fields_finds_layers_by_name_and_via_for_the_rest, PLAT_IF_PRESENT) {
  const auto shared = test::shared_data();
  if (!shared) return;
  TrainingDataOptions options;
  options.data = {(*shared / "fields/naip_agoro").string()};
  options.gsd_m = 2;
  options.class_name = "field";
  const TrainingData data = load_training_data(options);
  const auto json = nlohmann::json::parse(data.json);
  int64_t by_name = 0;
  int64_t by_via = 0;
  for (const auto& scene : json.at("scenes")) {
    const std::string how = scene.at("images").at(0).at("paired");
    by_name += how == "by name" ? 1 : 0;
    by_via += how == "by annotations.json" ? 1 : 0;
  }
  BOOST_TEST(by_name == 15);
  BOOST_TEST(by_via == 15);
}

BOOST_AUTO_TEST_CASE(stac_items_whose_labels_are_missing_say_which, PLAT_IF_PRESENT) {
  const auto shared = test::shared_data();
  if (!shared) return;
  TrainingDataOptions options;
  options.data = {(*shared / "buildings/banepa/original/sample/buildings-banepa-segmentation/stac-item.json").string()};
  try {
    load_training_data(options);
    BOOST_ERROR("the folder of labels is not there");
  } catch (const std::exception& error) {
    BOOST_TEST(has(error.what(), "train/osm"), error.what());
  }
}

BOOST_AUTO_TEST_SUITE_END()
