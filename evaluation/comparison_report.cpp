// SPDX-License-Identifier: Apache-2.0
#include "evaluation/comparison_report.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <optional>

namespace plat {
namespace {

using Json = nlohmann::ordered_json;

/// A rate, or nothing where its denominator is 0.
std::optional<double> defined(double rate, int64_t denominator) {
  return denominator > 0 ? std::optional(rate) : std::nullopt;
}

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string rate_text(const char* name, const std::optional<double>& rate, const std::optional<Interval>& interval) {
  std::string text = std::string(name) + " " + (rate ? format("%.3f", *rate) : "-");
  if (rate && interval) text += " [" + format("%.3f", interval->low) + ", " + format("%.3f", interval->high) + "]";
  return text;
}

Json rate_json(const std::optional<double>& rate) { return rate ? Json(*rate) : Json(nullptr); }

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

struct RateSet {
  std::optional<double> precision, recall, f1, iou;
};

template <typename Counts>
RateSet rates_of(const Counts& c) {
  const Rates rates = c.rates();
  const int64_t any = c.true_positives + c.false_positives + c.false_negatives;
  return {defined(rates.precision, c.true_positives + c.false_positives),
          defined(rates.recall, c.true_positives + c.false_negatives), defined(rates.f1, any), defined(rates.iou, any)};
}

}  // namespace

std::string comparison_text(const Comparison& comparison, const CompareOptions& options) {
  const RateSet objects = rates_of(comparison.objects);
  const RateSet pixels = rates_of(comparison.pixels);
  const auto number = [](int64_t n) { return std::to_string(n); };
  std::string text;
  text += "objects  " + rate_text("precision", objects.precision, comparison.precision) + "  " +
          rate_text("recall", objects.recall, comparison.recall) + "  " + rate_text("F1", objects.f1, comparison.f1) +
          "\n";
  text += "         " + number(comparison.objects.true_positives) + " found (TP), " +
          number(comparison.objects.false_positives) + " invented (FP), " + number(comparison.objects.false_negatives) +
          " missed (FN); found at IoU > " + format("%g", options.iou);
  if (comparison.objects.true_positives > 0) text += ", their mean IoU " + format("%.3f", comparison.mean_iou);
  text += "\npixels   " + rate_text("IoU", pixels.iou, comparison.pixel_iou) + "  " +
          rate_text("precision", pixels.precision, std::nullopt) + "  " +
          rate_text("recall", pixels.recall, std::nullopt) + "  " + rate_text("F1", pixels.f1, std::nullopt) + " at " +
          format("%.3g", options.gsd_m) + " m\n";
  for (const std::string& remark : comparison_remarks(comparison, options)) text += "note     " + remark + "\n";
  return text;
}

std::string comparison_json(const Comparison& comparison, const CompareOptions& options) {
  const RateSet objects = rates_of(comparison.objects);
  const RateSet pixels = rates_of(comparison.pixels);
  Json json;
  json["objects"] = {{"predicted", comparison.objects.predicted()},
                     {"truth", comparison.objects.truth()},
                     {"predicted_left_out", comparison.predicted_left_out},
                     {"truth_left_out", comparison.truth_left_out},
                     {"true_positives", comparison.objects.true_positives},
                     {"false_positives", comparison.objects.false_positives},
                     {"false_negatives", comparison.objects.false_negatives},
                     {"precision", rate_json(objects.precision)},
                     {"recall", rate_json(objects.recall)},
                     {"f1", rate_json(objects.f1)},
                     {"mean_iou", rate_json(defined(comparison.mean_iou, comparison.objects.true_positives))},
                     {"precision_interval", interval_json(comparison.precision)},
                     {"recall_interval", interval_json(comparison.recall)},
                     {"f1_interval", interval_json(comparison.f1)}};
  json["pixels"] = {{"true_positives", comparison.pixels.true_positives},
                    {"false_positives", comparison.pixels.false_positives},
                    {"false_negatives", comparison.pixels.false_negatives},
                    {"iou", rate_json(pixels.iou)},
                    {"precision", rate_json(pixels.precision)},
                    {"recall", rate_json(pixels.recall)},
                    {"f1", rate_json(pixels.f1)},
                    {"iou_interval", interval_json(comparison.pixel_iou)},
                    {"gsd_m", options.gsd_m}};
  json["options"] = {{"iou", options.iou},         {"min_area_m2", options.min_area_m2}, {"score", options.score},
                     {"block_m", options.block_m}, {"rounds", options.rounds},           {"seed", options.seed},
                     {"blocks", comparison.blocks}};
  json["remarks"] = comparison_remarks(comparison, options);
  return json.dump(2) + "\n";
}

std::vector<std::string> comparison_remarks(const Comparison& comparison, const CompareOptions& options) {
  std::vector<std::string> remarks;
  const bool nothing_predicted = comparison.objects.predicted() == 0;
  const bool nothing_true = comparison.objects.truth() == 0;
  if (nothing_predicted && nothing_true) {
    remarks.emplace_back("neither side has an object here, so there is nothing to rate");
  } else if (nothing_predicted) {
    remarks.emplace_back("nothing is predicted here: precision has no value, and every true object counts as missed");
  } else if (nothing_true) {
    remarks.emplace_back(
        "the truth has no object here: recall has no value, and every prediction counts as invented; "
        "check that the layers lie in the same place");
  } else if (comparison.objects.true_positives == 0 && comparison.pixels.true_positives == 0) {
    remarks.emplace_back("the two layers nowhere overlap; check their CRS and that they show the same place");
  }
  if (comparison.predicted_left_out + comparison.truth_left_out > 0) {
    remarks.push_back("left out (outside the area, below the minimum area, or without any): " +
                      std::to_string(comparison.predicted_left_out) + " predicted, " +
                      std::to_string(comparison.truth_left_out) + " true");
  }
  if (options.rounds > 0 && !comparison.f1 && !(nothing_predicted && nothing_true)) {
    remarks.push_back("no intervals: the objects lie in only " + std::to_string(comparison.blocks) + " blocks of " +
                      format("%g", options.block_m) + " m");
  } else if (comparison.f1) {
    remarks.push_back("intervals hold 95 % of " + std::to_string(options.rounds) + " draws of " +
                      std::to_string(comparison.blocks) + " blocks of " + format("%g", options.block_m) + " m");
  }
  return remarks;
}

void write_matches(const std::string& path, const Comparison& comparison, const Crs& crs,
                   const FeatureWriteOptions& options) {
  std::optional<CrsTransform> transform;
  if (!crs.empty() && !comparison.crs.empty()) transform.emplace(comparison.crs, crs);
  FeatureWriter writer(path, crs,
                       {{"side", FieldType::Text},
                        {"outcome", FieldType::Text},
                        {"iou", FieldType::Real},
                        {"area_m2", FieldType::Real},
                        {"id", FieldType::Integer},
                        {"partner", FieldType::Integer}},
                       options);
  const auto write = [&](const std::vector<ComparedObject>& objects, const char* side) {
    for (const ComparedObject& object : objects) {
      Feature feature{transform ? (*transform)(object.geometry) : object.geometry,
                      {{"side", std::string(side)},
                       {"outcome", to_string(object.outcome)},
                       {"iou", object.iou},
                       {"area_m2", object.area_m2},
                       {"id", object.position + 1}}};
      if (object.partner >= 0) feature.attributes.emplace_back("partner", object.partner + 1);
      writer.write(feature);
    }
  };
  write(comparison.predicted, "predicted");
  write(comparison.truth, "truth");
  writer.close();
}

}  // namespace plat
