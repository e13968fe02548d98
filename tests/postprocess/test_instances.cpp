// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "postprocess/instances.hpp"

#include "tests/postprocess/scenes.hpp"

#include <tbb/global_control.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <tuple>

namespace {

using plat::Image;
using plat::InstancePatch;
using plat::InstanceThresholds;

struct Scene {
  Image<float> maps;
  Image<uint8_t> valid;
};

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

Image<int32_t> number_by_first_pixel(Image<int32_t> labels) {
  std::map<int32_t, int32_t> number;
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (label != 0) label = number.emplace(label, static_cast<int32_t>(number.size()) + 1).first->second;
  }
  return labels;
}

std::vector<InstancePatch> stream(const Scene& scene, const InstanceThresholds& thresholds,
                                  const std::vector<int64_t>& heights, int64_t largest_region = plat::kLargestRegion) {
  std::vector<InstancePatch> patches;
  plat::InstanceStream stream(
      scene.maps.width(), thresholds, [&](InstancePatch&& patch) { patches.push_back(std::move(patch)); },
      largest_region);
  std::size_t next = 0;
  for (int64_t row = 0; row < scene.maps.height();) {
    const int64_t rows = std::min(heights[next++ % heights.size()], scene.maps.height() - row);
    const plat::Window window{0, row, scene.maps.width(), rows};
    stream.add({row, plat::crop(scene.maps, window), plat::crop(scene.valid, window)}, 0);
    row += rows;
  }
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

// 4-connected parts of a mask, by flood fill over the whole scene.
Image<int32_t> naive_components(const Image<uint8_t>& mask) {
  Image<int32_t> out(mask.width(), mask.height());
  int32_t count = 0;
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (mask.at(col, row) == 0 || out.at(col, row) != 0) continue;
      out.at(col, row) = ++count;
      std::vector<std::pair<int64_t, int64_t>> stack = {{col, row}};
      while (!stack.empty()) {
        const auto [c, r] = stack.back();
        stack.pop_back();
        for (const auto& [dc, dr] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
          const int64_t nc = c + dc, nr = r + dr;
          if (nc < 0 || nr < 0 || nc >= mask.width() || nr >= mask.height()) continue;
          if (mask.at(nc, nr) == 0 || out.at(nc, nr) != 0) continue;
          out.at(nc, nr) = count;
          stack.emplace_back(nc, nr);
        }
      }
    }
  }
  return out;
}

// Fills each small 8-connected hole that lies in a single region, as high as that region's highest pixel.
void naive_fill(Image<uint8_t>& mask, const Image<uint8_t>& valid, Image<int32_t>& level) {
  const Image<int32_t> regions = naive_components(mask);
  Image<uint8_t> seen = mask;
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (seen.at(col, row) != 0) continue;
      seen.at(col, row) = 1;
      std::vector<std::pair<int64_t, int64_t>> hole = {{col, row}};
      std::set<int32_t> around;
      for (std::size_t next = 0; next < hole.size(); ++next) {
        const auto [c, r] = hole[next];
        if (valid.at(c, r) == 0) around.insert(-1);
        for (int64_t nr = r - 1; nr <= r + 1; ++nr) {
          for (int64_t nc = c - 1; nc <= c + 1; ++nc) {
            if (nc < 0 || nr < 0 || nc >= mask.width() || nr >= mask.height()) {
              around.insert(-1);
            } else if (mask.at(nc, nr) != 0) {
              around.insert(regions.at(nc, nr));
            } else if (seen.at(nc, nr) == 0) {
              seen.at(nc, nr) = 1;
              hole.emplace_back(nc, nr);
            }
          }
        }
      }
      if (hole.size() > static_cast<std::size_t>(plat::kLargestFilledHole) || around.size() != 1 || around.contains(-1))
        continue;
      int32_t highest = 0;
      for (std::size_t i = 0; i < regions.size(); ++i) {
        if (regions.data()[i] == *around.begin()) highest = std::max(highest, level.data()[i]);
      }
      for (const auto& [c, r] : hole) {
        mask.at(c, r) = 1;
        level.at(c, r) = highest;
      }
    }
  }
}

// The whole scene at once, with a priority queue ordered by height and time.
Image<int32_t> naive_instances(const Scene& scene, const InstanceThresholds& t) {
  const int64_t width = scene.maps.width(), height = scene.maps.height();
  Image<uint8_t> mask(width, height), seed_mask(width, height);
  Image<int32_t> level(width, height);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const double relief =
        static_cast<double>(scene.maps.band(2)[i]) - t.boundary_weight * static_cast<double>(scene.maps.band(1)[i]);
    mask.data()[i] = scene.maps.band(0)[i] >= static_cast<float>(t.extent) && scene.valid.data()[i] != 0;
    seed_mask.data()[i] = mask.data()[i] != 0 && relief > t.seed_distance;
    level.data()[i] = static_cast<int32_t>(std::lround((1 - relief) * 255));
  }
  naive_fill(mask, scene.valid, level);
  Image<int32_t> labels = naive_components(seed_mask);
  std::map<int32_t, int64_t> size;
  for (const int32_t label : std::span(labels.data(), labels.size())) ++size[label];
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (size[label] < t.min_seed_px) label = 0;
  }
  const Image<int32_t> regions = naive_components(mask);
  std::map<int32_t, bool> seeded;
  for (std::size_t i = 0; i < labels.size(); ++i) seeded[regions.data()[i]] |= labels.data()[i] != 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (regions.data()[i] != 0 && !seeded[regions.data()[i]]) labels.data()[i] = 1'000'000 + regions.data()[i];
  }
  using Entry = std::tuple<int32_t, int64_t, int64_t, int64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  int64_t time = 0;
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      if (labels.at(c, r) != 0) queue.emplace(level.at(c, r), time++, c, r);
    }
  }
  while (!queue.empty()) {
    const auto [ignored, when, c, r] = queue.top();
    queue.pop();
    for (const auto& [dc, dr] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
      const int64_t nc = c + dc, nr = r + dr;
      if (nc < 0 || nr < 0 || nc >= width || nr >= height || mask.at(nc, nr) == 0 || labels.at(nc, nr) != 0) continue;
      labels.at(nc, nr) = labels.at(c, r);
      queue.emplace(level.at(nc, nr), time++, nc, nr);
    }
  }
  return number_by_first_pixel(std::move(labels));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(instances)

BOOST_AUTO_TEST_CASE(equal_to_a_plain_watershed_of_the_whole_scene) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const InstanceThresholds thresholds{0.5, 0.55, 0.5, static_cast<int64_t>(seed), 0};
    const Scene scene = bumpy_scene(150, 120, seed, 0.1 * seed);
    const auto found = plat::split_instances(scene.maps, scene.valid, thresholds);
    BOOST_TEST(*std::ranges::max_element(found.band(0)) > 10);
    BOOST_TEST((found == naive_instances(scene, thresholds)));
  }
}

BOOST_AUTO_TEST_CASE(strips_and_threads_do_not_change_the_result) {
  const InstanceThresholds thresholds{0.5, 0.6, 0.5, 4, 0};
  const Scene scene = bumpy_scene(200, 260, 42, 0.4);
  const auto whole = plat::split_instances(scene.maps, scene.valid, thresholds);
  const auto wanted = stream(scene, thresholds, {260});
  BOOST_TEST(wanted.size() > 5);
  BOOST_TEST((number_by_first_pixel(paint(wanted, 200, 260)) == whole));
  for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {2}, {7}, {64}, {1, 13, 5, 40}}) {
    BOOST_TEST(same(stream(scene, thresholds, heights), wanted));
  }
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
    BOOST_TEST(same(stream(scene, thresholds, {33}), wanted));
  }
}

BOOST_AUTO_TEST_CASE(patches_are_what_they_say) {
  const InstanceThresholds thresholds{0.5, 0.6, 0.5, 4, 0};
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

BOOST_AUTO_TEST_CASE(a_region_without_a_seed_is_one_object) {
  Scene scene{Image<float>(20, 10, 3, 0.9F), Image<uint8_t>(20, 10, 1, uint8_t{1})};
  std::ranges::fill(scene.maps.band(2), 0.1F);
  const auto patches = stream(scene, {}, {3});
  BOOST_TEST_REQUIRE(patches.size() == 1);
  BOOST_TEST(patches[0].count == 1);
  BOOST_TEST(std::abs(patches[0].score[0] - 0.9) < 1e-4);
}

BOOST_AUTO_TEST_CASE(regions_too_large_are_cut_the_same_way_for_all_strips) {
  const InstanceThresholds thresholds{0.1, 0.6, 0.5, 4, 0};
  Scene scene = bumpy_scene(120, 300, 3, 0.2);
  for (const int64_t largest : {500, 3000}) {
    const auto wanted = stream(scene, thresholds, {300}, largest);
    for (const InstancePatch& patch : wanted) BOOST_TEST(patch.window.pixel_count() <= largest);
    for (const std::vector<int64_t>& heights : {std::vector<int64_t>{1}, {17}}) {
      BOOST_TEST(same(stream(scene, thresholds, heights, largest), wanted));
    }
    // Nothing is lost but pinholes that a cut opens.
    const auto cut = paint(wanted, 120, 300);
    for (std::size_t i = 0; i < cut.size(); ++i) {
      if (scene.maps.band(0)[i] >= 0.1F && scene.valid.data()[i] != 0 && cut.data()[i] == 0)
        BOOST_FAIL("a pixel is lost");
    }
  }
}

BOOST_AUTO_TEST_CASE(not_a_number_is_never_an_object) {
  Scene scene{Image<float>(10, 10, 3, std::nanf("")), Image<uint8_t>(10, 10, 1, uint8_t{1})};
  BOOST_TEST(stream(scene, {}, {10}).empty());
  std::ranges::fill(scene.maps.band(0), 1.0F);
  BOOST_TEST(stream(scene, {}, {10}).size() == 1);
}

BOOST_AUTO_TEST_CASE(thresholds_must_make_sense) {
  const auto nothing = [](InstancePatch&&) {};
  BOOST_CHECK_THROW(plat::InstanceStream(10, InstanceThresholds{0, 0.5, 1, 1, 1}, nothing), plat::UsageError);
  BOOST_CHECK_THROW(plat::InstanceStream(10, InstanceThresholds{0.5, 1.5, 1, 1, 1}, nothing), plat::UsageError);
  BOOST_CHECK_THROW(plat::InstanceStream(10, InstanceThresholds{0.5, 0.5, -1, 1, 1}, nothing), plat::UsageError);
  BOOST_CHECK_THROW(plat::InstanceStream(10, InstanceThresholds{0.5, 0.5, 1, 0, 1}, nothing), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
