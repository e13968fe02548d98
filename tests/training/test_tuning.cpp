// SPDX-License-Identifier: Apache-2.0
#include "training/learn/instance_tuning.hpp"

#include "tests/training/drawn_world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace plat;

namespace {

/// Rectangles in rows, each with a slack waist, so that a low contrast takes it for two objects; and the maps that a network
/// would make of them.
struct Waists {
  Waists() {
    found = {0, 0, Image<float>(200, 120, 3), Image<uint8_t>(200, 120, 1, uint8_t{1})};
    truth = {Image<int32_t>(200, 120), Image<uint8_t>(200, 120, 1, uint8_t{1})};
    int32_t count = 0;
    for (int64_t top = 4; top + 16 <= 120; top += 20) {
      for (int64_t left = 4; left + 40 <= 200; left += 48) {
        ++count;
        for (int64_t r = top; r < top + 16; ++r) {
          for (int64_t c = left; c < left + 40; ++c) {
            truth.labels.at(c, r) = count;
            found.maps.at(c, r, 0) = 0.8F;
            const float waist = std::abs(static_cast<float>(c - left) - 19.5F) / 19.5F;
            found.maps.at(c, r, 2) = 0.5F + 0.35F * waist;
          }
        }
      }
    }
  }
  ObjectCounts count(const InstanceThresholds& thresholds) const { return count_objects(found, truth, thresholds, 4); }

  MapBlock found;
  AreaTruth truth;
};

/// A drawn scene of half metres for a model of metres.
LabelledScene halved(int64_t size, uint64_t seed) {
  LabelledScene scene = test::drawn_world(size, 0.5, seed);
  scene.model = {size / 2, size / 2, {0, 2, 0, 0, 0, 2}};
  return scene;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tuning)

BOOST_AUTO_TEST_CASE(the_contrast_that_keeps_objects_whole_is_found) {
  const Waists scene;
  const InstanceThresholds first{.smoothing_px = 0, .seed_contrast = 0.1, .min_score = 0, .min_area_m2 = 7};
  BOOST_TEST(scene.count(first).f1() < 0.1);
  int tried = 0;
  const TunedThresholds tuned = tune_thresholds(first, [&](const InstanceThresholds& thresholds) {
    ++tried;
    return scene.count(thresholds);
  });
  BOOST_TEST(tuned.object_f1 == 1);
  BOOST_TEST(scene.count(tuned.thresholds).f1() == 1);
  BOOST_TEST(tuned.thresholds.min_area_m2 == 7);
  BOOST_TEST(tried < 100);
}

BOOST_AUTO_TEST_CASE(thresholds_stay_where_no_others_are_better) {
  const Waists scene;
  const InstanceThresholds first{.smoothing_px = 0.7, .seed_contrast = 0.47, .min_score = 0.1};
  BOOST_TEST(scene.count(first).f1() == 1);
  const TunedThresholds tuned =
      tune_thresholds(first, [&](const InstanceThresholds& thresholds) { return scene.count(thresholds); });
  BOOST_TEST(tuned.thresholds.smoothing_px == 0.7);
  BOOST_TEST(tuned.thresholds.seed_contrast == 0.47);
  BOOST_TEST(tuned.thresholds.min_score == 0.1);
}

BOOST_AUTO_TEST_CASE(objects_outside_the_area_do_not_count) {
  Waists scene;
  const InstanceThresholds whole{.smoothing_px = 0, .seed_contrast = 0.5};
  const int64_t all = scene.count(whole).true_positives;
  for (int64_t r = 0; r < 120; ++r) {
    for (int64_t c = 100; c < 200; ++c) scene.truth.counts.at(c, r) = 0;
  }
  const ObjectCounts half = scene.count(whole);
  BOOST_TEST(half.true_positives == all / 2);
  BOOST_TEST(half.false_positives + half.false_negatives == 0);
}

BOOST_AUTO_TEST_CASE(what_is_not_valid_is_no_object) {
  Waists scene;
  const InstanceThresholds whole{.smoothing_px = 0, .seed_contrast = 0.5};
  const int64_t all = scene.count(whole).true_positives;
  for (int64_t r = 0; r < 120; ++r) {
    for (int64_t c = 100; c < 200; ++c) scene.found.valid.at(c, r) = 0;
  }
  const ObjectCounts half = scene.count(whole);
  BOOST_TEST(half.true_positives == all / 2);
  BOOST_TEST(half.false_positives == 0);
  BOOST_TEST(half.false_negatives == all / 2);
}

BOOST_AUTO_TEST_CASE(training_areas_are_the_training_pixels_at_the_models_resolution) {
  std::vector<LabelledScene> scenes = {halved(192, 3), halved(96, 4), halved(192, 5)};
  for (int64_t r = 0; r < 192; ++r) {
    for (int64_t c = 0; c < 96; ++c) scenes[0].use.at(c, r) = static_cast<uint8_t>(PixelUse::Validate);
  }
  std::fill_n(scenes[1].use.data(), scenes[1].use.size(), static_cast<uint8_t>(PixelUse::Validate));
  const auto areas = training_areas(scenes, 96 * 96);
  BOOST_REQUIRE(areas.size() == 1U);
  BOOST_TEST((areas[0].window == Window{0, 0, 96, 96}));
  const AreaTruth truth = truth_of(areas[0]);
  BOOST_TEST(truth.labels.height() == 96);
  BOOST_TEST(std::count(truth.counts.data(), truth.counts.data() + truth.counts.size(), 1) == 48 * 96);
  BOOST_TEST(truth.counts.at(47, 5) == 0);
  BOOST_TEST(truth.counts.at(48, 5) == 1);
  BOOST_TEST(training_areas(scenes, 2 * 96 * 96).size() == 2U);
}

BOOST_AUTO_TEST_CASE(of_a_scene_that_is_too_large_training_areas_show_pieces_with_objects) {
  std::vector<LabelledScene> scenes = {halved(384, 3), halved(384, 5)};
  for (int64_t r = 0; r < 384; ++r) {
    for (int64_t c = 0; c < 192; ++c) scenes[0].use.at(c, r) = static_cast<uint8_t>(PixelUse::Validate);
  }
  constexpr int64_t kMost = 100 * 100;
  const auto areas = training_areas(scenes, kMost);
  BOOST_REQUIRE(!areas.empty());
  int64_t pixels = 0;
  for (const ValidationArea& area : areas) {
    pixels += area.window.pixel_count();
    const AreaTruth truth = truth_of(area);
    int64_t objects = 0;
    for (std::size_t i = 0; i < truth.counts.size(); ++i)
      objects += truth.counts.data()[i] != 0 && truth.labels.data()[i] != 0 ? 1 : 0;
    BOOST_TEST(objects > 0);
  }
  BOOST_TEST(pixels <= kMost);
  BOOST_TEST(training_areas(scenes, 0).empty());
}

BOOST_AUTO_TEST_SUITE_END()
