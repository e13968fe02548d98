// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ascii_scene.hpp"
#include "training/samples/class_targets.hpp"
#include "training/samples/distance_transform.hpp"
#include "training/samples/prompt_sampler.hpp"
#include "training/samples/random.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <set>

using namespace plat;

namespace {

float nearest(const Image<uint8_t>& mask, int64_t col, int64_t row) {
  double best = static_cast<double>(mask.width() * mask.width() + mask.height() * mask.height());
  for (int64_t r = 0; r < mask.height(); ++r) {
    for (int64_t c = 0; c < mask.width(); ++c) {
      if (mask.at(c, r) != 0) best = std::min(best, static_cast<double>((c - col) * (c - col) + (r - row) * (r - row)));
    }
  }
  return static_cast<float>(std::sqrt(best));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(targets)

BOOST_AUTO_TEST_CASE(distances_equal_those_found_by_looking_at_every_pixel) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    BOOST_TEST_MESSAGE("seed " << seed);
    Random random(seed);
    Image<uint8_t> mask(1 + random.integer(40), 1 + random.integer(40));
    const double density = seed == 0 ? 0 : random.uniform(0, 0.2);
    for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = random.chance(density) ? 1 : 0;
    const Image<float> distance = distance_transform(mask);
    for (int64_t r = 0; r < mask.height(); ++r) {
      for (int64_t c = 0; c < mask.width(); ++c) BOOST_REQUIRE_EQUAL(distance.at(c, r), nearest(mask, c, r));
    }
  }
}

BOOST_AUTO_TEST_CASE(touching_objects_have_a_boundary_between_them) {
  const Image<int32_t> labels = test::ascii_scene(R"(
............
.1111112222.
.1111112222.
.1111112222.
.1111112222.
.1111112222.
............)");
  TargetOptions options;
  options.boundary_width = 1.0;
  const Image<float> maps = class_targets(labels, options);
  BOOST_TEST(maps.at(6, 3, 1) == 1);
  BOOST_TEST(maps.at(7, 3, 1) == 1);
  BOOST_TEST(maps.at(4, 3, 1) == 0);
  // Outlines lie half a pixel from the centres on either side.
  BOOST_TEST(maps.at(6, 3, 2) == 0.05F);
  BOOST_TEST(maps.at(3, 3, 2) == 0.25F);
  BOOST_TEST(maps.at(0, 3, 2) == 0);
  for (std::size_t i = 0; i < labels.size(); ++i) BOOST_TEST(maps.band(0)[i] == (labels.data()[i] != 0 ? 1 : 0));
}

BOOST_AUTO_TEST_CASE(pixels_between_neighbours_are_those_with_two_objects_within_reach) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Image<int32_t> labels(1 + random.integer(24), 1 + random.integer(24));
    for (int32_t& label : labels.band(0)) label = random.chance(0.05) ? 1 + static_cast<int32_t>(random.integer(3)) : 0;
    const Image<uint8_t> between = between_neighbours(labels);
    for (int64_t r = 0; r < labels.height(); ++r) {
      for (int64_t c = 0; c < labels.width(); ++c) {
        std::set<int32_t> seen;
        for (int64_t i = std::max<int64_t>(0, r - kNeighbourReach); i < labels.height() && i <= r + kNeighbourReach;
             ++i) {
          for (int64_t j = std::max<int64_t>(0, c - kNeighbourReach); j < labels.width() && j <= c + kNeighbourReach;
               ++j)
            seen.insert(labels.at(j, i));
        }
        seen.erase(0);
        BOOST_REQUIRE_EQUAL(between.at(c, r) != 0, seen.size() > 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_frame_of_an_image_is_no_outline) {
  const Image<int32_t> inside(20, 20, 1, 7);
  const Image<float> maps = class_targets(inside);
  BOOST_TEST(maps.at(0, 0, 1) == 0);
  BOOST_TEST(maps.at(0, 0, 2) == 1);
}

BOOST_AUTO_TEST_CASE(prompts_point_at_the_object_whose_mask_they_ask_for) {
  Image<int32_t> labels(64, 64);
  for (int64_t r = 0; r < 64; ++r) {
    for (int64_t c = 0; c < 64; ++c)
      labels.at(c, r) = (c / 16 + r / 16) % 2 == 0 ? static_cast<int32_t>(1 + c / 16 + 4 * (r / 16)) : 0;
  }
  Random random(3);
  const PromptSet set = sample_prompts(labels, 40, random);
  std::set<int64_t> kinds;
  for (std::size_t p = 0; p < set.prompts.size(); ++p) {
    const SampledPrompt& prompt = set.prompts[p];
    BOOST_TEST(prompt.known);
    kinds.insert(prompt.labels[0]);
    const bool box = prompt.labels[0] == 2;
    const auto col =
        static_cast<int64_t>(box ? (prompt.coordinates[0] + prompt.coordinates[2]) / 2 : prompt.coordinates[0]);
    const auto row =
        static_cast<int64_t>(box ? (prompt.coordinates[1] + prompt.coordinates[3]) / 2 : prompt.coordinates[1]);
    const int32_t label = labels.at(col, row);
    BOOST_TEST(label != 0);
    for (int64_t r = 0; r < 64; ++r) {
      for (int64_t c = 0; c < 64; ++c) {
        BOOST_TEST_REQUIRE(set.masks.at(c / 4, r / 4, static_cast<int64_t>(p)) ==
                           (labels.at(c, r) == label ? 1.0F : 0.0F));
      }
    }
  }
  BOOST_TEST(kinds.size() == 2U);
}

BOOST_AUTO_TEST_CASE(without_objects_no_prompt_counts) {
  Random random(3);
  for (const SampledPrompt& prompt : sample_prompts(Image<int32_t>(32, 32), 4, random).prompts)
    BOOST_TEST(!prompt.known);
}

BOOST_AUTO_TEST_SUITE_END()
