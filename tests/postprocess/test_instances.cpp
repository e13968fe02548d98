// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "postprocess/detail/smoothing.hpp"
#include "postprocess/detail/watershed.hpp"
#include "postprocess/instances.hpp"

#include "tests/postprocess/naive_instances.hpp"
#include "tests/postprocess/scenes.hpp"

#include <tbb/global_control.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

namespace {

using plat::Image;
using plat::InstancePatch;
using plat::InstanceThresholds;
using plat::test::naive_instances;
using plat::test::number_by_first_pixel;
using plat::test::Scene;

// Overlapping bumps whose tops are seeds and whose meeting lines are valleys, with some noise and some missing pixels.
Scene bumpy_scene(int64_t width, int64_t height, unsigned seed, double noise = 0.1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  Scene scene{Image<float>(width, height, 3), Image<uint8_t>(width, height, 1, uint8_t{1})};
  const auto bumps = plat::test::random_bumps(width, height, static_cast<int>(width * height / 250), 12, seed);
  for (std::size_t i = 0; i < bumps.size(); ++i) {
    const float jitter = static_cast<float>(noise) * (uniform(random) - 0.5F);
    scene.maps.band(0)[i] = std::clamp(bumps[i] * 1.6F + jitter, 0.0F, 1.0F);
    scene.maps.band(1)[i] = std::clamp(0.5F - bumps[i] + jitter, 0.0F, 1.0F);
    scene.maps.band(2)[i] = std::clamp(bumps[i] + jitter, 0.0F, 1.0F);
    if (uniform(random) < 0.003F) scene.valid.band(0)[i] = 0;
  }
  return scene;
}

std::vector<InstancePatch> stream(const Scene& scene, const InstanceThresholds& thresholds,
                                  const std::vector<int64_t>& heights, const plat::InstanceLimits& limits = {},
                                  const std::vector<int64_t>& widths = {1 << 20}) {
  std::vector<InstancePatch> patches;
  plat::InstanceStream stream(
      scene.maps.width(), thresholds, [&](InstancePatch&& patch) { patches.push_back(std::move(patch)); }, limits);
  plat::test::for_each_block(scene, heights, widths, [&](const plat::MapBlock& block) { stream.add(block, 0); });
  stream.finish();
  return patches;
}

Image<int32_t> paint(const std::vector<InstancePatch>& patches, int64_t width, int64_t height) {
  Image<int32_t> out(width, height);
  int32_t offset = 0;
  for (const InstancePatch& patch : patches) {
    for (int64_t r = 0; r < patch.window.height; ++r) {
      for (int64_t c = 0; c < patch.window.width; ++c) {
        const int32_t label = patch.labels.at(c, r);
        if (label == 0) continue;
        int32_t& target = out.at(patch.window.col + c, patch.window.row + r);
        BOOST_TEST_REQUIRE(target == 0);
        target = offset + label;
      }
    }
    offset += patch.count;
  }
  return out;
}

bool same(const std::vector<InstancePatch>& a, const std::vector<InstancePatch>& b) {
  return std::ranges::equal(a, b, [](const InstancePatch& x, const InstancePatch& y) {
    return x.window == y.window && x.labels == y.labels && x.count == y.count && x.score == y.score;
  });
}

// Thresholds that drop no object for its score.
InstanceThresholds keep_all(double extent, double smoothing_px, double seed_contrast) {
  return {extent, 0.5, smoothing_px, seed_contrast, 0, 0};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(instances)

BOOST_AUTO_TEST_CASE(equal_to_a_plain_watershed_of_the_whole_scene) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const InstanceThresholds thresholds{0.5, 0.5, 0, 0.05 * seed, seed % 2 == 0 ? 0.75 : 0.0, 0};
    const Scene scene = bumpy_scene(150, 120, seed, 0.1 * seed);
    const auto found = plat::split_instances(scene.maps, scene.valid, thresholds);
    BOOST_TEST(*std::ranges::max_element(found.band(0)) > 10);
    BOOST_TEST((found == naive_instances(scene, thresholds)));
  }
}

BOOST_AUTO_TEST_CASE(blocks_and_threads_do_not_change_the_result) {
  const InstanceThresholds thresholds{0.5, 0.5, 1.5, 0.1, 0.7, 0};
  const Scene scene = bumpy_scene(200, 260, 42, 0.4);
  const auto whole = plat::split_instances(scene.maps, scene.valid, thresholds);
  const auto wanted = stream(scene, thresholds, {260});
  BOOST_TEST(wanted.size() > 5);
  BOOST_TEST((number_by_first_pixel(paint(wanted, 200, 260)) == whole));
  for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {2}, {7}, {64}, {1, 13, 5, 40}}) {
    BOOST_TEST(same(stream(scene, thresholds, heights), wanted));
    for (const std::vector<int64_t>& widths : {std::vector<int64_t>{1}, {3}, {64}, {150, 1, 20}})
      BOOST_TEST(same(stream(scene, thresholds, heights, {}, widths), wanted));
  }
  // Rows that wait in a file.
  BOOST_TEST(same(stream(scene, thresholds, {40}, {.waiting_bytes = 0}, {33}), wanted));
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
    BOOST_TEST(same(stream(scene, thresholds, {33}), wanted));
  }
}

BOOST_AUTO_TEST_CASE(patches_are_what_they_say) {
  const InstanceThresholds thresholds = keep_all(0.5, 1, 0.1);
  const Scene scene = bumpy_scene(200, 200, 7, 0.3);
  int64_t last_end = 0;
  for (const InstancePatch& patch : stream(scene, thresholds, {50})) {
    BOOST_TEST(patch.window.row_end() >= last_end);
    last_end = patch.window.row_end();
    BOOST_TEST(patch.score.size() == static_cast<std::size_t>(patch.count));
    BOOST_TEST((number_by_first_pixel(patch.labels) == patch.labels));
    BOOST_TEST(*std::ranges::max_element(patch.labels.band(0)) == patch.count);
    std::vector<double> sum(patch.score.size(), 0), pixels(patch.score.size(), 0);
    for (int64_t r = 0; r < patch.window.height; ++r) {
      for (int64_t c = 0; c < patch.window.width; ++c) {
        const int32_t label = patch.labels.at(c, r);
        if (label == 0) continue;
        const int64_t col = patch.window.col + c, row = patch.window.row + r;
        if (scene.valid.at(col, row) == 0) BOOST_FAIL("an object holds a pixel without data");
        if (scene.maps.at(col, row) < 0.5F) continue;  // a filled pinhole
        sum[static_cast<std::size_t>(label - 1)] += static_cast<double>(scene.maps.at(col, row));
        ++pixels[static_cast<std::size_t>(label - 1)];
      }
    }
    for (std::size_t i = 0; i < sum.size(); ++i) BOOST_TEST(std::abs(patch.score[i] - sum[i] / pixels[i]) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(pinholes_are_filled_but_courtyards_and_missing_data_are_not) {
  Scene scene{Image<float>(40, 20, 3), Image<uint8_t>(40, 20, 1, uint8_t{1})};
  for (int64_t r = 2; r < 18; ++r) {
    for (int64_t c = 2; c < 38; ++c) scene.maps.at(c, r) = 1;
  }
  const auto clear = [&](plat::Window window) {
    for (int64_t r = window.row; r < window.row_end(); ++r) {
      for (int64_t c = window.col; c < window.col_end(); ++c) scene.maps.at(c, r) = 0;
    }
  };
  clear({4, 4, 4, 4});   // as large as a pinhole may be
  clear({12, 4, 5, 4});  // larger
  clear({20, 4, 2, 2});
  scene.valid.at(20, 4) = 0;
  clear({26, 2, 2, 3});  // open to the outside
  clear({30, 15, 1, 1});
  clear({31, 16, 1, 2});  // meets the outside at a corner only
  const auto labels = plat::split_instances(scene.maps, scene.valid, {});
  BOOST_TEST(labels.at(4, 4) == 1);
  BOOST_TEST(labels.at(7, 7) == 1);
  BOOST_TEST(labels.at(12, 4) == 0);
  BOOST_TEST(labels.at(20, 4) == 0);
  BOOST_TEST(labels.at(21, 5) == 0);
  BOOST_TEST(labels.at(26, 4) == 0);
  BOOST_TEST(labels.at(30, 15) == 0);
}

BOOST_AUTO_TEST_CASE(smoothing_is_the_weighted_mean_of_what_is_inside) {
  constexpr uint16_t kOut = plat::detail::kOutside;
  std::mt19937 random(5);
  Image<uint16_t> values(37, 23);
  for (uint16_t& value : std::span(values.data(), values.size())) {
    value = random() % 4 == 0 ? kOut : static_cast<uint16_t>(random() % 500);
  }
  for (const double deviation : {0.5, 1.0, 2.5}) {
    const auto smooth = plat::detail::smoothed_inside(values, kOut, deviation);
    const auto reach = static_cast<int64_t>(std::ceil(3 * deviation));
    for (int64_t row = 0; row < values.height(); ++row) {
      for (int64_t col = 0; col < values.width(); ++col) {
        if (values.at(col, row) == kOut) {
          BOOST_TEST_REQUIRE(smooth.at(col, row) == kOut);
          continue;
        }
        double sum = 0, weights = 0;
        for (int64_t r = std::max<int64_t>(0, row - reach); r <= std::min(values.height() - 1, row + reach); ++r) {
          for (int64_t c = std::max<int64_t>(0, col - reach); c <= std::min(values.width() - 1, col + reach); ++c) {
            if (values.at(c, r) == kOut) continue;
            const auto square = static_cast<double>((c - col) * (c - col) + (r - row) * (r - row));
            const double weight = std::exp(-square / (2 * deviation * deviation));
            sum += weight * values.at(c, r);
            weights += weight;
          }
        }
        BOOST_TEST_REQUIRE(std::abs(smooth.at(col, row) - sum / weights) < 0.51);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(two_tops_are_two_objects_when_the_saddle_is_deep_enough) {
  // A bar whose distance falls by 0.4 between its two tops.
  Scene scene{Image<float>(40, 8, 3), Image<uint8_t>(40, 8, 1, uint8_t{1})};
  for (int64_t r = 1; r < 7; ++r) {
    for (int64_t c = 1; c < 39; ++c) {
      scene.maps.at(c, r) = 0.9F;
      scene.maps.at(c, r, 2) = 0.5F + 0.4F * std::abs(static_cast<float>(c) - 20) / 19;
    }
  }
  InstanceThresholds thresholds{.smoothing_px = 0, .seed_contrast = 0.35};
  BOOST_TEST(stream(scene, thresholds, {8}).at(0).count == 2);
  thresholds.seed_contrast = 0.45;
  BOOST_TEST(stream(scene, thresholds, {8}).at(0).count == 1);
  // Noise of single pixels makes no objects.
  scene.maps.at(5, 4, 2) = 0;
  scene.maps.at(12, 4, 2) = 1;
  thresholds.smoothing_px = 2;
  BOOST_TEST(stream(scene, thresholds, {8}).at(0).count == 1);
  thresholds.min_score = 0.95;
  BOOST_TEST(stream(scene, thresholds, {8}).empty());
}

BOOST_AUTO_TEST_CASE(a_flat_region_is_one_object) {
  Scene scene{Image<float>(20, 10, 3, 0.9F), Image<uint8_t>(20, 10, 1, uint8_t{1})};
  std::ranges::fill(scene.maps.band(2), 0.1F);
  const auto patches = stream(scene, {}, {3});
  BOOST_TEST_REQUIRE(patches.size() == 1);
  BOOST_TEST(patches[0].count == 1);
  BOOST_TEST(std::abs(patches[0].score[0] - 0.9) < 1e-4);
}

BOOST_AUTO_TEST_CASE(regions_too_large_are_cut_the_same_way_for_all_blocks) {
  const InstanceThresholds thresholds = keep_all(0.1, 1, 0.2);
  Scene scene = bumpy_scene(120, 300, 3, 0.2);
  for (const int64_t largest : {500, 3000}) {
    const auto wanted = stream(scene, thresholds, {300}, {.region_pixels = largest});
    for (const InstancePatch& patch : wanted) BOOST_TEST(patch.window.pixel_count() <= largest);
    for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {17}}) {
      BOOST_TEST(same(stream(scene, thresholds, heights, {.region_pixels = largest}), wanted));
      BOOST_TEST(same(stream(scene, thresholds, heights, {.region_pixels = largest}, {50, 7}), wanted));
    }
    // Nothing is lost but pinholes that a cut opens.
    const auto cut = paint(wanted, 120, 300);
    for (std::size_t i = 0; i < cut.size(); ++i) {
      if (scene.maps.band(0)[i] >= 0.1F && scene.valid.data()[i] != 0 && cut.data()[i] == 0)
        BOOST_FAIL("a pixel is lost");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_forest_of_open_regions_is_cut_where_it_outgrows_the_limit) {
  // Trunks side by side from top to bottom, one wider than the others, and a house now and then.
  Scene scene{Image<float>(400, 600, 3), Image<uint8_t>(400, 600, 1, uint8_t{1})};
  for (int64_t r = 0; r < 600; ++r) {
    for (int64_t c = 0; c < 400; ++c) {
      const bool trunk = c % 20 < (c < 20 ? 9 : 6), house = c % 20 > 10 && c % 20 < 18 && r % 50 > 40;
      scene.maps.at(c, r) = trunk || house ? 1.0F : 0.0F;
    }
  }
  const InstanceThresholds thresholds = keep_all(0.5, 1, 0.1);
  const plat::InstanceLimits limits{.open_pixels = 20'000};
  const auto wanted = stream(scene, thresholds, {600}, limits);
  for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {64}})
    BOOST_TEST(same(stream(scene, thresholds, heights, limits, {90}), wanted));
  // The trunks come in parts, the houses whole, and no pixel is lost.
  const auto cut = paint(wanted, 400, 600);
  int64_t houses = 0, most_open = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(cut.size()); ++i)
    BOOST_TEST_REQUIRE((cut.data()[i] != 0) == (scene.maps.data()[i] != 0));
  for (const InstancePatch& patch : wanted) {
    houses += patch.window.width == 7 && patch.window.height == 9;
    most_open = std::max(most_open, patch.window.pixel_count());
  }
  BOOST_TEST(houses == 20 * 12);
  BOOST_TEST(wanted.size() > 20U * 12 + 2 * 20);
  BOOST_TEST(most_open < 20'000);
  // What is held at any time keeps the limit.
  plat::InstanceStream held(
      400, thresholds, [](InstancePatch&&) {}, limits);
  plat::test::for_each_block(scene, {1}, {400}, [&](const plat::MapBlock& block) {
    held.add(block, 0);
    int64_t pixels = 0;
    for (const plat::Window& window : held.open_windows()) pixels += window.pixel_count();
    BOOST_TEST_REQUIRE(pixels <= limits.open_pixels);
    BOOST_TEST_REQUIRE(held.first_new_row() == block.row + 1);
  });
}

BOOST_AUTO_TEST_CASE(not_a_number_is_never_an_object) {
  Scene scene{Image<float>(10, 10, 3, std::nanf("")), Image<uint8_t>(10, 10, 1, uint8_t{1})};
  BOOST_TEST(stream(scene, {}, {10}).empty());
  std::ranges::fill(scene.maps.band(0), 1.0F);
  BOOST_TEST(stream(scene, {}, {10}).size() == 1);
}

BOOST_AUTO_TEST_CASE(witnesses_are_averaged_over_what_they_have_seen_and_change_no_object) {
  const Scene scene = bumpy_scene(150, 110, 7);
  Scene seen{Image<float>(150, 110, 5), scene.valid};
  std::copy_n(scene.maps.data(), scene.maps.size(), seen.maps.data());
  std::mt19937 random(11);
  std::uniform_real_distribution<float> uniform(0, 1);
  for (const int64_t band : {3, 4}) {
    for (float& value : seen.maps.band(band)) value = uniform(random) < 0.3F ? -1.0F : 1.2F * uniform(random);
  }
  seen.maps.band(3)[5000] = std::nanf("");
  const auto witnessed = [&](const std::vector<int64_t>& heights, const std::vector<int64_t>& widths = {150}) {
    std::vector<InstancePatch> patches;
    plat::InstanceStream to(
        150, {}, [&](InstancePatch&& patch) { patches.push_back(std::move(patch)); }, {}, 2);
    plat::test::for_each_block(seen, heights, widths, [&](const plat::MapBlock& block) { to.add(block, 0); });
    to.finish();
    return patches;
  };
  const auto plain = stream(scene, {}, {110});
  const auto patches = witnessed({110});
  BOOST_REQUIRE(patches.size() == plain.size());
  int64_t objects = 0;
  for (std::size_t i = 0; i < patches.size(); ++i) {
    const InstancePatch& patch = patches[i];
    BOOST_TEST(std::ranges::equal(std::span(patch.labels.data(), patch.labels.size()),
                                  std::span(plain[i].labels.data(), plain[i].labels.size())));
    BOOST_TEST(plain[i].witnesses.empty());
    BOOST_REQUIRE(patch.witnesses.size() == 2U);
    for (std::size_t w = 0; w < 2; ++w) {
      BOOST_REQUIRE(patch.witnesses[w].size() == static_cast<std::size_t>(patch.count));
      for (int32_t object = 1; object <= patch.count; ++object, ++objects) {
        double sum = 0, count = 0, unseen = 0;
        for (int64_t r = 0; r < patch.window.height; ++r) {
          for (int64_t c = 0; c < patch.window.width; ++c) {
            if (patch.labels.at(c, r) != object) continue;
            const float value = seen.maps.at(patch.window.col + c, patch.window.row + r, 3 + static_cast<int64_t>(w));
            ++count;
            if (value >= 0) {
              sum += std::min(value, 1.0F);
            } else {
              ++unseen;
            }
          }
        }
        const plat::Testimony& told = patch.witnesses[w][static_cast<std::size_t>(object - 1)];
        // Kept in steps of 1 / 254; pinholes that were filled have no say.
        BOOST_TEST(std::abs(told.says - sum / std::max(1.0, count - unseen)) < 0.002);
        BOOST_TEST(std::abs(told.unseen - unseen / count) < 0.005);
      }
    }
  }
  BOOST_TEST(objects > 5);
  for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {7, 30, 2}}) {
    const auto again = witnessed(heights, {31, 1});
    BOOST_REQUIRE(again.size() == patches.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
      BOOST_TEST((again[i].witnesses == patches[i].witnesses));
    }
  }
}

BOOST_AUTO_TEST_CASE(thresholds_must_make_sense) {
  const auto nothing = [](InstancePatch&&) {};
  for (const InstanceThresholds& bad :
       {InstanceThresholds{.extent = 0}, InstanceThresholds{.boundary_weight = -1},
        InstanceThresholds{.smoothing_px = 21}, InstanceThresholds{.seed_contrast = 0},
        InstanceThresholds{.seed_contrast = 1.5}, InstanceThresholds{.min_score = -0.1}}) {
    BOOST_CHECK_THROW(plat::InstanceStream(10, bad, nothing), plat::UsageError);
  }
}

BOOST_AUTO_TEST_SUITE_END()
