// SPDX-License-Identifier: Apache-2.0
#include "evaluation/comparison_report.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace {

const plat::GdalSession gdal;

plat::FeatureLayer boxes(const std::vector<double>& columns) {
  plat::FeatureLayer layer;
  for (const double x : columns) layer.features.push_back({{plat::to_polygon(plat::Bounds{x, 0, x + 10, 10})}, {}});
  return layer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(comparison_report)

BOOST_AUTO_TEST_CASE(json_and_text_tell_the_counts_and_rates) {
  const plat::CompareOptions options;
  const auto comparison = plat::compare_layers(boxes({0, 100, 201}), boxes({0, 200}), options);
  const auto json = nlohmann::json::parse(plat::comparison_json(comparison, options));
  BOOST_TEST(json["objects"]["true_positives"] == 2);
  BOOST_TEST(json["objects"]["false_positives"] == 1);
  BOOST_TEST(json["objects"]["recall"] == 1.0);
  BOOST_TEST(json["objects"]["f1"].get<double>() == 0.8);
  BOOST_TEST(json["objects"]["f1_interval"].is_null());
  BOOST_TEST(json["pixels"]["iou"].get<double>() == 190.0 / 310, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(json["pixels"]["gsd_m"] == 0.5);
  const std::string text = plat::comparison_text(comparison, options);
  BOOST_TEST(text.find("precision 0.667  recall 1.000  F1 0.800") != std::string::npos);
  BOOST_TEST(text.find("2 found (TP), 1 invented (FP), 0 missed (FN); found at IoU > 0.5") != std::string::npos);
  BOOST_TEST(text.find("no intervals") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_empty_side_is_said_and_its_rates_have_no_value) {
  const plat::CompareOptions options;
  const auto none_predicted = plat::compare_layers({}, boxes({0}), options);
  const auto json = nlohmann::json::parse(plat::comparison_json(none_predicted, options));
  BOOST_TEST(json["objects"]["precision"].is_null());
  BOOST_TEST(json["objects"]["recall"] == 0.0);
  BOOST_TEST(json["pixels"]["precision"].is_null());
  BOOST_TEST(plat::comparison_text(none_predicted, options).find("nothing is predicted here") != std::string::npos);
  BOOST_TEST(plat::comparison_text(none_predicted, options).find("precision -") != std::string::npos);
  const auto none_true = plat::compare_layers(boxes({0}), {}, options);
  BOOST_TEST(plat::comparison_text(none_true, options).find("the truth has no object here") != std::string::npos);
  const auto nothing = plat::compare_layers({}, {}, options);
  BOOST_TEST(plat::comparison_text(nothing, options).find("nothing to rate") != std::string::npos);
  const auto apart = plat::compare_layers(boxes({0}), boxes({5000}), options);
  BOOST_TEST(plat::comparison_text(apart, options).find("nowhere overlap") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
