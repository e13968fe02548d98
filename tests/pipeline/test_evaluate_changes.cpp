// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/evaluation/evaluate_changes.hpp"
#include "tests/support/ascii_scene.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <gdal.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

const plat::GdalSession gdal;
const plat::Crs kUtm = plat::Crs::from_text("EPSG:32645");

struct Row {
  plat::Bounds box;  ///< metres from a corner, x to the right and y downward
  std::vector<std::pair<std::string, plat::AttributeValue>> attributes;
};

/// Writes rectangles with attributes: kind is a text, all others are whole numbers.
std::string write_rows(const plat::test::TemporaryFolder& folder, const std::string& name, const std::vector<Row>& rows,
                       const plat::Crs& crs = kUtm) {
  std::vector<plat::Field> fields;
  for (const auto& [field, value] : rows.front().attributes) {
    fields.push_back({field, field == "kind" ? plat::FieldType::Text : plat::FieldType::Integer});
  }
  plat::FeatureWriter writer(folder.file(name), crs, fields);
  for (const auto& [b, attributes] : rows) {
    plat::MultiPolygon outline{
        plat::to_polygon(plat::Bounds{500'000 + b.min_x, 3'000'000 - b.max_y, 500'000 + b.max_x, 3'000'000 - b.min_y})};
    if (!crs.same_as(kUtm)) outline = plat::CrsTransform(kUtm, crs)(outline);
    writer.write({outline, attributes});
  }
  writer.close();
  return folder.file(name);
}

Row change(const plat::Bounds& box, const std::string& kind) { return {box, {{"kind", kind}}}; }

plat::Grid grid_of(int64_t width, int64_t height) {
  return {width, height, {500'000, 0.5, 0, 3'000'000, 0, -0.5}, kUtm};
}

std::string write_mask(const plat::test::TemporaryFolder& folder, const std::string& name, std::string_view text,
                       std::optional<double> nodata = {}) {
  const auto image = plat::test::ascii_scene(text);
  plat::RasterWriteOptions options;
  options.nodata = nodata;
  plat::write_raster(folder.file(name), image, grid_of(image.width(), image.height()), options);
  return folder.file(name);
}

plat::ChangeComparison compared(const std::string& predicted, const std::string& truth,
                                const plat::EvaluateChangesOptions& options = {}) {
  return plat::evaluate_changes(predicted, truth, options).comparison;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluate_changes)

BOOST_AUTO_TEST_CASE(layers_of_changes_are_compared_in_any_crs) {
  const plat::test::TemporaryFolder folder;
  const std::vector<Row> rows = {change({0, 0, 10, 10}, "appeared"), change({20, 0, 30, 10}, "vanished"),
                                 change({40, 0, 50, 10}, "unchanged")};
  const auto truth = write_rows(folder, "t.gpkg", rows);
  const auto predicted = write_rows(folder, "p.geojson", rows, plat::Crs::wgs84());
  const auto result = compared(predicted, truth);
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{2, 0, 0}));
  BOOST_TEST(result.changes.pixels.iou() > 0.99);
  BOOST_TEST(result.unchanged == 1);
  plat::EvaluateChangesOptions options;
  options.kinds = {"vanished"};
  BOOST_TEST((compared(predicted, truth, options).changes.objects == plat::ObjectCounts{1, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_layer_without_kinds_is_all_changed) {
  const plat::test::TemporaryFolder folder;
  const auto truth =
      write_rows(folder, "t.gpkg", {change({0, 0, 10, 10}, "appeared"), change({20, 0, 30, 10}, "unchanged")});
  const auto predicted = write_rows(folder, "p.gpkg", {{{0, 0, 10, 10}, {}}, {{20, 0, 30, 10}, {}}});
  const auto result = compared(predicted, truth);
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{1, 1, 0}));
  BOOST_TEST(result.kinds.empty());
  BOOST_TEST(result.unchanged_called_changed == 1);
}

BOOST_AUTO_TEST_CASE(masks_are_counted_pixel_by_pixel_without_what_either_does_not_know) {
  const plat::test::TemporaryFolder folder;
  const auto predicted = write_mask(folder, "p.tif", "##..22.#\n##..22..");
  const auto truth = write_mask(folder, "t.tif", "##99...#\n##99..##", 9.0);
  const auto result = compared(predicted, truth);
  BOOST_TEST((result.changes.pixels == plat::PixelCounts{5, 4, 2, 0}));
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{1, 2, 1}));
  const auto all_unknown = write_mask(folder, "u.tif", "9999###.\n9999....", 9.0);
  BOOST_TEST((compared(predicted, all_unknown).changes.pixels == plat::PixelCounts{2, 3, 1, 0}));
  plat::EvaluateChangesOptions options;
  options.evaluate.value = 2;
  BOOST_TEST((compared(predicted, truth, options).changes.pixels == plat::PixelCounts{0, 4, 0, 0}));
}

BOOST_AUTO_TEST_CASE(a_map_of_probabilities_needs_a_threshold) {
  const plat::test::TemporaryFolder folder;
  const auto truth = write_mask(folder, "t.tif", "##..\n##..");
  plat::Image<uint8_t> bytes(4, 2);
  plat::Image<float> shares(4, 2);
  const int values[] = {250, 125, 124, 0, 200, 255, 130, 10};
  for (int i = 0; i < 8; ++i) {
    bytes.at(i % 4, i / 4) = static_cast<uint8_t>(values[i]);
    shares.at(i % 4, i / 4) = values[i] == 255 ? -1.0F : static_cast<float>(values[i]) / 250;
  }
  plat::RasterWriteOptions write;
  plat::write_raster(folder.file("bytes.tif"), bytes, grid_of(4, 2), write);
  write.nodata = -1;
  plat::write_raster(folder.file("shares.tif"), shares, grid_of(4, 2), write);
  plat::EvaluateChangesOptions options;
  options.threshold = 0.5;
  for (const char* name : {"bytes.tif", "shares.tif"}) {
    BOOST_TEST((compared(folder.file(name), truth, options).changes.pixels == plat::PixelCounts{3, 1, 0, 0}), name);
  }
  options.threshold = 1.5;
  BOOST_CHECK_THROW(compared(folder.file("bytes.tif"), truth, options), plat::UsageError);
  options.threshold.reset();
  BOOST_CHECK_THROW(compared(folder.file("shares.tif"), truth, options), plat::DataError);
  plat::Image<uint8_t> many(40, 2);
  for (int i = 0; i < 40; ++i) many.at(i, 0) = many.at(i, 1) = static_cast<uint8_t>(i);
  plat::write_raster(folder.file("many.tif"), many, grid_of(40, 2), {});
  BOOST_CHECK_EXCEPTION(compared(folder.file("many.tif"), truth), plat::DataError, [](const auto& error) {
    return std::string(error.what()).find("39 values") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(a_mask_is_compared_with_layers_of_both_dates) {
  const plat::test::TemporaryFolder folder;
  const auto before = write_rows(folder, "b.gpkg", {{{0, 0, 4, 4}, {}}, {{10, 0, 14, 4}, {}}, {{30, 0, 34, 4}, {}}});
  const auto after = write_rows(folder, "a.gpkg", {{{0, 0, 6, 4}, {}}, {{20, 0, 24, 4}, {}}, {{30, 0, 34, 4}, {}}});
  plat::Image<int32_t> mask(80, 10);
  const auto fill = [&](int from, int to) {
    for (int row = 0; row < 8; ++row) {
      for (int col = from; col < to; ++col) mask.at(col, row) = 1;
    }
  };
  fill(8, 12);   // what the first has grown by
  fill(20, 28);  // the one that vanished
  fill(60, 68);  // one that is the same
  plat::write_raster(folder.file("p.tif"), mask, grid_of(80, 10), {});
  plat::EvaluateChangesOptions options;
  options.truth_before = before;
  options.truth_after = after;
  const auto result = compared(folder.file("p.tif"), "", options);
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{2, 1, 1}));
  BOOST_TEST(result.changes.pixels.recall() == 96.0 / 160, boost::test_tools::tolerance(0.02));
  BOOST_TEST(result.unchanged == 1);
  BOOST_TEST(result.unchanged_called_changed == 1);
  options.truth_after.clear();
  BOOST_CHECK_THROW(compared(folder.file("p.tif"), "", options), plat::UsageError);
  BOOST_CHECK_THROW(compared(folder.file("p.tif"), ""), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(the_ground_of_a_change_is_taken_from_the_objects_that_it_names) {
  const plat::test::TemporaryFolder folder;
  const auto numbered = [](const plat::Bounds& box, int64_t id) { return Row{box, {{"id", id}}}; };
  const std::vector<std::pair<std::string, std::string>> layers = {
      {"before", write_rows(folder, "b.gpkg", {numbered({0, 0, 10, 10}, 5), numbered({40, 0, 50, 10}, 6)})},
      {"after", write_rows(folder, "a.gpkg", {numbered({0, 0, 14, 10}, 9), numbered({40, 0, 46, 10}, 8)})},
      {"changes",
       write_rows(folder, "c.gpkg",
                  {{{0, 0, 14, 10}, {{"kind", "grown"}, {"before_id", int64_t{5}}, {"after_id", int64_t{9}}}},
                   {{40, 0, 46, 10}, {{"kind", "shrunk"}, {"before_id", int64_t{6}}, {"after_id", int64_t{8}}}},
                   {{80, 0, 90, 10}, {{"kind", "appeared"}}}})}};
  const std::string all = folder.file("all.gpkg");
  const GDALDatasetH target = GDALCreate(GDALGetDriverByName("GPKG"), all.c_str(), 0, 0, 0, GDT_Unknown, nullptr);
  for (const auto& [name, path] : layers) {
    const GDALDatasetH source = GDALOpenEx(path.c_str(), GDAL_OF_VECTOR, nullptr, nullptr, nullptr);
    GDALDatasetCopyLayer(target, GDALDatasetGetLayer(source, 0), name.c_str(), nullptr);
    GDALClose(source);
  }
  GDALClose(target);
  plat::EvaluateChangesOptions options;
  options.truth_before = options.truth_after = all;  // their layers before and after
  const auto result = compared(all, "", options);
  BOOST_TEST(result.predicted_by_outline == 0);
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{2, 1, 0}));
  BOOST_TEST(result.changes.pixels.recall() == 1);
  BOOST_TEST(result.changes.pixels.precision() == 80.0 / 180, boost::test_tools::tolerance(0.02));
  BOOST_TEST(compared(layers[2].second, all).predicted_by_outline == 2);
}

BOOST_AUTO_TEST_CASE(changes_outside_the_area_are_left_out_and_each_is_written_with_its_kind) {
  const plat::test::TemporaryFolder folder;
  const auto truth =
      write_rows(folder, "t.gpkg", {change({0, 0, 10, 10}, "appeared"), change({50, 0, 60, 10}, "grown")});
  plat::EvaluateChangesOptions options;
  options.evaluate.area = write_rows(folder, "area.gpkg", {{{0, 0, 30, 30}, {}}});
  options.evaluate.matches = folder.file("m.gpkg");
  const auto result = compared(truth, truth, options);
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{1, 0, 0}));
  const auto layer = plat::read_features(options.evaluate.matches);
  BOOST_REQUIRE(layer.features.size() == 2);
  BOOST_TEST(std::get<std::string>(*layer.features[0].find("kind")) == "appeared");
  BOOST_CHECK_THROW(compared(truth, truth, options), plat::IoError);
}

BOOST_AUTO_TEST_CASE(what_is_no_kind_is_refused) {
  const plat::test::TemporaryFolder folder;
  const auto truth = write_rows(folder, "t.gpkg", {change({0, 0, 10, 10}, "appeared")});
  const auto odd = write_rows(folder, "o.gpkg", {change({0, 0, 10, 10}, "built")});
  BOOST_CHECK_EXCEPTION(compared(odd, truth), plat::DataError, [](const auto& error) {
    return std::string(error.what()).find("change 1 has the kind 'built'") != std::string::npos;
  });
  plat::EvaluateChangesOptions options;
  options.kinds = {"unknown"};
  BOOST_CHECK_THROW(compared(truth, truth, options), plat::UsageError);
  options.kinds.clear();
  BOOST_CHECK_THROW(compared(truth, truth, options), plat::UsageError);
  plat::EvaluateChangesOptions with_threshold;
  with_threshold.threshold = 0.5;
  BOOST_CHECK_THROW(compared(truth, truth, with_threshold), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
