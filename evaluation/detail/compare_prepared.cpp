// SPDX-License-Identifier: Apache-2.0
#include "evaluation/detail/compare_prepared.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "evaluation/polygon_matching.hpp"
#include "geo/bounds_index.hpp"
#include "geo/rasterize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <numeric>
#include <utility>
#include <variant>

namespace plat::detail {
namespace {

constexpr double kMostBlocks = 3e7;   // some gigabytes
constexpr double kMostPixels = 2e12;  // an hour of drawing

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
  void count_pixels(const DrawnGround& ground, const Progress& progress) {
    const auto index_of = [](std::span<const MultiPolygon> areas) {
      std::vector<Bounds> boxes;
      for (const MultiPolygon& geometry : areas) boxes.push_back(bounds(geometry));
      return BoundsIndex(boxes);
    };
    const BoundsIndex predicted_index = index_of(ground.predicted);
    const BoundsIndex truth_index = index_of(ground.truth);
    const BoundsIndex not_judged_index = index_of(ground.not_judged);
    double done = 0;
    for (auto& [cell, block] : blocks_) {
      throw_if_cancelled();
      const Point corner{static_cast<double>(cell.first) * side_, static_cast<double>(cell.second) * side_};
      Image<uint8_t> judged = draw(ground.not_judged, not_judged_index, corner);
      for (uint8_t& pixel : judged.band(0)) pixel = pixel == 0 ? 1 : 0;
      block.pixels.add(draw(ground.predicted, predicted_index, corner), draw(ground.truth, truth_index, corner),
                       judged);
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

  Image<uint8_t> draw(std::span<const MultiPolygon> areas, const BoundsIndex& index, const Point& corner) const {
    std::vector<MultiPolygon> in_pixels;
    for (const int64_t i : index.find({corner.x, corner.y, corner.x + side_, corner.y + side_})) {
      MultiPolygon geometry = areas[static_cast<std::size_t>(i)];
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

std::vector<int64_t> order_by_score(const FeatureLayer& layer, const PreparedLayer& prepared, const std::string& name) {
  if (name.empty()) return {};
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

Comparison compare_prepared(const PreparedLayer& predicted, const PreparedLayer& truth, const DrawnGround& ground,
                            std::span<const int64_t> order, const CompareOptions& options, const Progress& progress) {
  Comparison result;
  result.predicted_left_out = predicted.left_out;
  result.truth_left_out = truth.left_out;
  const Matching matching = match_polygons(predicted.geometry, truth.geometry, options.iou, order);
  result.objects = matching.counts();
  // A matched true object shows the IoU with its partner, a missed one the best that anything reached.
  std::vector<double> truth_iou = matching.iou_of_truth;
  for (std::size_t i = 0; i < truth.geometry.size(); ++i) {
    const int64_t partner = matching.predicted_of_truth[i];
    if (partner >= 0) truth_iou[i] = matching.iou_of_predicted[static_cast<std::size_t>(partner)];
  }
  result.predicted =
      describe(predicted, truth, matching.truth_of_predicted, matching.iou_of_predicted, Outcome::FalsePositive);
  result.truth = describe(truth, predicted, matching.predicted_of_truth, truth_iou, Outcome::FalseNegative);
  report(progress, 0.6);

  BlockMap map(options.block_m, options.gsd_m);
  double blocks_at_most = 0;
  for (const auto& side : {ground.predicted, ground.truth}) {
    for (const MultiPolygon& geometry : side) {
      if (!geometry.empty()) blocks_at_most += map.span(bounds(geometry));
    }
  }
  map.check(blocks_at_most);
  for (const auto& side : {ground.predicted, ground.truth}) {
    for (const MultiPolygon& geometry : side) {
      if (!geometry.empty()) map.touch(bounds(geometry));
    }
  }
  double iou_sum = 0;
  for (const ComparedObject& object : result.predicted) {
    if (object.outcome == Outcome::FalsePositive) ++map.at(bounds(object.geometry)).objects.false_positives;
  }
  for (const ComparedObject& object : result.truth) {
    ObjectCounts& counts = map.at(bounds(object.geometry)).objects;
    ++(object.outcome == Outcome::TruePositive ? counts.true_positives : counts.false_negatives);
    if (object.outcome == Outcome::TruePositive) iou_sum += object.iou;
  }
  if (result.objects.true_positives > 0) iou_sum /= static_cast<double>(result.objects.true_positives);
  result.mean_iou = iou_sum;
  map.count_pixels(ground, progress);
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

}  // namespace plat::detail
