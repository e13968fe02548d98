// SPDX-License-Identifier: Apache-2.0
#include "evaluation/compare_layers.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "evaluation/polygon_matching.hpp"
#include "geo/bounds_index.hpp"
#include "geo/overlay.hpp"
#include "geo/rasterize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <variant>

namespace plat {
namespace {

constexpr double kSmallestPixel = 0.001;  // metres: finer than any picture from above
constexpr int kMostRounds = 1'000'000;    // more make no interval better
constexpr double kMostBlocks = 3e7;       // some gigabytes
constexpr double kMostPixels = 2e12;      // an hour of drawing

struct PreparedLayer {
  std::vector<MultiPolygon> geometry;
  std::vector<int64_t> position;
  int64_t left_out = 0;
};

Bounds layer_bounds(const FeatureLayer& layer) {
  Bounds box;
  for (const Feature& feature : layer.features) box.add(bounds(feature.geometry));
  return box;
}

/// Lambert's equal-area projection about the middle of the data: square metres are true and shapes hardly bent.
Crs comparison_crs(const FeatureLayer& predicted, const FeatureLayer& truth) {
  if (predicted.crs.empty() && truth.crs.empty()) return {};
  if (predicted.crs.empty() != truth.crs.empty()) {
    throw DataError(std::string(predicted.crs.empty() ? "the predicted layer" : "the true layer") +
                    " has no CRS, so its place relative to the other is unknown; give it one");
  }
  const FeatureLayer& known = truth.features.empty() ? predicted : truth;
  const Bounds box = layer_bounds(known);
  if (box.empty()) return truth.crs;
  const CrsTransform to_degrees(known.crs, Crs::wgs84());
  Point middle = to_degrees(centre(box));
  const Bounds degrees = to_degrees(box);
  if (degrees.max_x - degrees.min_x > 180) {
    std::vector<Point> places;
    for (const Feature& feature : known.features) places.push_back(to_degrees(centre(bounds(feature.geometry))));
    middle = middle_in_degrees(places);
  }
  return Crs::from_text("+proj=laea +lat_0=" + std::to_string(middle.y) + " +lon_0=" + std::to_string(middle.x) +
                        " +datum=WGS84 +units=m +no_defs");
}

PreparedLayer prepare(const FeatureLayer& layer, const Crs& crs, const std::optional<AreaClipper>& clipper,
                      double min_area_m2) {
  std::optional<CrsTransform> transform;
  if (!crs.empty()) transform.emplace(layer.crs, crs);
  PreparedLayer out;
  for (std::size_t i = 0; i < layer.features.size(); ++i) {
    throw_if_cancelled();
    const MultiPolygon& original = layer.features[i].geometry;
    MultiPolygon geometry = make_valid(transform ? (*transform)(original) : original);
    if (clipper) geometry = (*clipper)(geometry);
    const double size = area(geometry);
    if (size <= 0 || size < min_area_m2) {
      ++out.left_out;
      continue;
    }
    out.geometry.push_back(std::move(geometry));
    out.position.push_back(static_cast<int64_t>(i));
  }
  out.left_out += layer.skipped + layer.misplaced;
  return out;
}

std::vector<int64_t> order_by_score(const FeatureLayer& layer, const PreparedLayer& prepared, const std::string& name) {
  std::vector<double> score;
  for (const int64_t position : prepared.position) {
    const AttributeValue* value = layer.features[static_cast<std::size_t>(position)].find(name);
    if (value != nullptr && std::holds_alternative<double>(*value)) {
      score.push_back(std::get<double>(*value));
    } else if (value != nullptr && std::holds_alternative<int64_t>(*value)) {
      score.push_back(static_cast<double>(std::get<int64_t>(*value)));
    } else {
      throw DataError("predicted object " + std::to_string(position + 1) + " has no number named '" + name +
                      "'; choose another attribute as the score, or none for file order");
    }
  }
  std::vector<int64_t> order(score.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return score[static_cast<std::size_t>(a)] > score[static_cast<std::size_t>(b)];
  });
  return order;
}

std::string count_text(double count) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", count);
  return text.data();
}

/// Square blocks of land, each with what is counted in it.
class BlockMap {
 public:
  BlockMap(double block_m, double gsd_m)
      : pixels_(std::clamp<int64_t>(std::llround(block_m / gsd_m), 16, 4096)),
        gsd_m_(gsd_m),
        side_(static_cast<double>(pixels_) * gsd_m) {}

  CountBlock& at(const Bounds& object) {
    return blocks_[{index((object.min_x + object.max_x) / 2), index((object.min_y + object.max_y) / 2)}];
  }
  /// How many blocks an object touches.
  double span(const Bounds& object) const {
    return (std::floor(object.max_x / side_) - std::floor(object.min_x / side_) + 1) *
           (std::floor(object.max_y / side_) - std::floor(object.min_y / side_) + 1);
  }
  /// Throws UsageError where so many blocks are more than a computer can draw.
  void check(double blocks) const {
    const double pixels = static_cast<double>(pixels_);
    if (blocks <= kMostBlocks && blocks * pixels * pixels <= kMostPixels) return;
    throw UsageError("the objects lie in up to " + count_text(blocks) + " blocks of " + count_text(pixels) + " x " +
                     count_text(pixels) + " pixels, more than can be drawn; pass a larger --gsd or --block");
  }
  void touch(const Bounds& object) {
    throw_if_cancelled();
    for (int64_t row = index(object.min_y); row <= index(object.max_y); ++row) {
      for (int64_t col = index(object.min_x); col <= index(object.max_x); ++col) blocks_[{col, row}];
    }
  }
  void count_pixels(const PreparedLayer& predicted, const PreparedLayer& truth, const Progress& progress) {
    const auto index_of = [](const PreparedLayer& layer) {
      std::vector<Bounds> boxes;
      for (const MultiPolygon& geometry : layer.geometry) boxes.push_back(bounds(geometry));
      return BoundsIndex(boxes);
    };
    const BoundsIndex predicted_index = index_of(predicted);
    const BoundsIndex truth_index = index_of(truth);
    double done = 0;
    for (auto& [cell, block] : blocks_) {
      throw_if_cancelled();
      const Point corner{static_cast<double>(cell.first) * side_, static_cast<double>(cell.second) * side_};
      block.pixels.add(draw(predicted, predicted_index, corner), draw(truth, truth_index, corner));
      block.pixels.true_negatives = 0;
      report(progress, 0.6 + 0.4 * ++done / static_cast<double>(blocks_.size()));
    }
  }
  std::vector<CountBlock> blocks() const {
    std::vector<CountBlock> out;
    for (const auto& entry : blocks_) out.push_back(entry.second);
    return out;
  }

 private:
  int64_t index(double metres) const { return static_cast<int64_t>(std::floor(metres / side_)); }

  Image<uint8_t> draw(const PreparedLayer& layer, const BoundsIndex& index, const Point& corner) const {
    std::vector<MultiPolygon> in_pixels;
    for (const int64_t i : index.find({corner.x, corner.y, corner.x + side_, corner.y + side_})) {
      MultiPolygon geometry = layer.geometry[static_cast<std::size_t>(i)];
      const auto move = [&](Ring& ring) {
        for (Point& p : ring) p = {(p.x - corner.x) / gsd_m_, (p.y - corner.y) / gsd_m_};
      };
      for (Polygon& polygon : geometry) {
        move(polygon.exterior);
        for (Ring& hole : polygon.holes) move(hole);
      }
      in_pixels.push_back(std::move(geometry));
    }
    return rasterize_mask(in_pixels, pixels_, pixels_);
  }

  int64_t pixels_;
  double gsd_m_;
  double side_;
  std::map<std::pair<int64_t, int64_t>, CountBlock> blocks_;
};

/// Notes outcome and partners of one layer's objects.
std::vector<ComparedObject> describe(const PreparedLayer& layer, const PreparedLayer& other,
                                     const std::vector<int64_t>& partner, const std::vector<double>& iou,
                                     Outcome without_partner) {
  std::vector<ComparedObject> out;
  for (std::size_t i = 0; i < layer.geometry.size(); ++i) {
    throw_if_cancelled();
    ComparedObject object;
    object.geometry = layer.geometry[i];
    object.area_m2 = area(object.geometry);
    object.iou = iou[i];
    object.position = layer.position[i];
    object.outcome = partner[i] >= 0 ? Outcome::TruePositive : without_partner;
    if (partner[i] >= 0) object.partner = other.position[static_cast<std::size_t>(partner[i])];
    out.push_back(std::move(object));
  }
  return out;
}

}  // namespace

void CompareOptions::validate() const {
  if (!(iou > 0 && iou < 1)) throw UsageError("the IoU threshold must lie between 0 and 1, for example 0.5");
  if (!(min_area_m2 >= 0)) throw UsageError("the minimum area must be 0 or more square metres");
  if (!(gsd_m >= kSmallestPixel && std::isfinite(gsd_m))) {
    throw UsageError("the pixel size must be 0.001 m or more, for example 0.5");
  }
  if (!(block_m > 0 && std::isfinite(block_m)))
    throw UsageError("the block size must be a positive number of metres, for example 128");
  if (rounds < 0 || rounds > kMostRounds) throw UsageError("the number of draws must lie between 0 and 1000000");
}

std::string to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::TruePositive: return "tp";
    case Outcome::FalsePositive: return "fp";
    case Outcome::FalseNegative: return "fn";
  }
  return "";
}

Comparison compare_layers(const FeatureLayer& predicted, const FeatureLayer& truth, const CompareOptions& options,
                          const Progress& progress) {
  options.validate();
  Comparison result;
  result.crs = comparison_crs(predicted, truth);
  std::optional<AreaClipper> clipper;
  if (options.area) {
    const bool same = result.crs.empty() || options.area_crs.empty();
    clipper.emplace(same ? *options.area : CrsTransform(options.area_crs, result.crs)(*options.area));
  }
  const PreparedLayer p = prepare(predicted, result.crs, clipper, options.min_area_m2);
  const PreparedLayer t = prepare(truth, result.crs, clipper, options.min_area_m2);
  result.predicted_left_out = p.left_out;
  result.truth_left_out = t.left_out;
  report(progress, 0.2);

  const std::vector<int64_t> order =
      options.score.empty() ? std::vector<int64_t>{} : order_by_score(predicted, p, options.score);
  const Matching matching = match_polygons(p.geometry, t.geometry, options.iou, order);
  result.objects = matching.counts();
  // A matched true object shows the IoU with its partner, a missed one the best that anything reached.
  std::vector<double> truth_iou = matching.iou_of_truth;
  for (std::size_t i = 0; i < t.geometry.size(); ++i) {
    const int64_t partner = matching.predicted_of_truth[i];
    if (partner >= 0) truth_iou[i] = matching.iou_of_predicted[static_cast<std::size_t>(partner)];
  }
  result.predicted = describe(p, t, matching.truth_of_predicted, matching.iou_of_predicted, Outcome::FalsePositive);
  result.truth = describe(t, p, matching.predicted_of_truth, truth_iou, Outcome::FalseNegative);
  report(progress, 0.6);

  BlockMap map(options.block_m, options.gsd_m);
  double blocks_at_most = 0;
  for (const auto* side : {&result.predicted, &result.truth}) {
    for (const ComparedObject& object : *side) blocks_at_most += map.span(bounds(object.geometry));
  }
  map.check(blocks_at_most);
  double iou_sum = 0;
  for (const ComparedObject& object : result.predicted) {
    map.touch(bounds(object.geometry));
    if (object.outcome == Outcome::FalsePositive) ++map.at(bounds(object.geometry)).objects.false_positives;
  }
  for (const ComparedObject& object : result.truth) {
    const Bounds box = bounds(object.geometry);
    map.touch(box);
    ObjectCounts& counts = map.at(box).objects;
    ++(object.outcome == Outcome::TruePositive ? counts.true_positives : counts.false_negatives);
    if (object.outcome == Outcome::TruePositive) iou_sum += object.iou;
  }
  if (result.objects.true_positives > 0) iou_sum /= static_cast<double>(result.objects.true_positives);
  result.mean_iou = iou_sum;
  map.count_pixels(p, t, progress);
  const std::vector<CountBlock> blocks = map.blocks();
  result.blocks = static_cast<int64_t>(blocks.size());
  for (const CountBlock& block : blocks) result.pixels += block.pixels;

  const auto interval = [&](auto rate) { return bootstrap_interval(blocks, rate, options.rounds, options.seed); };
  result.precision = interval([](const CountBlock& b) { return b.objects.precision(); });
  result.recall = interval([](const CountBlock& b) { return b.objects.recall(); });
  result.f1 = interval([](const CountBlock& b) { return b.objects.f1(); });
  result.pixel_iou = interval([](const CountBlock& b) { return b.pixels.iou(); });
  report(progress, 1);
  return result;
}

}  // namespace plat
