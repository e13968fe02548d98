// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "evaluation/compare_layers.hpp"
#include "evaluation/polygon_matching.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

const plat::GdalSession gdal;

plat::MultiPolygon box(double x0, double y0, double x1, double y1) {
  return {plat::to_polygon(plat::Bounds{x0, y0, x1, y1})};
}

plat::FeatureLayer layer_of(const std::vector<plat::MultiPolygon>& objects, const plat::Crs& crs = {}) {
  plat::FeatureLayer layer;
  layer.crs = crs;
  for (const auto& object : objects) layer.features.push_back({object, {}});
  return layer;
}

std::vector<plat::MultiPolygon> geometries(const plat::FeatureLayer& layer) {
  std::vector<plat::MultiPolygon> out;
  for (const auto& feature : layer.features) out.push_back(plat::make_valid(feature.geometry));
  return out;
}

/// "POLYGON ((x y 0, x y 0), (..))" or "POLYGON EMPTY".
plat::MultiPolygon parse_wkt(const std::string& text) {
  plat::Polygon polygon;
  std::size_t at = 0;
  while ((at = text.find("(", at)) != std::string::npos) {
    while (text[at] == '(') ++at;
    const std::size_t end = text.find(')', at);
    plat::Ring ring;
    while (at < end) {
      plat::Point point;
      std::size_t used = 0;
      point.x = std::stod(text.substr(at), &used);
      at += used;
      point.y = std::stod(text.substr(at), &used);
      ring.push_back(point);
      at = std::min(end, text.find(',', at));
      if (at < end) ++at;
    }
    ring.pop_back();
    if (polygon.exterior.empty())
      polygon.exterior = ring;
    else
      polygon.holes.push_back(ring);
  }
  return polygon.exterior.empty() ? plat::MultiPolygon{} : plat::MultiPolygon{polygon};
}

/// Objects of each image in one of SpaceNet's tables; those below `min_area` are left out.
std::map<std::string, std::vector<plat::MultiPolygon>> read_spacenet(const std::string& path, double min_area) {
  std::map<std::string, std::vector<plat::MultiPolygon>> images;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::string image = line.substr(0, line.find(','));
    const std::size_t start = line.find("POLYGON");
    const auto object = plat::make_valid(parse_wkt(line.substr(start, line.find_first_of("\"E", start + 7) - start)));
    auto& objects = images[image];
    if (plat::area(object) >= min_area && !object.empty()) objects.push_back(object);
  }
  return images;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(polygons)

BOOST_AUTO_TEST_CASE(iou_is_that_computed_by_hand) {
  BOOST_TEST(plat::intersection_over_union(box(0, 0, 2, 2), box(1, 0, 3, 2)) == 2.0 / 6,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(plat::intersection_over_union(box(0, 0, 2, 2), box(0, 0, 2, 2)) == 1);
  BOOST_TEST(plat::intersection_over_union(box(0, 0, 2, 2), box(2, 0, 4, 2)) == 0);
  BOOST_TEST(plat::intersection_over_union({}, box(2, 0, 4, 2)) == 0);
  plat::MultiPolygon ring = box(0, 0, 4, 4);
  ring[0].holes.push_back({{1, 1}, {3, 1}, {3, 3}, {1, 3}});
  BOOST_TEST(plat::intersection_over_union(ring, box(0, 0, 4, 4)) == 0.75);
  BOOST_TEST(plat::intersection_over_union(ring, box(1, 1, 3, 3)) == 0);
}

BOOST_AUTO_TEST_CASE(overlaps_found_by_the_index_are_those_of_all_pairs) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> place(0, 100);
  std::uniform_real_distribution<double> size(1, 12);
  std::vector<plat::MultiPolygon> a;
  std::vector<plat::MultiPolygon> b;
  for (int i = 0; i < 150; ++i) {
    for (auto* side : {&a, &b}) {
      const double x = place(random);
      const double y = place(random);
      side->push_back(box(x, y, x + size(random), y + size(random)));
    }
  }
  std::set<std::pair<int64_t, int64_t>> expected;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      if (plat::intersection_over_union(a[i], b[j]) > 0.1)
        expected.insert({static_cast<int64_t>(i), static_cast<int64_t>(j)});
    }
  }
  std::set<std::pair<int64_t, int64_t>> found;
  for (const auto& overlap : plat::find_overlaps(a, b, 0.1)) found.insert({overlap.predicted, overlap.truth});
  BOOST_TEST(found.size() > 20);
  BOOST_TEST((found == expected));
}

BOOST_AUTO_TEST_CASE(a_perfect_layer_scores_one_and_an_exchange_of_layers_keeps_f1) {
  const auto truth = layer_of({box(0, 0, 10, 10), box(20, 0, 30, 10), box(40, 0, 60, 10)});
  const auto same = plat::compare_layers(truth, truth, {});
  BOOST_TEST(same.objects.f1() == 1);
  BOOST_TEST(same.pixels.iou() == 1);
  BOOST_TEST(same.mean_iou == 1);
  const auto predicted = layer_of({box(1, 0, 10, 10), box(20, 5, 30, 15), box(80, 0, 90, 10)});
  const auto there = plat::compare_layers(predicted, truth, {});
  const auto back = plat::compare_layers(truth, predicted, {});
  BOOST_TEST((there.objects == plat::ObjectCounts{1, 2, 2}));
  BOOST_TEST((back.objects == there.objects));
  // Square metres: 140 in common of 290 predicted and 400 true ones.
  BOOST_TEST(there.pixels.iou() == 140.0 / 550, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(there.pixels.iou() == back.pixels.iou());
  BOOST_TEST(there.predicted[1].iou == 1.0 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST((there.predicted[1].outcome == plat::Outcome::FalsePositive));
  BOOST_TEST(there.truth[0].partner == 0);
}

BOOST_AUTO_TEST_CASE(outside_the_known_area_nothing_counts_and_at_its_edge_objects_are_cut) {
  const auto truth = layer_of({box(0, 0, 10, 10), box(95, 0, 105, 10)});
  const auto predicted = layer_of({box(0, 0, 10, 10), box(95, 0, 100, 10), box(200, 0, 210, 10)});
  plat::CompareOptions options;
  options.area = box(0, 0, 100, 100);
  const auto result = plat::compare_layers(predicted, truth, options);
  BOOST_TEST((result.objects == plat::ObjectCounts{2, 0, 0}));
  BOOST_TEST(result.predicted_left_out == 1);
  BOOST_TEST(result.pixels.iou() == 1);
  options.min_area_m2 = 60;
  BOOST_TEST((plat::compare_layers(predicted, truth, options).objects == plat::ObjectCounts{1, 0, 0}));
}

BOOST_AUTO_TEST_CASE(layers_in_different_crs_are_compared_on_the_ground) {
  const auto utm = plat::Crs::from_text("EPSG:32645");
  const auto mercator = plat::Crs::from_text("EPSG:3857");
  const auto truth = layer_of({box(356000, 3056000, 356020, 3056010), box(356100, 3056000, 356120, 3056010)}, utm);
  auto predicted = truth;
  predicted.crs = mercator;
  const plat::CrsTransform transform(utm, mercator);
  for (auto& feature : predicted.features) feature.geometry = transform(feature.geometry);
  const auto result = plat::compare_layers(predicted, truth, {});
  BOOST_TEST((result.objects == plat::ObjectCounts{2, 0, 0}));
  BOOST_TEST(result.mean_iou > 0.9999);
  BOOST_TEST(result.pixels.iou() == 1);
  // 200 m² in UTM, whose scale differs from 1 by less than a thousandth.
  BOOST_TEST(result.truth[0].area_m2 == 200, boost::test_tools::tolerance(2e-3));
  BOOST_CHECK_THROW(plat::compare_layers(layer_of({box(0, 0, 1, 1)}), truth, {}), plat::DataError);
}

BOOST_AUTO_TEST_CASE(empty_layers_give_zeros_without_intervals) {
  const auto some = layer_of({box(0, 0, 10, 10)});
  const auto nothing = plat::compare_layers({}, {}, {});
  BOOST_TEST(!nothing.objects.defined());
  BOOST_TEST(!nothing.pixels.defined());
  BOOST_TEST(!nothing.f1.has_value());
  BOOST_TEST((plat::compare_layers({}, some, {}).objects == plat::ObjectCounts{0, 0, 1}));
  BOOST_TEST((plat::compare_layers(some, {}, {}).objects == plat::ObjectCounts{0, 1, 0}));
}

BOOST_AUTO_TEST_CASE(a_score_decides_who_chooses_first) {
  const auto truth = layer_of({box(0, 0, 10, 10)});
  auto predicted = layer_of({box(0, 0, 10, 6), box(0, 0, 10, 9)});
  predicted.features[0].attributes = {{"score", 0.2}};
  predicted.features[1].attributes = {{"score", int64_t{1}}};
  plat::CompareOptions options;
  BOOST_TEST(plat::compare_layers(predicted, truth, options).truth[0].partner == 0);
  options.score = "score";
  BOOST_TEST(plat::compare_layers(predicted, truth, options).truth[0].partner == 1);
  options.score = "other";
  BOOST_CHECK_THROW(plat::compare_layers(predicted, truth, options), plat::DataError);
}

BOOST_AUTO_TEST_CASE(intervals_hold_the_rate_and_come_out_the_same_each_time) {
  std::mt19937 random(5);
  std::vector<plat::MultiPolygon> predicted;
  std::vector<plat::MultiPolygon> truth;
  for (int row = 0; row < 20; ++row) {
    for (int col = 0; col < 20; ++col) {
      if (random() % 4 != 0) predicted.push_back(box(col * 50, row * 50, col * 50 + 10, row * 50 + 10));
      if (random() % 5 != 0) truth.push_back(box(col * 50, row * 50, col * 50 + 10, row * 50 + 10));
    }
  }
  const auto once = plat::compare_layers(layer_of(predicted), layer_of(truth), {});
  const auto again = plat::compare_layers(layer_of(predicted), layer_of(truth), {});
  BOOST_REQUIRE(once.f1.has_value());
  BOOST_TEST(once.f1->low < once.objects.f1());
  BOOST_TEST(once.f1->high > once.objects.f1());
  // 400 independent objects: a deviation of about 0.02, so 95 % lie within about 0.08 of each other.
  BOOST_TEST(once.f1->high - once.f1->low < 0.15);
  BOOST_TEST(once.f1->high - once.f1->low > 0.02);
  BOOST_TEST(once.f1->low == again.f1->low);
  BOOST_TEST(once.pixel_iou->high == again.pixel_iou->high);
}

BOOST_AUTO_TEST_CASE(solaris_scores_its_sample_layers_the_same, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto folder = *data / "vector" / "spacenet_eval";
  const auto truth = plat::read_features(folder / "gt.geojson");
  const auto predicted = plat::read_features(folder / "pred.geojson");
  // From solaris' own tests (evaluator_test.py, iou_test.py).
  const auto matching = plat::match_polygons(geometries(predicted), geometries(truth));
  BOOST_TEST((matching.counts() == plat::ObjectCounts{8, 20, 20}));
  BOOST_TEST(plat::intersection_over_union(geometries(predicted)[0], geometries(truth)[27]) == 0.07349979874483353,
             boost::test_tools::tolerance(1e-9));
  // The whole way, reprojected to an equal-area frame, finds the same.
  const auto result = plat::compare_layers(predicted, truth, {});
  BOOST_TEST((result.objects == plat::ObjectCounts{8, 20, 20}));
}

BOOST_AUTO_TEST_CASE(spacenet_2_tables_give_the_published_counts_for_every_image, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto folder = *data / "vector" / "spacenet_eval";
  const auto truth = read_spacenet(folder / "SN2_sample_truth.csv", 20);
  const auto predicted = read_spacenet(folder / "SN2_sample_preds.csv", 20);
  std::ifstream expected(folder / "SN2_test_results_full.csv");
  std::string line;
  std::getline(expected, line);
  int images = 0;
  plat::ObjectCounts total;
  while (std::getline(expected, line)) {
    std::vector<std::string> cells;
    std::string cell;
    for (const char c : line + ",") {
      if (c == ',')
        cells.push_back(std::exchange(cell, ""));
      else if (c != '\r')
        cell += c;
    }
    const std::string& image = cells[6];
    const auto p = predicted.contains(image) ? predicted.at(image) : std::vector<plat::MultiPolygon>{};
    const auto t = truth.contains(image) ? truth.at(image) : std::vector<plat::MultiPolygon>{};
    const plat::ObjectCounts counts = plat::match_polygons(p, t).counts();
    BOOST_TEST_CONTEXT(image) {
      BOOST_TEST(counts.true_positives == std::stoll(cells[5]));
      BOOST_TEST(counts.false_positives == std::stoll(cells[2]));
      BOOST_TEST(counts.false_negatives == std::stoll(cells[1]));
      BOOST_TEST(std::abs(counts.f1() - std::stod(cells[0])) < 1e-12);
    }
    total += counts;
    ++images;
  }
  BOOST_TEST(images == 6);
  BOOST_TEST((total == plat::ObjectCounts{87, 57, 82}));
}

BOOST_AUTO_TEST_CASE(raster_vision_layers_match_as_drawn, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto folder = *data / "vector" / "raster_vision_eval";
  const std::vector<plat::ObjectCounts> expected{{5, 1, 1}, {6, 1, 2}, {1, 1, 1}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string name = std::to_string(i);
    const auto result = plat::compare_layers(plat::read_features(folder / (name + "-pred-polygons.geojson")),
                                             plat::read_features(folder / (name + "-gt-polygons.geojson")), {});
    BOOST_TEST((result.objects == expected[i]));
  }
}

BOOST_AUTO_TEST_CASE(more_blocks_than_can_be_drawn_are_refused_before_they_are_made) {
  const auto land = layer_of({box(0, 0, 1e8, 1e8)});
  BOOST_CHECK_THROW(plat::compare_layers(land, land, {}), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(layers_across_the_antimeridian_are_compared_about_their_own_middle) {
  const auto land =
      layer_of({box(179.999, -17, 179.9995, -16.9995), box(-179.9995, -17, -179.999, -16.9995)}, plat::Crs::wgs84());
  const auto result = plat::compare_layers(land, land, {});
  BOOST_TEST(result.objects.true_positives == 2);
  for (const auto& object : result.truth) {
    const plat::Bounds at = plat::bounds(object.geometry);
    BOOST_TEST(std::max(std::abs(at.min_x), std::abs(at.max_x)) < 1000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
