// SPDX-License-Identifier: Apache-2.0
#include "training/learn/instance_tuning.hpp"

#include "core/cancel.hpp"
#include "evaluation/matching.hpp"
#include "postprocess/instances.hpp"
#include "training/samples/crop_sampler.hpp"

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

/// The training pixels of a part of a scene; the window is one of the scene at the model's resolution.
ValidationArea training_area(const LabelledScene& scene, double spacing, const Window& part) {
  const Affine affine = {static_cast<double>(part.col) * spacing, spacing, 0,
                         static_cast<double>(part.row) * spacing, 0,       spacing};
  return {scene.name, warp_pixels(scene, affine, part.width, part.height, Show::Everything),
          warp_labels(scene, affine, part.width, part.height),
          warp_use(scene, affine, part.width, part.height, PixelUse::Train)};
}

/// Whether an object lies on training pixels of an area.
bool teaches(const ValidationArea& area) {
  for (std::size_t i = 0; i < area.counts.size(); ++i) {
    if (area.counts.data()[i] != 0 && area.labels.data()[i] != 0) return true;
  }
  return false;
}

}  // namespace

std::vector<ValidationArea> training_areas(const std::vector<LabelledScene>& scenes, double gsd_m,
                                           int64_t most_pixels) {
  constexpr int64_t kLargestPiece = 2048;
  std::vector<ValidationArea> areas;
  int64_t pixels = 0;
  for (const LabelledScene& scene : scenes) {
    if (scene.count(PixelUse::Train) == 0) continue;
    const double spacing = gsd_m / scene.gsd_m;
    const auto size = [spacing](int64_t side) {
      return std::max<int64_t>(1, std::llround(static_cast<double>(side) / spacing));
    };
    const Window whole = {0, 0, size(scene.width()), size(scene.height())};
    int64_t side = std::max(whole.width, whole.height);
    if (whole.pixel_count() > most_pixels) {
      side = std::clamp(static_cast<int64_t>(std::sqrt(static_cast<double>(most_pixels))), int64_t{1}, kLargestPiece);
    } else if (pixels + whole.pixel_count() > most_pixels) {
      continue;
    }
    for (int64_t row = 0; row < whole.height; row += side) {
      for (int64_t col = 0; col < whole.width; col += side) {
        throw_if_cancelled();
        const Window part = intersect({col, row, side, side}, whole);
        const Bounds place = {static_cast<double>(col) * spacing, static_cast<double>(row) * spacing,
                              static_cast<double>(part.col_end()) * spacing,
                              static_cast<double>(part.row_end()) * spacing};
        if (pixels + part.pixel_count() > most_pixels) continue;
        if (part != whole && objects_in(scene, place).empty()) continue;
        ValidationArea area = training_area(scene, spacing, part);
        if (part != whole && !teaches(area)) continue;
        pixels += part.pixel_count();
        areas.push_back(std::move(area));
      }
    }
  }
  return areas;
}

ObjectCounts count_objects(const Image<float>& maps, const ValidationArea& area, const InstanceThresholds& thresholds,
                           int64_t min_object_px) {
  const Image<uint8_t> everywhere(maps.width(), maps.height(), 1, 1);
  Image<int32_t> found = split_instances(maps, everywhere, thresholds);
  Image<int32_t> truth = area.labels;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (area.counts.data()[i] == 0) found.data()[i] = truth.data()[i] = 0;
  }
  return match_labels(found, truth, 0.5, min_object_px);
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
