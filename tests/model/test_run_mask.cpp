// SPDX-License-Identifier: Apache-2.0
#include "model/masks/run_mask.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <vector>

using plat::Image;
using plat::RunMask;
using plat::Window;

namespace {

constexpr int64_t kWidth = 19, kHeight = 13;

Image<uint8_t> noise(std::mt19937& random, std::mt19937::result_type of_ten) {
  Image<uint8_t> image(kWidth, kHeight);
  std::generate_n(image.data(), image.size(), [&] { return random() % 10 < of_ten ? uint8_t{1} : uint8_t{0}; });
  return image;
}

Image<uint8_t> drawn(const RunMask& mask) {
  Image<uint8_t> image(kWidth, kHeight);
  for (const auto& run : mask.runs()) {
    std::fill(image.row(run.row).begin() + run.begin, image.row(run.row).begin() + run.end, uint8_t{1});
  }
  return image;
}

Window any_window(std::mt19937& random) {
  const auto number = [&](int64_t end) { return static_cast<int64_t>(random()) % end; };
  return {number(kWidth) - 3, number(kHeight) - 3, 1 + number(kWidth), 1 + number(kHeight)};
}

/// Counts the pixels for which a rule on two values holds.
template <typename Rule>
int64_t count(const Image<uint8_t>& a, const Image<uint8_t>& b, const Window& window, const Rule& rule) {
  int64_t pixels = 0;
  for (int64_t r = 0; r < kHeight; ++r) {
    for (int64_t c = 0; c < kWidth; ++c) {
      if (window.contains(c, r) && rule(a.at(c, r) != 0, b.at(c, r) != 0)) ++pixels;
    }
  }
  return pixels;
}

/// What without_small_regions promises, by flooding pixel by pixel.
Image<uint8_t> flooded(const Image<uint8_t>& image, uint8_t value, int64_t least, bool keep_largest) {
  Image<uint8_t> out = image, seen(kWidth, kHeight);
  std::vector<std::vector<std::pair<int64_t, int64_t>>> regions;
  for (int64_t r = 0; r < kHeight; ++r) {
    for (int64_t c = 0; c < kWidth; ++c) {
      if (image.at(c, r) != value || seen.at(c, r) != 0) continue;
      std::vector<std::pair<int64_t, int64_t>> region = {{c, r}};
      seen.at(c, r) = 1;
      for (std::size_t i = 0; i < region.size(); ++i) {
        const auto [col, row] = region[i];
        for (int64_t y = std::max<int64_t>(0, row - 1); y <= std::min(kHeight - 1, row + 1); ++y) {
          for (int64_t x = std::max<int64_t>(0, col - 1); x <= std::min(kWidth - 1, col + 1); ++x) {
            if (image.at(x, y) != value || seen.at(x, y) != 0) continue;
            seen.at(x, y) = 1;
            region.emplace_back(x, y);
          }
        }
      }
      regions.push_back(region);
    }
  }
  const auto largest = std::max_element(regions.begin(), regions.end(),
                                        [](const auto& a, const auto& b) { return a.size() < b.size(); });
  for (auto region = regions.begin(); region != regions.end(); ++region) {
    if (static_cast<int64_t>(region->size()) >= least || (keep_largest && region == largest)) continue;
    for (const auto& [c, r] : *region) out.at(c, r) = static_cast<uint8_t>(1 - value);
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_mask)

BOOST_AUTO_TEST_CASE(every_operation_does_what_it_does_to_pixels) {
  std::mt19937 random(3);
  const Window all{0, 0, kWidth, kHeight};
  for (int i = 0; i < 300; ++i) {
    const auto a = noise(random, 1 + random() % 9), b = noise(random, 1 + random() % 9);
    const RunMask x = RunMask::of(a), y = RunMask::of(b);
    const Window window = any_window(random);
    const auto first = [](bool p, bool) { return p; };
    const auto both = [](bool p, bool q) { return p && q; };
    const auto either = [](bool p, bool q) { return p || q; };
    BOOST_TEST((drawn(x) == a));
    BOOST_TEST(x.area() == count(a, b, all, first));
    BOOST_TEST(x.area_within(window) == count(a, b, window, first));
    BOOST_TEST(common_area(x, y, window) == count(a, b, window, both));
    BOOST_TEST(x.clipped(window).area() == count(a, b, window, first));
    BOOST_TEST(
        (x.clipped(window).empty() || intersect(x.clipped(window).bounds(), window) == x.clipped(window).bounds()));
    BOOST_TEST((drawn(x.where(b)) == drawn(y.where(a))));
    BOOST_TEST(x.where(b).area() == count(a, b, all, both));
    const std::vector<const RunMask*> masks = {&x, &y};
    BOOST_TEST(united(masks).area() == count(a, b, all, either));
    const int64_t in_either = count(a, b, window, either);
    BOOST_TEST(
        mask_iou(x, y, window) ==
        (in_either == 0 ? 0.0 : static_cast<double>(count(a, b, window, both)) / static_cast<double>(in_either)));
    BOOST_TEST((x.moved(5, -7).moved(-5, 7) == x));
    BOOST_TEST(mask_iou(x, x) == (x.empty() ? 0.0 : 1.0));
  }
}

BOOST_AUTO_TEST_CASE(small_holes_are_filled_and_small_islands_dropped) {
  std::mt19937 random(4);
  for (int i = 0; i < 500; ++i) {
    const auto image = noise(random, 1 + random() % 9);
    const int64_t least = 1 + static_cast<int64_t>(random() % 12);
    const auto filled = flooded(image, 0, least, false);
    const auto expected = flooded(filled, 1, least, true);
    const auto [mask, changed] = without_small_regions(RunMask::of(image), kWidth, kHeight, least);
    BOOST_TEST((drawn(mask) == expected));
    // A single small part stays, and counts as changed.
    const bool small = mask.area() < least && !mask.empty();
    BOOST_TEST(changed == (!(expected == image) || small));
  }
}

BOOST_AUTO_TEST_SUITE_END()
