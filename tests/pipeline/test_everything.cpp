// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"
#include "geo/gdal_session.hpp"
#include "pipeline/everything.hpp"
#include "tests/pipeline/extract_world.hpp"
#include "tests/support/quiet.hpp"
#include "tests/support/region_segmenter.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

using plat::EverythingOptions;
using plat::EverythingSummary;
using plat::Image;
using plat::Window;
using plat::test::dark_scene;
using plat::test::file_bytes;
using plat::test::metre_grid;
using plat::test::number;
using plat::test::paint;
using plat::test::RegionSegmenter;
using plat::test::write_scene;

namespace {

const plat::GdalSession gdal;

EverythingOptions exact(int threads = 1) {
  EverythingOptions options;
  options.threads = threads;
  options.simplify_m = 0;
  options.masks.points_per_side = 16;
  options.ram_bytes = int64_t{8} << 30;
  return options;
}

/// Areas of the objects, in the order of the file.
std::vector<double> areas(const plat::FeatureLayer& layer) {
  std::vector<double> all;
  for (const plat::Feature& feature : layer.features) all.push_back(number(feature, "area_m2"));
  return all;
}

/// UTM's scale shrinks a square metre of the map by less than this.
bool same_area(double ours, double pixels) { return std::abs(ours / pixels - 1) < 1e-3; }

plat::FeatureLayer run(const plat::test::TemporaryFolder& folder, const Image<uint8_t>& scene,
                       const EverythingOptions& options, const RegionSegmenter& model,
                       EverythingSummary* summary = nullptr) {
  const std::string path = folder.file("scene.tif"), output = folder.file("out.gpkg");
  write_scene(path, scene, metre_grid(scene.width(), scene.height()));
  EverythingOptions again = options;
  again.overwrite = true;
  const EverythingSummary result = plat::run_everything(path, output, again, model);
  if (summary != nullptr) *summary = result;
  return plat::read_features(output);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(everything)

BOOST_AUTO_TEST_CASE(objects_anywhere_on_the_seams_come_out_once_and_exactly) {
  const RegionSegmenter model;  // tiles of 64 that overlap by 24
  const plat::test::TemporaryFolder folder;
  // A square at any place of a scene of 3 x 3 tiles, smaller and larger than the overlap.
  for (const int64_t side : {7, 17, 40, 90}) {
    for (int64_t place = 0; place + side <= 130; place += 9) {
      auto scene = dark_scene(130, 130);
      const Window window{place, (place * 7) % (131 - side), side, side};
      paint(scene, window);
      EverythingSummary summary;
      const plat::FeatureLayer layer = run(folder, scene, exact(), model, &summary);
      BOOST_REQUIRE_MESSAGE(layer.features.size() == 1U, layer.features.size()
                                                             << " objects for a square of " << side << " at "
                                                             << window.col << ", " << window.row);
      const plat::Bounds box = plat::bounds(layer.features[0].geometry);
      BOOST_TEST(box.min_x == 500000.0 + static_cast<double>(window.col));
      BOOST_TEST(box.max_y == 3000000.0 - static_cast<double>(window.row));
      BOOST_TEST(same_area(areas(layer)[0], static_cast<double>(side * side)));
      BOOST_TEST(number(layer.features[0], "id") == 1);
      BOOST_TEST(number(layer.features[0], "score") == 0.95);
      BOOST_TEST(number(layer.features[0], "stability") == 1.0);
      BOOST_TEST(summary.tiles == 16);
      BOOST_TEST(summary.objects == 1);
      BOOST_TEST(summary.cut_masks == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_drawn_rectangle_comes_out_for_any_number_of_threads) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(230, 190);
  const auto drawn = plat::test::many_windows(230, 190);
  for (std::size_t i = 0; i < drawn.size(); ++i) paint(scene, drawn[i], static_cast<uint8_t>(150 + i % 100));
  // A long street through all tiles, over the rectangles.
  for (int64_t c = 0; c < 230; ++c) paint(scene, {c, 60 + c / 4, 1, 5}, 255);
  const RegionSegmenter model;
  std::map<int, std::string> bytes;
  for (const int threads : {1, 2, 3}) {
    write_scene(folder.file("scene.tif"), scene, metre_grid(230, 190));
    EverythingOptions options = exact(threads);
    options.masks.points_per_side = 32;
    options.overwrite = true;
    const EverythingSummary summary =
        plat::run_everything(folder.file("scene.tif"), folder.file("out.geojson"), options, model);
    BOOST_TEST(summary.objects > static_cast<int64_t>(drawn.size()) / 2);
    bytes[threads] = file_bytes(folder.file("out.geojson"));
  }
  BOOST_TEST((bytes[1] == bytes[2]));
  BOOST_TEST((bytes[1] == bytes[3]));

  // The truth: regions of the whole scene. Those of rectangles are the windows that the street leaves alone.
  const plat::FeatureLayer layer = plat::read_features(folder.file("out.geojson"));
  std::vector<double> found = areas(layer);
  std::vector<double> wanted;
  Image<uint8_t> seen(230, 190);
  Image<float> pixels(230, 190, 1);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = scene.data()[i];
  for (int64_t r = 0; r < 190; ++r) {
    for (int64_t c = 0; c < 230; ++c) {
      if (seen.at(c, r) != 0 || pixels.at(c, r) < model.background) continue;
      const Image<float> region = plat::test::region_round(pixels, c, r);
      double area = 0;
      for (std::size_t i = 0; i < region.size(); ++i) {
        if (region.data()[i] == 0) continue;
        seen.data()[i] = 1;
        ++area;
      }
      wanted.push_back(area);
    }
  }
  std::ranges::sort(found);
  std::ranges::sort(wanted);
  BOOST_REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) BOOST_TEST(same_area(found[i], wanted[i]));
}

BOOST_AUTO_TEST_CASE(nodata_belongs_to_no_object) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(130, 100);
  paint(scene, {30, 20, 60, 50}, 0);
  paint(scene, {50, 30, 20, 10}, 7);  // has no data, which a tile shows as 0, like the object round it
  write_scene(folder.file("scene.tif"), scene, metre_grid(130, 100), 7);
  RegionSegmenter model;
  model.estimate = [](const Image<float>& tile, const Image<float>& mask) {
    const auto* inside = std::find(mask.data(), mask.data() + mask.size(), 1.0F);
    return tile.data()[inside - mask.data()] == 0 ? 0.95 : 0.0;
  };
  plat::run_everything(folder.file("scene.tif"), folder.file("out.gpkg"), exact(), model);
  const auto layer = plat::read_features(folder.file("out.gpkg"));
  BOOST_REQUIRE(layer.features.size() == 1U);
  BOOST_REQUIRE(layer.features[0].geometry.size() == 1U);
  BOOST_TEST(layer.features[0].geometry[0].holes.size() == 1U);
  BOOST_TEST(same_area(areas(layer)[0], 60 * 50 - 20 * 10));
}

BOOST_AUTO_TEST_CASE(masks_that_no_neighbour_agrees_with_are_left_out_unless_kept) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(130, 50);
  paint(scene, {20, 10, 90, 20}, 200);
  RegionSegmenter model;
  // The middle of the object is seen by no tile: only the one at its left end is sure.
  model.estimate = [](const Image<float>& tile, const Image<float>& mask) {
    double first = 64;
    for (int64_t r = 0; r < 64; ++r) {
      for (int64_t c = 0; c < 64; ++c) {
        if (mask.at(c, r) != 0) first = std::min(first, static_cast<double>(c));
      }
    }
    return first > 0 && tile.at(static_cast<int64_t>(first), 32) > 100 ? 0.95 : 0.0;
  };
  EverythingSummary summary;
  BOOST_TEST(run(folder, scene, exact(), model, &summary).features.empty());
  BOOST_TEST(summary.cut_masks > 0);
  BOOST_TEST(summary.warnings.size() == 1U);
  EverythingOptions keep = exact();
  keep.merging.keep_cut = true;
  BOOST_TEST(!run(folder, scene, keep, model).features.empty());
}

BOOST_AUTO_TEST_CASE(tiles_that_fail_are_reported_and_the_rest_is_written) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(200, 60);
  paint(scene, {10, 10, 12, 12}, 200);
  paint(scene, {180, 10, 12, 12}, 210);
  RegionSegmenter model;
  model.before = [](const Image<float>& pixels) {
    if (std::count(pixels.data(), pixels.data() + pixels.size(), 210.0F) > 0) throw std::runtime_error("no luck");
  };
  write_scene(folder.file("scene.tif"), scene, metre_grid(200, 60));
  try {
    plat::run_everything(folder.file("scene.tif"), folder.file("out.gpkg"), exact(), model);
    BOOST_ERROR("no error");
  } catch (const plat::PartialEverythingError& partial) {
    BOOST_TEST(partial.summary().failed_tiles > 0);
    BOOST_TEST(partial.summary().objects == 1);
  }
  BOOST_TEST(plat::read_features(folder.file("out.gpkg")).features.size() == 1U);
}

BOOST_AUTO_TEST_CASE(small_objects_go_and_a_dry_run_writes_nothing) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(64, 64);
  paint(scene, {5, 5, 6, 6}, 200);
  paint(scene, {30, 30, 12, 12}, 200);
  EverythingOptions options = exact();
  options.min_area_m2 = 100;
  const RegionSegmenter model;
  BOOST_TEST(areas(run(folder, scene, options, model)).size() == 1U);
  options.dry_run = true;
  const EverythingSummary plan = plat::run_everything(folder.file("scene.tif"), folder.file("no.gpkg"), options, model);
  BOOST_TEST(plan.tiles == 1);
  BOOST_TEST(plan.estimated_bytes > 0);
  BOOST_TEST(!std::filesystem::exists(folder.file("no.gpkg")));
  options.ram_bytes = 10'000'000;
  BOOST_CHECK_EXCEPTION(
      plat::run_everything(folder.file("scene.tif"), folder.file("no.gpkg"), options, model), plat::UsageError,
      [](const plat::UsageError& error) { return std::string(error.what()).find("--ram") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
