// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/evaluation/evaluate.hpp"
#include "tests/support/ascii_scene.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

const plat::GdalSession gdal;
const plat::Crs kUtm = plat::Crs::from_text("EPSG:32645");

plat::Grid grid_of(const plat::Image<int32_t>& image, double x0 = 500'000) {
  return {image.width(), image.height(), {x0, 0.5, 0, 3'000'000, 0, -0.5}, kUtm};
}

/// Writes labels drawn as text; unset nodata means none.
std::string write_labels(const plat::test::TemporaryFolder& folder, const std::string& name, std::string_view text,
                         std::optional<double> nodata = {}, double x0 = 500'000) {
  const auto image = plat::test::ascii_scene(text);
  plat::RasterWriteOptions options;
  options.nodata = nodata;
  plat::write_raster(folder.file(name), image, grid_of(image, x0), options);
  return folder.file(name);
}

/// Writes rectangles given in metres from the grid's corner, x to the right and y downward.
std::string write_boxes(const plat::test::TemporaryFolder& folder, const std::string& name,
                        const std::vector<plat::Bounds>& boxes) {
  plat::FeatureWriter writer(folder.file(name), kUtm, {});
  for (const plat::Bounds& b : boxes) {
    const plat::Bounds world{500'000 + b.min_x, 3'000'000 - b.max_y, 500'000 + b.max_x, 3'000'000 - b.min_y};
    writer.write({{plat::to_polygon(world)}, {}});
  }
  writer.close();
  return folder.file(name);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluate)

BOOST_AUTO_TEST_CASE(masks_on_one_grid_are_counted_pixel_by_pixel) {
  const plat::test::TemporaryFolder folder;
  const auto predicted = write_labels(folder, "p.tif", "####....\n####..##\n........");
  const auto truth = write_labels(folder, "t.tif", "###.....\n###.....\n......##");
  const auto result = plat::evaluate(predicted, truth, {});
  BOOST_TEST(result.comparison.pixels.true_positives == 6);
  BOOST_TEST(result.comparison.pixels.false_positives == 4);
  BOOST_TEST(result.comparison.pixels.false_negatives == 2);
  // Objects of a mask are connected pixels: 6 of 8 in common, and one invented, one missed.
  BOOST_TEST((result.comparison.objects == plat::ObjectCounts{1, 1, 1}));
  BOOST_TEST(result.comparison.mean_iou == 0.75, boost::test_tools::tolerance(1e-4));
  BOOST_TEST(result.options.gsd_m == 0.5, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(nodata_in_either_raster_leaves_a_pixel_out_unless_it_is_the_background) {
  const plat::test::TemporaryFolder folder;
  const auto predicted = write_labels(folder, "p.tif", "####");
  const auto truth = write_labels(folder, "t.tif", "##9.", 9.0);
  BOOST_TEST(plat::evaluate(predicted, truth, {}).comparison.pixels.false_positives == 1);
  const auto background = write_labels(folder, "b.tif", "##..", 0.0);
  BOOST_TEST(plat::evaluate(predicted, background, {}).comparison.pixels.false_positives == 2);
}

BOOST_AUTO_TEST_CASE(values_of_a_label_raster_are_objects_and_a_chosen_value_is_a_class) {
  const plat::test::TemporaryFolder folder;
  const auto predicted = write_labels(folder, "p.tif", "111222.3");
  const auto truth = write_labels(folder, "t.tif", "aaabbb..");
  BOOST_TEST((plat::evaluate(predicted, truth, {}).comparison.objects == plat::ObjectCounts{2, 1, 0}));
  plat::EvaluateOptions options;
  options.value = 2;
  const auto classes = write_labels(folder, "c.tif", "2221.222");
  BOOST_TEST((plat::evaluate(classes, classes, options).comparison.objects == plat::ObjectCounts{2, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_raster_can_be_compared_with_a_vector_layer) {
  const plat::test::TemporaryFolder folder;
  const auto predicted = write_labels(folder, "p.tif", "##....##\n##....##");
  const auto truth = write_boxes(folder, "t.gpkg", {{0, 0, 1, 1}});
  const auto result = plat::evaluate(predicted, truth, {});
  BOOST_TEST((result.comparison.objects == plat::ObjectCounts{1, 1, 0}));
  BOOST_TEST(result.comparison.mean_iou > 0.999);
}

BOOST_AUTO_TEST_CASE(rasters_on_different_grids_are_refused) {
  const plat::test::TemporaryFolder folder;
  const auto a = write_labels(folder, "a.tif", "##..");
  BOOST_CHECK_THROW(plat::evaluate(a, write_labels(folder, "b.tif", "##..", {}, 500'001), {}), plat::DataError);
  BOOST_CHECK_THROW(plat::evaluate(a, write_labels(folder, "c.tif", "##..."), {}), plat::DataError);
  BOOST_CHECK_THROW(plat::evaluate(a, folder.file("none.geojson"), {}), plat::IoError);
}

BOOST_AUTO_TEST_CASE(the_scene_the_area_or_the_box_say_where_the_truth_is_known) {
  const plat::test::TemporaryFolder folder;
  const auto scene = write_labels(folder, "scene.tif", "........\n........");  // 4 m x 1 m
  const auto truth = write_boxes(folder, "t.gpkg", {{0, 0, 1, 1}, {3.5, 0, 5, 1}});
  const auto predicted = write_boxes(folder, "p.gpkg", {{0, 0, 1, 1}, {3.5, 0, 4, 1}, {7, 0, 8, 1}});
  BOOST_TEST((plat::evaluate(predicted, truth, {}).comparison.objects == plat::ObjectCounts{1, 2, 1}));
  plat::EvaluateOptions options;
  options.scene = scene;
  BOOST_TEST((plat::evaluate(predicted, truth, options).comparison.objects == plat::ObjectCounts{2, 0, 0}));
  options.scene.clear();
  options.area = write_boxes(folder, "area.gpkg", {{0, 0, 4, 1}});
  BOOST_TEST((plat::evaluate(predicted, truth, options).comparison.objects == plat::ObjectCounts{2, 0, 0}));
  // Beside the area the scene says no more than how large pixels are.
  options.scene = scene;
  options.area = write_boxes(folder, "left.gpkg", {{0, 0, 2, 1}});
  BOOST_TEST((plat::evaluate(predicted, truth, options).comparison.objects == plat::ObjectCounts{1, 0, 0}));
  options.scene.clear();
  options.area.clear();
  options.bbox = plat::CrsTransform(kUtm, plat::Crs::wgs84())(plat::Bounds{500'000, 2'999'999, 500'002, 3'000'000});
  options.bbox_crs = plat::Crs::wgs84();
  BOOST_TEST((plat::evaluate(predicted, truth, options).comparison.objects == plat::ObjectCounts{1, 0, 0}));
  options.scene = scene;
  BOOST_CHECK_THROW(plat::evaluate(predicted, truth, options), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(every_object_is_written_with_its_outcome) {
  const plat::test::TemporaryFolder folder;
  const auto truth = write_boxes(folder, "t.gpkg", {{0, 0, 1, 1}, {3, 0, 4, 1}});
  const auto predicted = write_boxes(folder, "p.gpkg", {{10, 0, 11, 1}, {0, 0, 1, 1}});
  plat::EvaluateOptions options;
  options.matches = folder.file("m.gpkg");
  plat::evaluate(predicted, truth, options);
  const auto layer = plat::read_features(options.matches);
  BOOST_REQUIRE(layer.features.size() == 4);
  const auto text = [&](std::size_t i, const char* name) {
    return std::get<std::string>(*layer.features[i].find(name));
  };
  BOOST_TEST(text(0, "side") == "predicted");
  BOOST_TEST(text(0, "outcome") == "fp");
  BOOST_TEST(text(1, "outcome") == "tp");
  BOOST_TEST(text(2, "side") == "truth");
  BOOST_TEST(text(2, "outcome") == "tp");
  BOOST_TEST(text(3, "outcome") == "fn");
  BOOST_TEST(std::get<int64_t>(*layer.features[1].find("partner")) == 1);
  BOOST_TEST(std::get<int64_t>(*layer.features[2].find("partner")) == 2);
  BOOST_TEST(layer.crs.same_as(kUtm));
  BOOST_CHECK_THROW(plat::evaluate(predicted, truth, options), plat::IoError);
  options.overwrite = true;
  BOOST_CHECK_NO_THROW(plat::evaluate(predicted, truth, options));
}

BOOST_AUTO_TEST_CASE(coordinates_of_another_crs_or_order_are_refused_as_in_training) {
  const plat::test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const plat::Crs& crs, const plat::Bounds& box) {
    plat::FeatureWriter writer(folder.file(name), crs, {});
    writer.write({{plat::to_polygon(box)}, {}});
    writer.close();
    return folder.file(name);
  };
  const plat::Crs wgs84 = plat::Crs::wgs84();
  const auto truth = write("truth.gpkg", wgs84, {80.1, 27.5, 80.2, 27.6});
  const auto metres = write("metres.gpkg", kUtm, {500'000, 3'000'000, 500'100, 3'000'100});
  const auto says_degrees = write("says_degrees.gpkg", wgs84, {500'000, 3'000'000, 500'100, 3'000'100});
  const auto says_metres = write("says_metres.gpkg", kUtm, {80.1, 27.5, 80.2, 27.6});
  const auto swapped = write("swapped.gpkg", wgs84, {27.5, 80.1, 27.6, 80.2});
  const auto refused = [](const std::string& a, const std::string& b, const std::string& blamed,
                          const std::string& why) {
    BOOST_CHECK_EXCEPTION(plat::evaluate(a, b, {}), plat::DataError, [&](const auto& error) {
      const std::string text = error.what();
      BOOST_TEST_MESSAGE(text);
      return text.starts_with(blamed) && text.find(why) != std::string::npos;
    });
  };
  for (const bool turned : {false, true}) {
    const auto pair = [&](const std::string& wrong, const std::string& right, const std::string& why) {
      refused(turned ? right : wrong, turned ? wrong : right, wrong, why);
    };
    pair(says_degrees, truth, "fit another CRS");
    pair(says_degrees, metres, "fit EPSG:32645, the CRS of ");
    pair(says_metres, truth, "fit EPSG:4326, the CRS of ");
  }
  refused(swapped, truth, swapped, "latitude before longitude");
}

BOOST_AUTO_TEST_CASE(parts_of_a_feature_are_objects_and_points_are_none) {
  const plat::test::TemporaryFolder folder;
  const auto truth = write_boxes(folder, "t.gpkg", {{0, 0, 1, 1}, {3, 0, 4, 1}});
  plat::FeatureWriter writer(folder.file("p.gpkg"), kUtm, {});
  writer.write({{plat::to_polygon({500'000, 2'999'999, 500'001, 3'000'000}),
                 plat::to_polygon({500'003, 2'999'999, 500'004, 3'000'000})},
                {}});
  writer.close();
  BOOST_TEST((plat::evaluate(folder.file("p.gpkg"), truth, {}).comparison.objects == plat::ObjectCounts{2, 0, 0}));
  std::ofstream(folder.file("points.csv")) << "WKT,name\n\"POINT (1 2)\",a\n";
  BOOST_CHECK_EXCEPTION(plat::evaluate(folder.file("points.csv"), truth, {}), plat::DataError, [](const auto& error) {
    return std::string(error.what()).find("holds no polygon, only 1 point") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(rasters_that_are_no_masks_are_refused) {
  const plat::test::TemporaryFolder folder;
  const auto truth = write_boxes(folder, "t.gpkg", {{0, 0, 1, 1}});
  const auto refused = [&](const std::string& name, const std::string& why) {
    BOOST_CHECK_EXCEPTION(plat::evaluate(folder.file(name), truth, {}), plat::DataError, [&](const auto& error) {
      BOOST_TEST_MESSAGE(error.what());
      return std::string(error.what()).find(why) != std::string::npos;
    });
  };
  plat::Image<int32_t> noise(256, 256);
  std::mt19937 random(7);
  for (int32_t& pixel : noise.band(0)) pixel = static_cast<int32_t>(random() % 2);
  plat::write_raster(folder.file("noise.tif"), noise, grid_of(noise), {});
  refused("noise.tif", "is noise or an image rather than a mask");
  plat::Image<int32_t> negative(4, 4);
  negative.at(1, 1) = -3;
  plat::write_raster(folder.file("negative.tif"), negative, grid_of(negative), {});
  refused("negative.tif", "a mask holds whole numbers from 0");
  plat::Image<uint8_t> colours(4, 4, 3);
  for (int i = 0; i < 4; ++i) colours.at(i, 0, 0) = static_cast<uint8_t>(10 + i);
  plat::write_raster(folder.file("colours.tif"), colours, {4, 4, {500'000, 0.5, 0, 3'000'000, 0, -0.5}, kUtm}, {});
  refused("colours.tif", "a mask in 5 colours");
}

BOOST_AUTO_TEST_CASE(what_a_mask_calls_unknown_counts_for_neither_side) {
  const plat::test::TemporaryFolder folder;
  plat::Image<int32_t> image(4, 1);
  image.at(0, 0) = 1;
  image.at(1, 0) = 255;
  image.at(2, 0) = -9999;
  plat::RasterWriteOptions options;
  options.nodata = -9999;
  plat::write_raster(folder.file("t.tif"), image, grid_of(image), options);
  const auto predicted = write_labels(folder, "p.tif", "####");
  const auto pixels = plat::evaluate(predicted, folder.file("t.tif"), {}).comparison.pixels;
  BOOST_TEST(pixels.true_positives == 1);
  BOOST_TEST(pixels.false_positives == 1);
}

BOOST_AUTO_TEST_CASE(objects_that_repeat_another_one_match_once) {
  const plat::test::TemporaryFolder folder;
  const plat::Bounds a{0, 0, 10, 10}, b{20, 0, 30, 10}, c{40, 0, 50, 10};
  const auto once = write_boxes(folder, "once.geojson", {a, b, c});
  const auto twice = write_boxes(folder, "twice.geojson", {a, b, a, c, a});
  struct Case {
    std::string predicted, truth;
    plat::ObjectCounts counts;
    std::vector<std::string> warnings;
  };
  const std::string predicted_note = "2 objects repeat another one; only one of the same can be right";
  const std::string truth_note = "2 objects repeat another one; the same is counted once";
  for (const Case& tried :
       {Case{once, once, {3, 0, 0}, {}}, Case{twice, once, {3, 2, 0}, {predicted_note}},
        Case{once, twice, {3, 0, 0}, {truth_note}}, Case{twice, twice, {3, 2, 0}, {predicted_note, truth_note}}}) {
    const auto result = plat::evaluate(tried.predicted, tried.truth, {});
    BOOST_TEST((result.comparison.objects == tried.counts));
    BOOST_TEST_REQUIRE(result.warnings.size() == tried.warnings.size());
    for (std::size_t i = 0; i < tried.warnings.size(); ++i) {
      BOOST_TEST(result.warnings[i].find(tried.warnings[i]) != std::string::npos, result.warnings[i]);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
