// SPDX-License-Identifier: Apache-2.0
#include "training/learn/instance_tuning.hpp"

#include "core/cancel.hpp"
#include "evaluation/matching.hpp"
#include "postprocess/instances.hpp"
#include "training/samples/crop_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

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

}  // namespace

std::vector<ValidationArea> training_areas(const std::vector<LabelledScene>& scenes, double gsd_m,
                                           int64_t most_pixels) {
  std::vector<ValidationArea> areas;
  int64_t pixels = 0;
  for (const LabelledScene& scene : scenes) {
    if (scene.count(PixelUse::Train) == 0) continue;
    const double spacing = gsd_m / scene.gsd_m;
    const auto size = [spacing](int64_t side) {
      return std::max<int64_t>(1, std::llround(static_cast<double>(side) / spacing));
    };
    const int64_t width = size(scene.width());
    const int64_t height = size(scene.height());
    if (!areas.empty() && pixels + width * height > most_pixels) continue;
    pixels += width * height;
    const Affine affine = {0, spacing, 0, 0, 0, spacing};
    areas.push_back({scene.name, warp_pixels(scene, affine, width, height, Show::Everything),
                     warp_labels(scene, affine, width, height),
                     warp_use(scene, affine, width, height, PixelUse::Train)});
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
