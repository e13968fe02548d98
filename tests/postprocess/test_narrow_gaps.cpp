// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "postprocess/detail/narrow_gaps.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/vectorize.hpp"

#include "tests/postprocess/naive_instances.hpp"
#include "tests/postprocess/scenes.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace {

using plat::Image;
using plat::InstancePatch;
using plat::InstanceThresholds;
using plat::test::Scene;

// Whether a disc of width + 1 pixels across that covers the pixel lies wholly outside the mask, which goes on beyond the
// image as its outermost pixels are.
bool disc_fits(const Image<uint8_t>& mask, int64_t col, int64_t row, int64_t width) {
  const double radius = 0.5 * static_cast<double>(width + 1);
  const auto covers = [&](int64_t c, int64_t r) {
    return std::hypot(static_cast<double>(c) + 0.5 - radius, static_cast<double>(r) + 0.5 - radius) <= radius;
  };
  for (int64_t top = row - width; top <= row; ++top) {
    for (int64_t left = col - width; left <= col; ++left) {
      if (!covers(col - left, row - top)) continue;
      bool fits = true;
      for (int64_t r = 0; r <= width; ++r) {
        for (int64_t c = 0; c <= width; ++c) {
          const int64_t x = std::clamp<int64_t>(left + c, 0, mask.width() - 1);
          const int64_t y = std::clamp<int64_t>(top + r, 0, mask.height() - 1);
          fits = fits && !(covers(c, r) && mask.at(x, y) != 0);
        }
      }
      if (fits) return true;
    }
  }
  return false;
}

// The maps of drawn objects: sure inside, with the distance to the drawn outline.
Scene scene_of(const Image<int32_t>& labels) {
  Scene scene{Image<float>(labels.width(), labels.height(), 3),
              Image<uint8_t>(labels.width(), labels.height(), 1, uint8_t{1})};
  for (int64_t r = 0; r < labels.height(); ++r) {
    for (int64_t c = 0; c < labels.width(); ++c) {
      if (labels.at(c, r) == 0) continue;
      double distance = 10;
      for (int64_t y = std::max<int64_t>(0, r - 10); y <= std::min(r + 10, labels.height() - 1); ++y) {
        for (int64_t x = std::max<int64_t>(0, c - 10); x <= std::min(c + 10, labels.width() - 1); ++x) {
          if (labels.at(x, y) != labels.at(c, r))
            distance = std::min(distance, std::hypot(static_cast<double>(x - c), static_cast<double>(y - r)));
        }
      }
      scene.maps.at(c, r, 0) = 0.9F;
      scene.maps.at(c, r, 1) = distance < 2 ? 1.0F : 0.0F;
      scene.maps.at(c, r, 2) = static_cast<float>(distance / 10);
    }
  }
  return scene;
}

// Two fields on either side of a lane of some width at some angle, and one farther off.
Image<int32_t> two_fields(double lane, double angle) {
  Image<int32_t> labels(120, 100);
  for (int64_t r = 6; r < 94; ++r) {
    for (int64_t c = 6; c < 114; ++c) {
      const double across =
          (static_cast<double>(c) - 59.5) * std::cos(angle) + (static_cast<double>(r) - 49.5) * std::sin(angle);
      if (std::abs(across) >= lane / 2) labels.at(c, r) = across < 0 ? 1 : 2;
    }
  }
  return labels;
}

std::vector<InstancePatch> stream(const Scene& scene, const InstanceThresholds& thresholds, int64_t rows,
                                  int64_t cols = 1 << 20) {
  std::vector<InstancePatch> patches;
  plat::InstanceStream stream(scene.maps.width(), thresholds,
                              [&](InstancePatch&& patch) { patches.push_back(std::move(patch)); });
  plat::test::for_each_block(scene, {rows}, {cols}, [&](const plat::MapBlock& block) { stream.add(block, 0); });
  stream.finish();
  return patches;
}

// Length of the pixel edges between each two labels, smaller one first.
std::map<std::pair<int32_t, int32_t>, int> borders(const Image<int32_t>& labels) {
  std::map<std::pair<int32_t, int32_t>, int> out;
  for (int64_t r = 0; r < labels.height(); ++r) {
    for (int64_t c = 0; c < labels.width(); ++c) {
      for (const auto& [dc, dr] : {std::pair{1, 0}, {0, 1}}) {
        if (c + dc >= labels.width() || r + dr >= labels.height()) continue;
        const int32_t a = labels.at(c, r), b = labels.at(c + dc, r + dr);
        if (a != b) ++out[std::minmax(a, b)];
      }
    }
  }
  return out;
}

// Bumps that leave gaps of all widths between them, with some pixels missing.
Scene gappy_scene(unsigned seed) {
  Scene scene{Image<float>(130, 140, 3), Image<uint8_t>(130, 140, 1, uint8_t{1})};
  const auto bumps = plat::test::random_bumps(130, 140, 60, 10, seed);
  for (std::size_t i = 0; i < bumps.size(); ++i) {
    scene.maps.band(0)[i] = std::min(1.0F, bumps[i] * 1.6F);
    scene.maps.band(2)[i] = bumps[i];
    if (i % 331 == 7 * seed) scene.valid.band(0)[i] = 0;
  }
  return scene;
}

InstanceThresholds closing(double gap, double smoothing = 0) {
  InstanceThresholds thresholds{.smoothing_px = smoothing, .seed_contrast = 0.15, .min_score = 0};
  thresholds.close_gap_px = gap;
  return thresholds;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(narrow_gaps)

BOOST_AUTO_TEST_CASE(a_gap_is_where_no_disc_fits) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const Image<int32_t> drawn = plat::test::random_labels(40, 30, 1, 0.01 * seed * seed, seed);
    Image<uint8_t> mask(40, 30);
    for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = drawn.data()[i] != 0 ? 1 : 0;
    for (const int64_t width : {1, 2, 3, 5, 8}) {
      const Image<uint8_t> gaps = plat::detail::narrow_gaps(mask, width);
      int wrong = 0;
      for (int64_t r = 0; r < 30; ++r) {
        for (int64_t c = 0; c < 40; ++c)
          wrong += (mask.at(c, r) == 0 && !disc_fits(mask, c, r, width)) != (gaps.at(c, r) != 0);
      }
      BOOST_TEST(wrong == 0, "seed " << seed << ", width " << width);
    }
  }
}

BOOST_AUTO_TEST_CASE(fields_on_either_side_of_a_thin_line_come_to_share_it) {
  for (const double angle : {0.0, 0.3, 0.785, 1.571, 2.5}) {
    for (const double lane : {1.0, 2.0, 3.0, 4.0}) {
      const Image<int32_t> drawn = two_fields(lane, angle);
      const Scene scene = scene_of(drawn);
      const auto patches = stream(scene, closing(4, 2), 33);
      BOOST_TEST_REQUIRE(patches.size() == 1);
      const Image<int32_t> found = plat::split_instances(scene.maps, scene.valid, closing(4, 2));
      BOOST_TEST(*std::ranges::max_element(found.band(0)) == 2);
      // They touch all along, and nothing is left of the lane but at its mouths.
      BOOST_TEST((borders(found)[{1, 2}]) > 80);
      int open = 0;
      for (int64_t r = 10; r < 90; ++r) {
        for (int64_t c = 10; c < 110; ++c) open += found.at(c, r) == 0;
      }
      BOOST_TEST(open == 0, "lane of " << lane << " at " << angle);
      // Each field keeps what was drawn, and gets about half of the lane.
      std::set<std::pair<int32_t, int32_t>> pairs;
      std::map<int32_t, int> grown;
      for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (drawn.data()[i] != 0) {
          pairs.emplace(drawn.data()[i], found.data()[i]);
        } else if (found.data()[i] != 0) {
          ++grown[found.data()[i]];
        }
      }
      BOOST_TEST(pairs.size() == 2U);
      if (lane > 1) BOOST_TEST(std::abs(grown[1] - grown[2]) < 0.3 * (grown[1] + grown[2]) + 100);
    }
  }
}

BOOST_AUTO_TEST_CASE(fields_with_a_road_between_stay_apart) {
  for (const double angle : {0.0, 0.3, 0.785, 1.571}) {
    const Scene scene = scene_of(two_fields(8, angle));
    const Image<int32_t> open = plat::split_instances(scene.maps, scene.valid, closing(0, 2));
    const Image<int32_t> closed = plat::split_instances(scene.maps, scene.valid, closing(4, 2));
    BOOST_TEST((open == closed));
    BOOST_TEST((borders(closed).count({1, 2}) == 0));
  }
}

BOOST_AUTO_TEST_CASE(notches_of_one_field_stay_open) {
  Image<int32_t> drawn(60, 40);
  for (int64_t r = 5; r < 35; ++r) {
    for (int64_t c = 5; c < 55; ++c) drawn.at(c, r) = r > 12 && r < 16 && c > 30 ? 0 : 1;
  }
  const Scene scene = scene_of(drawn);
  BOOST_TEST((plat::split_instances(scene.maps, scene.valid, closing(5, 2)) == drawn));
}

BOOST_AUTO_TEST_CASE(closing_joins_nothing_and_takes_no_pixel_away) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const Scene scene = gappy_scene(seed);
    const Image<int32_t> open = plat::split_instances(scene.maps, scene.valid, closing(0, 1));
    const Image<int32_t> closed = plat::split_instances(scene.maps, scene.valid, closing(4, 1));
    std::set<std::pair<int32_t, int32_t>> pairs;
    int64_t grown = 0;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open.data()[i] != 0) pairs.emplace(open.data()[i], closed.data()[i]);
      grown += open.data()[i] == 0 && closed.data()[i] != 0;
      if (closed.data()[i] != 0) BOOST_TEST_REQUIRE(scene.valid.data()[i] == 1);
    }
    const auto count = static_cast<std::size_t>(*std::ranges::max_element(open.band(0)));
    BOOST_TEST(pairs.size() == count);
    BOOST_TEST(*std::ranges::max_element(closed.band(0)) == static_cast<int32_t>(count));
    BOOST_TEST(grown > 20);
  }
}

BOOST_AUTO_TEST_CASE(blocks_do_not_change_the_result) {
  for (const double gap : {1.0, 3.0, 6.0}) {
    const Scene scene = gappy_scene(11);
    const auto whole = stream(scene, closing(gap, 1), 140);
    for (const int64_t rows : {1, 2, 3, 7, 50}) {
      for (const int64_t cols : {1, 5, 64, 130}) {
        const auto parts = stream(scene, closing(gap, 1), rows, cols);
        BOOST_TEST(std::ranges::equal(parts, whole, [](const InstancePatch& a, const InstancePatch& b) {
          return a.window == b.window && a.labels == b.labels && a.score == b.score;
        }));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gaps_are_the_same_wherever_they_lie_in_a_wide_scene) {
  const Scene part = gappy_scene(5);
  const int64_t width = part.maps.width(), height = part.maps.height(), apart = width + 20, copies = 60;
  Scene wide{Image<float>(copies * apart, height, 3), Image<uint8_t>(copies * apart, height, 1, uint8_t{1})};
  for (int64_t copy = 0; copy < copies; ++copy) {
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t b = 0; b < 3; ++b)
        std::ranges::copy(part.maps.row(r, b), wide.maps.row(r, b).begin() + 10 + copy * apart);
      std::ranges::copy(part.valid.row(r), wide.valid.row(r).begin() + 10 + copy * apart);
    }
  }
  std::map<int64_t, std::vector<InstancePatch>> found;
  for (InstancePatch& patch : stream(wide, closing(6, 1), 33, 700)) {
    const int64_t copy = patch.window.col / apart;
    patch.window.col -= copy * apart;
    found[copy].push_back(std::move(patch));
  }
  BOOST_TEST_REQUIRE(found.size() == static_cast<std::size_t>(copies));
  for (const auto& [copy, patches] : found) {
    BOOST_TEST(std::ranges::equal(patches, found.at(0), [](const InstancePatch& a, const InstancePatch& b) {
      return a.window == b.window && a.labels == b.labels && a.score == b.score;
    }));
  }
}

BOOST_AUTO_TEST_CASE(the_score_is_that_of_the_class_alone) {
  const Scene scene = scene_of(two_fields(3, 0.3));
  const auto patches = stream(scene, closing(4, 2), 100);
  BOOST_TEST_REQUIRE(patches.size() == 1);
  for (const double score : patches[0].score) BOOST_TEST(std::abs(score - 0.9) < 1e-4);
}

BOOST_AUTO_TEST_CASE(gaps_must_not_be_too_wide) {
  BOOST_CHECK_THROW(stream(scene_of(two_fields(3, 0)), closing(21), 100), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
