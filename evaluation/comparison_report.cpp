// SPDX-License-Identifier: Apache-2.0
#include "evaluation/comparison_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
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
RateSet rates_of(const Counts& c, const CompareOptions& options = {}) {
  if (options.nothing_is_right && !c.defined()) return {1, 1, 1, 1};
  const Rates rates = c.rates();
  const int64_t any = c.true_positives + c.false_positives + c.false_negatives;
  return {defined(rates.precision, c.true_positives + c.false_positives),
          defined(rates.recall, c.true_positives + c.false_negatives), defined(rates.f1, any), defined(rates.iou, any)};
}

/// Two lines on objects, one on pixels.
std::string rates_text(const Comparison& comparison, const CompareOptions& options) {
  const RateSet objects = rates_of(comparison.objects, options);
  const RateSet pixels = rates_of(comparison.pixels, options);
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
  return text;
}

Json figures_json(const Comparison& comparison, const CompareOptions& options) {
  const RateSet objects = rates_of(comparison.objects, options);
  const RateSet pixels = rates_of(comparison.pixels, options);
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
  return json;
}

std::string notes_text(const std::vector<std::string>& remarks) {
  std::string text;
  for (const std::string& remark : remarks) text += "note     " + remark + "\n";
  return text;
}

/// Columns of a fixed width, the first of them a name.
std::string row_text(const std::string& name, const std::vector<std::string>& cells) {
  const auto padded = [](const std::string& text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
  };
  std::string row = "  " + name + padded("", name.size() < 10 ? 10 - name.size() : 1);
  for (const std::string& cell : cells) row += padded(cell, 11);
  return row + "\n";
}

std::string kinds_text(const ChangeComparison& comparison) {
  if (comparison.kinds.empty()) return "";
  const auto rate = [](const std::optional<double>& value) { return value ? format("%.3f", *value) : "-"; };
  std::string text = "kinds\n" + row_text("", {"predicted", "true", "matched", "precision", "recall", "F1"});
  for (const auto& [kind, counts] : comparison.kinds) {
    const RateSet rates = rates_of(counts);
    text += row_text(
        kind, {std::to_string(counts.predicted()), std::to_string(counts.truth()),
               std::to_string(counts.true_positives), rate(rates.precision), rate(rates.recall), rate(rates.f1)});
  }
  text += "         " + std::to_string(comparison.wrong_kind) + " of " +
          std::to_string(comparison.changes.objects.true_positives) + " found objects under a wrong kind";
  std::string separator = ": ";
  for (std::size_t t = 0; t < comparison.kinds.size(); ++t) {
    for (std::size_t p = 0; p < comparison.kinds.size(); ++p) {
      if (t == p || comparison.confusion[t][p] == 0) continue;
      text += separator + std::to_string(comparison.confusion[t][p]) + " " + comparison.kinds[t].kind + " as " +
              comparison.kinds[p].kind;
      separator = ", ";
    }
  }
  return text + "\n";
}

std::vector<std::string> changes_remarks(const ChangeComparison& comparison, const ChangeCompareOptions& options) {
  std::vector<std::string> remarks = comparison_remarks(comparison.changes, options.compare);
  const auto both = [](int64_t predicted, int64_t truth) {
    return std::to_string(predicted) + " predicted, " + std::to_string(truth) + " true";
  };
  if (comparison.predicted_not_judged + comparison.truth_not_judged > 0) {
    remarks.push_back("left out, since at least half of them lies on ground that is unknown: " +
                      both(comparison.predicted_not_judged, comparison.truth_not_judged));
  }
  if (comparison.predicted_by_outline + comparison.truth_by_outline > 0) {
    remarks.push_back("changes whose ground is not told count with their whole outline in the pixel rates: " +
                      both(comparison.predicted_by_outline, comparison.truth_by_outline) +
                      "; --change-kinds appeared,vanished leaves them out");
  }
  return remarks;
}

}  // namespace

std::string comparison_text(const Comparison& comparison, const CompareOptions& options) {
  return rates_text(comparison, options) + notes_text(comparison_remarks(comparison, options));
}

std::string comparison_json(const Comparison& comparison, const CompareOptions& options) {
  Json json = figures_json(comparison, options);
  json["remarks"] = comparison_remarks(comparison, options);
  return json.dump(2) + "\n";
}

std::string changes_text(const ChangeComparison& comparison, const ChangeCompareOptions& options) {
  std::string text = rates_text(comparison.changes, options.compare) + kinds_text(comparison);
  if (comparison.unchanged > 0) {
    const auto called = static_cast<double>(comparison.unchanged_called_changed);
    text += "unchanged  " + std::to_string(comparison.unchanged_called_changed) + " of " +
            std::to_string(comparison.unchanged) + " unchanged objects called changed (" +
            format("%.3f", called / static_cast<double>(comparison.unchanged)) + ")\n";
  }
  return text + notes_text(changes_remarks(comparison, options));
}

std::string changes_json(const ChangeComparison& comparison, const ChangeCompareOptions& options) {
  Json json{{"task", "change"}};
  json.update(figures_json(comparison.changes, options.compare));
  json["objects"]["predicted_not_judged"] = comparison.predicted_not_judged;
  json["objects"]["truth_not_judged"] = comparison.truth_not_judged;
  json["pixels"]["predicted_by_outline"] = comparison.predicted_by_outline;
  json["pixels"]["truth_by_outline"] = comparison.truth_by_outline;
  json["kinds"] = Json::object();
  json["confusion"] = Json::object();
  for (std::size_t t = 0; t < comparison.kinds.size(); ++t) {
    const auto& [kind, counts] = comparison.kinds[t];
    const RateSet rates = rates_of(counts);
    json["kinds"][kind] = {{"predicted", counts.predicted()},   {"truth", counts.truth()},
                           {"matched", counts.true_positives},  {"precision", rate_json(rates.precision)},
                           {"recall", rate_json(rates.recall)}, {"f1", rate_json(rates.f1)}};
    for (std::size_t p = 0; p < comparison.kinds.size(); ++p) {
      json["confusion"][kind][comparison.kinds[p].kind] = comparison.confusion[t][p];
    }
  }
  json["wrong_kind"] = comparison.kinds.empty() ? Json(nullptr) : Json(comparison.wrong_kind);
  const auto called = static_cast<double>(comparison.unchanged_called_changed);
  json["unchanged"] = {
      {"truth", comparison.unchanged},
      {"called_changed", comparison.unchanged_called_changed},
      {"share", rate_json(defined(called / static_cast<double>(std::max<int64_t>(1, comparison.unchanged)),
                                  comparison.unchanged))}};
  json["options"]["change_kinds"] = options.kinds;
  json["remarks"] = changes_remarks(comparison, options);
  return json.dump(2) + "\n";
}

std::vector<std::string> comparison_remarks(const Comparison& comparison, const CompareOptions& options) {
  std::vector<std::string> remarks;
  const bool nothing_predicted = comparison.objects.predicted() == 0;
  const bool nothing_true = comparison.objects.truth() == 0;
  if (nothing_predicted && nothing_true) {
    remarks.emplace_back(options.nothing_is_right ? "neither side has a change here, which is right: all rates are 1"
                                                  : "neither side has an object here, so there is nothing to rate");
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
    remarks.push_back("left out (outside the area, below the minimum area, without any, or repeated): " +
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
  std::vector<Field> fields{{"side", FieldType::Text},  {"outcome", FieldType::Text},
                            {"iou", FieldType::Real},   {"area_m2", FieldType::Real},
                            {"id", FieldType::Integer}, {"partner", FieldType::Integer}};
  const auto has_kind = [](const ComparedObject& object) { return !object.kind.empty(); };
  if (std::any_of(comparison.predicted.begin(), comparison.predicted.end(), has_kind) ||
      std::any_of(comparison.truth.begin(), comparison.truth.end(), has_kind)) {
    fields.push_back({"kind", FieldType::Text});
  }
  FeatureWriter writer(path, crs, fields, options);
  const auto write = [&](const std::vector<ComparedObject>& objects, const char* side) {
    for (const ComparedObject& object : objects) {
      Feature feature{transform ? (*transform)(object.geometry) : object.geometry,
                      {{"side", std::string(side)},
                       {"outcome", to_string(object.outcome)},
                       {"iou", object.iou},
                       {"area_m2", object.area_m2},
                       {"id", object.position + 1}}};
      if (object.partner >= 0) feature.attributes.emplace_back("partner", object.partner + 1);
      if (has_kind(object)) feature.attributes.emplace_back("kind", object.kind);
      writer.write(feature);
    }
  };
  write(comparison.predicted, "predicted");
  write(comparison.truth, "truth");
  writer.close();
}

}  // namespace plat
