// SPDX-License-Identifier: Apache-2.0
#include "training/learn/instance_tuning.hpp"

#include "core/cancel.hpp"
#include "evaluation/matching.hpp"
#include "postprocess/instances.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace plat {
namespace {

// The members that are tuned, the most telling first, and what is tried.
struct Candidates {
  double InstanceThresholds::*member;
  std::vector<double> values;
};

const std::vector<Candidates>& candidates() {
  static const std::vector<Candidates> all = {
      {&InstanceThresholds::seed_contrast, {0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7}},
      {&InstanceThresholds::boundary_weight, {0, 0.25, 0.5, 1, 1.5}},
      {&InstanceThresholds::smoothing_px, {0.5, 1, 1.5, 2, 3, 4}},
      {&InstanceThresholds::extent, {0.3, 0.4, 0.5, 0.6, 0.7}},
      {&InstanceThresholds::min_score, {0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85}}};
  return all;
}

/// Whether an object lies on training pixels of an area.
bool teaches(const AreaTruth& truth) {
  for (std::size_t i = 0; i < truth.counts.size(); ++i) {
    if (truth.counts.data()[i] != 0 && truth.labels.data()[i] != 0) return true;
  }
  return false;
}

/// The rectangle of the scene's pixels that an area shows.
Bounds place_of(const ValidationArea& area) {
  const Affine affine = area.scene->model.part_from_window(area.window);
  Bounds box;
  box.add(affine({0, 0}));
  box.add(affine({static_cast<double>(area.window.width), static_cast<double>(area.window.height)}));
  return box;
}

}  // namespace

std::vector<ValidationArea> training_areas(std::span<const LabelledScene> scenes, int64_t most_pixels) {
  constexpr int64_t kLargestPiece = 2048;
  static_assert(kLargestPiece * kLargestPiece <= kLargestValidationArea);
  std::vector<ValidationArea> areas;
  int64_t pixels = 0;
  for (const LabelledScene& scene : scenes) {
    if (scene.count(PixelUse::Train) == 0) continue;
    const Window whole =
        scene.model.window_of({0, 0, static_cast<double>(scene.width()), static_cast<double>(scene.height())});
    int64_t side = std::max(whole.width, whole.height);
    if (whole.pixel_count() > std::min(most_pixels, kLargestValidationArea)) {
      side = std::clamp(static_cast<int64_t>(std::sqrt(static_cast<double>(most_pixels))), int64_t{1}, kLargestPiece);
    } else if (pixels + whole.pixel_count() > most_pixels) {
      continue;
    }
    for (int64_t row = whole.row; row < whole.row_end(); row += side) {
      for (int64_t col = whole.col; col < whole.col_end(); col += side) {
        throw_if_cancelled();
        const ValidationArea area{&scene, PixelUse::Train, intersect({col, row, side, side}, whole)};
        const int64_t count = area.window.pixel_count();
        if (pixels + count > most_pixels) continue;
        if (area.window != whole && (objects_in(scene, place_of(area)).empty() || !teaches(truth_of(area)))) continue;
        pixels += count;
        areas.push_back(area);
      }
    }
  }
  return areas;
}

ObjectCounts count_objects(const MapBlock& found, const AreaTruth& truth, const InstanceThresholds& thresholds,
                           int64_t min_object_px) {
  Image<int32_t> predicted = split_instances(found.maps, found.valid, thresholds);
  Image<int32_t> labels = truth.labels;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    if (truth.counts.data()[i] == 0) predicted.data()[i] = labels.data()[i] = 0;
  }
  return match_labels(predicted, labels, 0.5, min_object_px);
}

TunedThresholds tune_thresholds(const InstanceThresholds& first,
                                const std::function<ObjectCounts(const InstanceThresholds&)>& count) {
  constexpr double kGain = 0.002;
  constexpr int kRounds = 3;
  TunedThresholds best{first, count(first).f1()};
  bool changed = true;
  for (int round = 0; round < kRounds && changed; ++round) {
    changed = false;
    for (const auto& [member, values] : candidates()) {
      TunedThresholds better = best;
      for (const double value : values) {
        throw_if_cancelled();
        InstanceThresholds tried = best.thresholds;
        if (tried.*member == value) continue;
        tried.*member = value;
        const double f1 = count(tried).f1();
        if (f1 > better.object_f1) better = {tried, f1};
      }
      if (better.object_f1 < best.object_f1 + kGain) continue;
      best = better;
      changed = true;
    }
  }
  return best;
}

}  // namespace plat
