// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/evaluate.hpp"
#include "tests/support/ascii_scene.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_SUITE_END()
