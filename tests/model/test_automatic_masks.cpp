// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "model/masks/automatic_masks.hpp"
#include "model/masks/mask_enlarger.hpp"
#include "tests/support/region_segmenter.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

using plat::AutomaticMask;
using plat::AutomaticMaskOptions;
using plat::Image;
using plat::Window;

namespace {

Image<float> dark(int64_t width, int64_t height) { return Image<float>(width, height, 3, 20); }

void paint(Image<float>& image, const Window& window, float value) {
  for (int64_t b = 0; b < image.bands(); ++b) {
    for (int64_t r = window.row; r < window.row_end(); ++r) {
      std::fill_n(image.row(r, b).begin() + window.col, window.width, value);
    }
  }
}

AutomaticMaskOptions points(int per_side) {
  AutomaticMaskOptions options;
  options.points_per_side = per_side;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(automatic_masks)

BOOST_AUTO_TEST_CASE(every_region_comes_out_once_and_exactly) {
  auto image = dark(64, 64);
  const std::vector<Window> drawn = {{2, 3, 10, 12}, {20, 5, 30, 8}, {0, 30, 64, 10}, {50, 50, 14, 14}};
  for (std::size_t i = 0; i < drawn.size(); ++i) paint(image, drawn[i], 150 + static_cast<float>(i));
  const plat::test::RegionSegmenter model;
  for (const int batch : {1, 7, 64, 5000}) {
    AutomaticMaskOptions options = points(16);
    options.points_per_batch = batch;
    std::vector<AutomaticMask> masks = plat::automatic_masks(model, image, options);
    BOOST_REQUIRE(masks.size() == drawn.size());
    for (const Window& window : drawn) {
      BOOST_TEST(std::ranges::count_if(masks, [&](const AutomaticMask& m) {
                   return m.mask.bounds() == window && m.mask.area() == window.pixel_count();
                 }) == 1);
    }
    BOOST_TEST(masks[0].iou == 0.95);
    BOOST_TEST(masks[0].stability == 1.0);
    options.parallel = [](std::size_t count, const auto& work) {
      std::vector<std::thread> threads;
      for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
      for (auto& thread : threads) thread.join();
    };
    if (batch < 7) continue;
    const auto again = plat::automatic_masks(model, image, options);
    BOOST_REQUIRE(again.size() == masks.size());
    for (std::size_t i = 0; i < masks.size(); ++i) BOOST_TEST((again[i].mask == masks[i].mask));
  }
}

BOOST_AUTO_TEST_CASE(points_without_data_are_not_asked) {
  auto image = dark(64, 64);
  paint(image, {8, 8, 10, 10}, 200);
  paint(image, {40, 40, 10, 10}, 200);
  Image<uint8_t> valid(64, 64, 1, 1);
  for (int64_t r = 0; r < 32; ++r) std::fill_n(valid.row(r).begin(), 64, uint8_t{0});
  const plat::test::RegionSegmenter model;
  const auto masks = plat::automatic_masks(model, image, points(16), &valid);
  BOOST_REQUIRE(masks.size() == 1U);
  BOOST_TEST((masks[0].mask.bounds() == Window{40, 40, 10, 10}));
}

BOOST_AUTO_TEST_CASE(crops_find_what_the_whole_image_is_too_coarse_for) {
  auto image = dark(64, 64);
  paint(image, {4, 4, 6, 6}, 200);  // between the points of the whole image
  paint(image, {20, 20, 30, 20}, 220);
  const plat::test::RegionSegmenter model;
  AutomaticMaskOptions options = points(3);
  BOOST_TEST(plat::automatic_masks(model, image, options).size() == 1U);
  options.crop_layers = 1;
  const auto masks = plat::automatic_masks(model, image, options);
  BOOST_TEST(masks.size() == 2U);
  // A crop is scaled up, which blurs the edges that the test's model sees.
  BOOST_TEST(std::ranges::count_if(masks, [](const AutomaticMask& m) {
               return std::abs(m.mask.bounds().col - 4) <= 1 && std::abs(m.mask.bounds().width - 6) <= 2 &&
                      m.crop.width < 64;
             }) == 1);
  // The crops that see the larger region cut it.
  BOOST_TEST(std::ranges::count_if(masks, [](const AutomaticMask& m) {
               return m.mask.bounds() == Window{20, 20, 30, 20} && m.crop.width == 64;
             }) == 1);
}

BOOST_AUTO_TEST_CASE(the_better_of_two_masks_with_like_boxes_stays) {
  const std::vector<Window> boxes = {{0, 0, 11, 11}, {0, 0, 11, 12}, {50, 50, 5, 5}, {0, 0, 11, 21}, {7, 7, 1, 1}};
  const std::vector<double> scores = {0.5, 0.9, 0.9, 0.7, 0.1};
  BOOST_TEST(plat::box_nms(boxes, scores, 0.7) == (std::vector<std::size_t>{1, 2, 3, 4}),
             boost::test_tools::per_element());
  BOOST_TEST(plat::box_nms(boxes, scores, 0.5) == (std::vector<std::size_t>{1, 2, 4}),
             boost::test_tools::per_element());
  BOOST_TEST(plat::box_nms(boxes, scores, 1.0) == (std::vector<std::size_t>{1, 2, 3, 0, 4}),
             boost::test_tools::per_element());
  BOOST_TEST(plat::box_nms({}, {}, 0.7).empty());
}

BOOST_AUTO_TEST_CASE(an_enlarged_mask_is_the_threshold_of_the_interpolated_logits) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 3);
  const auto interpolated = [](const Image<float>& from, int64_t width, int64_t height) {
    Image<float> to(width, height);
    const auto place = [](int64_t i, int64_t n, int64_t m) {
      const double at = (static_cast<double>(i) + 0.5) * static_cast<double>(m) / static_cast<double>(n) - 0.5;
      return std::clamp(at, 0.0, static_cast<double>(m - 1));
    };
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t c = 0; c < width; ++c) {
        const double x = place(c, width, from.width()), y = place(r, height, from.height());
        const auto x0 = static_cast<int64_t>(x), y0 = static_cast<int64_t>(y);
        const int64_t x1 = std::min(x0 + 1, from.width() - 1), y1 = std::min(y0 + 1, from.height() - 1);
        const double u = x - static_cast<double>(x0), v = y - static_cast<double>(y0);
        to.at(c, r) = static_cast<float>((1 - v) * ((1 - u) * from.at(x0, y0) + u * from.at(x1, y0)) +
                                         v * ((1 - u) * from.at(x0, y1) + u * from.at(x1, y1)));
      }
    }
    return to;
  };
  for (int i = 0; i < 50; ++i) {
    Image<float> logits(8, 8);
    const float level = normal(random);
    std::generate_n(logits.data(), logits.size(), [&] { return level + normal(random); });
    const double offset = 0.5 + i % 3;
    const bool two_steps = i % 2 == 1;
    // The image was 48 x 36, or 24 x 18 and enlarged; its part of the tile of 48 is 48 x 36.
    const plat::MaskEnlarger enlarger(8, 8, 48, 48, 36, two_steps ? 24 : 48, two_steps ? 18 : 36);
    Image<float> expected = plat::crop(interpolated(logits, 48, 48), {0, 0, 48, 36});
    if (two_steps) expected = interpolated(expected, 24, 18);
    const plat::ThresholdedMask mask = enlarger.enlarge(logits, offset);
    int64_t inside = 0, wrong = 0;
    double sure = 0, possible = 0;
    Image<uint8_t> drawn(expected.width(), expected.height());
    for (const auto& run : mask.mask.runs()) {
      std::fill(drawn.row(run.row).begin() + run.begin, drawn.row(run.row).begin() + run.end, uint8_t{1});
    }
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const float value = expected.data()[k];
      inside += value > 0;
      // Rounding may turn a value that is nearly on the threshold.
      if (std::abs(value) > 1e-4F) wrong += (value > 0) != (drawn.data()[k] != 0);
      sure += static_cast<double>(value) > offset;
      possible += static_cast<double>(value) > -offset;
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(std::abs(mask.mask.area() - inside) <= 1);
    BOOST_TEST(std::abs(mask.stability - (possible > 0 ? sure / possible : 0)) < 0.01);
  }
}

BOOST_AUTO_TEST_CASE(a_fitted_image_keeps_its_pixels_or_their_means) {
  Image<float> image(8, 6, 2);
  for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<float>(i);
  const auto same = plat::fit_image(image, {2, 1, 4, 3}, 4, {7, 8});
  BOOST_TEST(same.width == 4);
  BOOST_TEST(same.height == 3);
  BOOST_TEST(same.pixels.at(0, 0, 1) == image.at(2, 1, 1));
  BOOST_TEST(same.pixels.at(3, 2, 0) == image.at(5, 3, 0));
  BOOST_TEST(same.pixels.at(2, 3, 0) == 7);
  BOOST_TEST(same.pixels.at(2, 3, 1) == 8);
  // A plane stays a plane, away from the edges.
  const auto larger = plat::fit_image(image, {0, 0, 8, 6}, 16, {0, 0});
  BOOST_TEST(larger.height == 12);
  BOOST_TEST(std::abs(larger.pixels.at(8, 6, 0) - (3.75F + 8 * 2.75F)) < 1e-4F);
  const auto smaller = plat::fit_image(Image<float>(9, 9, 1, 5), {0, 0, 9, 9}, 4, {0});
  BOOST_TEST(std::abs(smaller.pixels.at(3, 3) - 5) < 1e-5F);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
  AutomaticMaskOptions options;
  options.validate();
  options.stability_threshold = 1.5;
  BOOST_CHECK_EXCEPTION(options.validate(), plat::UsageError, [](const plat::UsageError& error) {
    return std::string(error.what()).find("--stability-threshold") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
