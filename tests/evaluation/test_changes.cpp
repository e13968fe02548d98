// SPDX-License-Identifier: Apache-2.0
#include "evaluation/comparison_report.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

const plat::GdalSession gdal;

const std::vector<std::string> kKinds = {"appeared", "vanished", "grown", "shrunk"};

plat::MultiPolygon box(double x, double y, double side = 10) {
  return {plat::to_polygon(plat::Bounds{x, y, x + side, y + side})};
}

/// Squares of whole metres along a line, 20 m apart, whose kinds are given.
plat::ChangeLayer row(const std::vector<std::string>& kinds) {
  plat::ChangeLayer layer;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    layer.add({box(20 * static_cast<double>(i), 0), {}}, kinds[i]);
  }
  return layer;
}

/// Squares at random whole metres that may overlap.
plat::ChangeLayer random_layer(int objects, unsigned seed, const std::vector<std::string>& kinds) {
  std::mt19937 random(seed);
  plat::ChangeLayer layer;
  for (int i = 0; i < objects; ++i) {
    const auto whole = [&](int below) { return static_cast<double>(random() % static_cast<unsigned>(below)); };
    const double x = whole(500);
    const double y = whole(500);
    layer.add({box(x, y, 3 + whole(12)), {}}, kinds[random() % kinds.size()]);
  }
  return layer;
}

plat::ChangeCompareOptions metre_pixels() {
  plat::ChangeCompareOptions options;
  options.compare.gsd_m = 1;
  return options;
}

nlohmann::json json_of(const plat::ChangeLayer& predicted, const plat::ChangeLayer& truth) {
  const auto options = metre_pixels();
  return nlohmann::json::parse(plat::changes_json(plat::compare_changes(predicted, truth, options), options));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(changes)

BOOST_AUTO_TEST_CASE(the_truth_compared_with_itself_is_perfect) {
  const auto truth = row({"appeared", "vanished", "grown", "shrunk", "unchanged", "split", "unknown"});
  const auto json = json_of(truth, truth);
  BOOST_TEST(json["objects"]["f1"] == 1.0);
  BOOST_TEST(json["objects"]["truth"] == 4);
  BOOST_TEST(json["pixels"]["iou"] == 1.0);
  BOOST_TEST(json["pixels"]["true_positives"] == 400);
  for (const std::string& kind : kKinds) BOOST_TEST(json["kinds"][kind]["f1"] == 1.0);
  BOOST_TEST(json["wrong_kind"] == 0);
  BOOST_TEST(json["unchanged"]["truth"] == 1);
  BOOST_TEST(json["unchanged"]["share"] == 0.0);
}

BOOST_AUTO_TEST_CASE(an_empty_prediction_reaches_nothing) {
  const auto json = json_of(row({"unchanged"}), row({"appeared", "grown"}));
  BOOST_TEST(json["objects"]["f1"] == 0.0);
  BOOST_TEST(json["objects"]["recall"] == 0.0);
  BOOST_TEST(json["objects"]["precision"].is_null());
  BOOST_TEST(json["pixels"]["iou"] == 0.0);
  BOOST_TEST(json["kinds"]["vanished"]["f1"].is_null());
  BOOST_TEST(json_of({}, row({"appeared"}))["pixels"]["f1"] == 0.0);
}

BOOST_AUTO_TEST_CASE(nothing_where_nothing_changed_is_right) {
  for (const auto& json : {json_of({}, {}), json_of(row({"unchanged"}), row({"unchanged"}))}) {
    for (const char* part : {"objects", "pixels"}) {
      for (const char* rate : {"precision", "recall", "f1"}) BOOST_TEST(json[part][rate] == 1.0);
    }
    BOOST_TEST(json["pixels"]["iou"] == 1.0);
    BOOST_TEST(json["remarks"][0].get<std::string>().find("which is right") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(pixels_agree_with_a_count_of_their_centres) {
  std::vector<std::string> kinds = kKinds;
  kinds.insert(kinds.end(), {"unchanged", "unknown", "merged"});
  for (unsigned seed = 1; seed <= 5; ++seed) {
    BOOST_TEST_MESSAGE("seed " << seed);
    const auto predicted = random_layer(300, seed, kinds);
    const auto truth = random_layer(300, seed + 100, kinds);
    const auto pixels = plat::compare_changes(predicted, truth, metre_pixels()).changes.pixels;
    const auto in_any = [](const plat::ChangeLayer& layer, plat::Point p, const std::vector<std::string>& of) {
      for (std::size_t i = 0; i < layer.kinds.size(); ++i) {
        const plat::Bounds b = plat::bounds(layer.objects.features[i].geometry);
        const bool inside = p.x > b.min_x && p.x < b.max_x && p.y > b.min_y && p.y < b.max_y;
        if (inside && std::find(of.begin(), of.end(), layer.kinds[i]) != of.end()) return true;
      }
      return false;
    };
    plat::PixelCounts expected;
    for (int row = 0; row < 520; ++row) {
      for (int col = 0; col < 520; ++col) {
        const plat::Point centre{col + 0.5, row + 0.5};
        if (in_any(predicted, centre, {"unknown"}) || in_any(truth, centre, {"unknown"})) continue;
        const bool p = in_any(predicted, centre, kKinds);
        const bool t = in_any(truth, centre, kKinds);
        if (p && t) ++expected.true_positives;
        if (p && !t) ++expected.false_positives;
        if (!p && t) ++expected.false_negatives;
      }
    }
    BOOST_TEST((pixels == expected));
    const double iou = pixels.iou();
    BOOST_TEST(pixels.f1() == 2 * iou / (1 + iou), boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(exchanged_kinds_change_the_table_of_kinds_and_nothing_else) {
  const auto predicted = random_layer(400, 3, kKinds);
  const auto truth = random_layer(400, 3, kKinds);
  auto exchanged = predicted;
  const std::map<std::string, std::string> next{
      {"appeared", "vanished"}, {"vanished", "grown"}, {"grown", "shrunk"}, {"shrunk", "appeared"}};
  for (std::string& kind : exchanged.kinds) kind = next.at(kind);
  const auto right = json_of(predicted, truth);
  const auto wrong = json_of(exchanged, truth);
  BOOST_TEST(right["objects"] == wrong["objects"]);
  BOOST_TEST(right["pixels"]["iou"] == wrong["pixels"]["iou"]);
  BOOST_TEST(right["wrong_kind"] == 0);
  BOOST_TEST(wrong["wrong_kind"] == right["objects"]["true_positives"]);
  for (const std::string& kind : kKinds) {
    BOOST_TEST(wrong["kinds"][kind]["f1"] == 0.0);
    BOOST_TEST(wrong["confusion"][kind][next.at(kind)] == right["kinds"][kind]["matched"]);
  }
}

BOOST_AUTO_TEST_CASE(kinds_add_up_to_all_objects) {
  const auto predicted = random_layer(300, 7, kKinds);
  const auto truth = random_layer(300, 8, kKinds);
  const auto result = plat::compare_changes(predicted, truth, metre_pixels());
  int64_t of_predicted = 0;
  int64_t of_truth = 0;
  int64_t matched = result.wrong_kind;
  for (const auto& [kind, counts] : result.kinds) {
    of_predicted += counts.predicted();
    of_truth += counts.truth();
    matched += counts.true_positives;
  }
  BOOST_TEST(of_predicted == result.changes.objects.predicted());
  BOOST_TEST(of_truth == result.changes.objects.truth());
  BOOST_TEST(matched == result.changes.objects.true_positives);
}

BOOST_AUTO_TEST_CASE(changes_on_unknown_ground_of_either_side_are_left_out) {
  const auto truth = row({"appeared", "unknown", "vanished"});
  const auto predicted = row({"appeared", "vanished", "unknown"});
  const auto result = plat::compare_changes(predicted, truth, metre_pixels());
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{1, 0, 0}));
  BOOST_TEST((result.changes.pixels == plat::PixelCounts{100, 0, 0, 0}));
  BOOST_TEST(result.predicted_not_judged == 1);
  BOOST_TEST(result.truth_not_judged == 1);
}

BOOST_AUTO_TEST_CASE(unchanged_objects_that_are_mostly_called_changed_are_told) {
  plat::ChangeLayer predicted;
  predicted.add({box(2, 0), {}}, "appeared");   // 80 of 100 m2 of the first
  predicted.add({box(26, 0), {}}, "vanished");  // 40 of the second, and the next 20 more
  predicted.add({box(18, 0, 4), {}}, "grown");  // 8 more
  predicted.add({box(40, 0), {}}, "unchanged");
  const auto result = plat::compare_changes(predicted, row({"unchanged", "unchanged", "unchanged"}), metre_pixels());
  BOOST_TEST(result.unchanged == 3);
  BOOST_TEST(result.unchanged_called_changed == 1);
  predicted.add({box(18, 4, 4), {}}, "grown");
  BOOST_TEST(
      plat::compare_changes(predicted, row({"unchanged", "unchanged"}), metre_pixels()).unchanged_called_changed == 2);
}

BOOST_AUTO_TEST_CASE(without_kinds_on_one_side_the_ground_that_changed_is_matched) {
  plat::ChangeLayer mask;
  mask.add({box(10, 0), {}}, "changed");
  plat::ChangeLayer predicted;
  plat::MultiPolygon whole{plat::to_polygon(plat::Bounds{0, 0, 20, 10})};
  predicted.add({whole, {}}, "grown", box(10, 0));
  const auto result = plat::compare_changes(predicted, mask, metre_pixels());
  BOOST_TEST((result.changes.objects == plat::ObjectCounts{1, 0, 0}));
  BOOST_TEST((result.changes.pixels == plat::PixelCounts{100, 0, 0, 0}));
  BOOST_TEST(result.kinds.empty());
  plat::ChangeLayer truth;
  truth.add({whole, {}}, "grown");
  const auto by_kind = plat::compare_changes(predicted, truth, metre_pixels());
  BOOST_TEST((by_kind.changes.objects == plat::ObjectCounts{1, 0, 0}));
  BOOST_TEST((by_kind.changes.pixels == plat::PixelCounts{100, 0, 100, 0}));
  BOOST_TEST(by_kind.truth_by_outline == 1);
  BOOST_TEST(by_kind.predicted_by_outline == 0);
}

BOOST_AUTO_TEST_CASE(the_text_tells_kinds_and_what_was_called_otherwise) {
  const auto options = metre_pixels();
  const auto result =
      plat::compare_changes(row({"appeared", "grown", "grown"}), row({"appeared", "appeared", "unchanged"}), options);
  const std::string text = plat::changes_text(result, options);
  for (const char* part : {"precision 0.667  recall 1.000  F1 0.800", "1 of 2 found objects under a wrong kind",
                           "1 appeared as grown", "1 of 1 unchanged objects called changed (1.000)", "shrunk"}) {
    BOOST_TEST(text.find(part) != std::string::npos, part << " is not in: " << text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
