// SPDX-License-Identifier: Apache-2.0
#include "tests/training/drawn_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/samples/crop_sampler.hpp"
#include "training/samples/image_filter.hpp"
#include "training/samples/sample_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

using namespace plat;

namespace {

/// No change of colour or sharpness.
ColourOptions plain_colour() {
  ColourOptions plain;
  plain.permute = plain.mix = plain.grey = plain.saturate = plain.coarsen = plain.blur = plain.sharpen = 0;
  plain.light.haze = plain.light.sun = plain.light.shadow = 0;
  plain.stretch = plain.noise = plain.jpeg = 0;
  plain.log_gamma = plain.log_contrast = plain.brightness = plain.log_balance = 0;
  return plain;
}

CropOptions plain_crops() {
  CropOptions options;
  options.size = 128;
  options.gsd_m = 0.3;
  options.colour = plain_colour();
  return options;
}

double mean(const Image<float>& image) {
  double sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i) sum += static_cast<double>(image.data()[i]);
  return sum / static_cast<double>(image.size());
}

bool same(const Sample& a, const Sample& b) {
  return a.pixels == b.pixels && a.labels == b.labels && a.maps == b.maps && a.counts == b.counts &&
         a.prompts.masks == b.prompts.masks;
}

struct Session {
  GdalSession gdal;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(augmentation)

BOOST_AUTO_TEST_CASE(objects_and_pixels_stay_aligned_however_a_crop_lies) {
  std::vector<LabelledScene> scenes;
  scenes.push_back(test::drawn_world(480, 0.15, 5));
  const CropSampler sampler(std::move(scenes), plain_crops(), 11);
  for (int64_t n = 0; n < 40; ++n) {
    const Sample sample = sampler.sample(n);
    int64_t wrong = 0;
    int64_t judged = 0;
    for (int64_t r = 0; r < 128; ++r) {
      for (int64_t c = 0; c < 128; ++c) {
        // At an outline a pixel is a mixture; a pixel and a half away it is not.
        if (sample.maps.at(c, r, 1) > 0 || sample.counts.at(c, r) == 0) continue;
        ++judged;
        wrong += (sample.pixels.at(c, r) > 130) != (sample.labels.at(c, r) != 0) ? 1 : 0;
      }
    }
    BOOST_TEST_CONTEXT("sample " << n) {
      BOOST_TEST(judged > 1000);
      BOOST_TEST(wrong == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_identity_keeps_the_scenes_pixels) {
  const LabelledScene scene = test::drawn_world(96, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 1, 0, 0, 0, 1}, 96, 96, Show::TrainingOnly);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    BOOST_TEST_REQUIRE(pixels.data()[i] == static_cast<float>(scene.pyramid[0].data()[i]));
}

BOOST_AUTO_TEST_CASE(halving_a_scene_averages_its_pixels) {
  const LabelledScene scene = test::drawn_world(96, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 2, 0, 0, 0, 2}, 48, 48, Show::TrainingOnly);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    BOOST_TEST_REQUIRE(pixels.data()[i] == static_cast<float>(scene.pyramid[1].data()[i]));
}

BOOST_AUTO_TEST_CASE(pixels_kept_for_validation_are_never_shown) {
  std::vector<LabelledScene> scenes;
  scenes.push_back(test::drawn_world(480, 0.15, 5));
  LabelledScene& scene = scenes.back();
  // What is kept out is white, all else is dark.
  std::fill(scene.pyramid[0].data(), scene.pyramid[0].data() + scene.pyramid[0].size(), uint8_t{10});
  for (int64_t r = 0; r < 480; ++r) {
    for (int64_t c = 320; c < 480; ++c) {
      scene.use.at(c, r) = static_cast<uint8_t>(PixelUse::Validate);
      for (int64_t b = 0; b < 3; ++b) scene.pyramid[0].at(c, r, b) = 255;
    }
  }
  scene.pyramid[1] = halve(scene.pyramid[0]);
  scene.pyramid[2] = halve(scene.pyramid[1]);
  const CropSampler sampler(std::move(scenes), plain_crops(), 1);
  for (int64_t n = 0; n < 30; ++n) {
    const Sample sample = sampler.sample(n);
    // Interpolation reaches at most one pixel of the pyramid's level over the border.
    const auto bright = std::count_if(sample.pixels.data(), sample.pixels.data() + sample.pixels.size(),
                                      [](float v) { return v > 200; });
    BOOST_TEST(bright == 0);
  }
}

BOOST_AUTO_TEST_CASE(pixels_that_labels_say_nothing_certain_of_do_not_count) {
  CropOptions options = plain_crops();
  options.rotate = options.stretch = 0;
  const auto sampler = [&options](double margin_m, bool incomplete) {
    std::vector<LabelledScene> scenes;
    scenes.push_back(test::drawn_world(480, 0.3, 5));
    scenes.back().label_margin_m = margin_m;
    scenes.back().incomplete = incomplete;
    return CropSampler(std::move(scenes), options, 3);
  };
  const double margin_m = 0.9;
  const CropSampler all = sampler(0, false), rough = sampler(margin_m, false), few = sampler(0, true),
                    both = sampler(margin_m, true);
  for (const double scale : {1.0, 2.0}) {
    options.scale = {scale, scale};
    const CropSampler whole = sampler(0, false), weak = sampler(margin_m, false), missing = sampler(0, true);
    const float near = static_cast<float>(margin_m / 0.3 * scale), known = static_cast<float>(3 / 0.3 * scale);
    for (int64_t n = 0; n < 12; ++n) {
      const Sample sample = whole.sample(n), rough_sample = weak.sample(n), few_sample = missing.sample(n);
      BOOST_TEST((sample.pixels == rough_sample.pixels));
      BOOST_TEST((sample.maps == rough_sample.maps));
      BOOST_TEST((sample.maps == few_sample.maps));
      const Image<float> distance = outline_distance(sample.labels);
      // What lies outside the crop decides too, but not farther in than it reaches.
      const auto inner = static_cast<int64_t>(std::ceil(known)) + 1;
      for (int64_t r = inner; r < 128 - inner; ++r) {
        for (int64_t c = inner; c < 128 - inner; ++c) {
          const float d = distance.at(c, r);
          const bool counts = sample.counts.at(c, r) != 0;
          BOOST_TEST_REQUIRE((rough_sample.counts.at(c, r) != 0) == (counts && d >= near));
          BOOST_TEST_REQUIRE((few_sample.counts.at(c, r) != 0) ==
                             (counts && (sample.labels.at(c, r) != 0 || d <= known)));
        }
      }
    }
  }
  // Both at once leave what either leaves.
  const Sample a = all.sample(1), b = rough.sample(1), c = few.sample(1), d = both.sample(1);
  for (std::size_t i = 0; i < a.counts.size(); ++i) {
    const bool expected = b.counts.data()[i] != 0 && c.counts.data()[i] != 0;
    BOOST_TEST_REQUIRE((d.counts.data()[i] != 0) == expected);
    BOOST_TEST_REQUIRE(d.counts.data()[i] <= a.counts.data()[i]);
  }
}

BOOST_AUTO_TEST_CASE(samples_do_not_depend_on_the_number_of_threads) {
  CropOptions options = plain_crops();
  options.colour = ColourOptions{};
  options.prompts = 3;
  std::vector<LabelledScene> scenes;
  scenes.push_back(test::drawn_world(480, 0.15, 5));
  const CropSampler sampler(std::move(scenes), options, 7);
  const auto make = [&sampler](int64_t n) { return sampler.sample(n); };
  SampleQueue one(make, 4, 1, 2);
  SampleQueue many(make, 4, 4, 9);
  for (int64_t n = 4; n < 30; ++n) {
    const Sample first = one.take();
    BOOST_TEST(same(first, many.take()));
    BOOST_TEST(same(first, sampler.sample(n)));
  }
}

BOOST_AUTO_TEST_CASE(another_seed_gives_other_samples) {
  std::vector<LabelledScene> scenes;
  scenes.push_back(test::drawn_world(480, 0.15, 5));
  const CropSampler one(scenes, plain_crops(), 1);
  const CropSampler other(scenes, plain_crops(), 2);
  BOOST_TEST(!same(one.sample(0), other.sample(0)));
  BOOST_TEST(!same(one.sample(0), one.sample(1)));
}

BOOST_AUTO_TEST_CASE(an_error_in_a_worker_reaches_the_consumer) {
  SampleQueue queue(
      [](int64_t n) -> Sample {
        if (n == 3) throw DataError("three");
        return {};
      },
      0, 2, 4);
  for (int n = 0; n < 3; ++n) queue.take();
  BOOST_CHECK_THROW(queue.take(), DataError);
}

BOOST_AUTO_TEST_CASE(changed_colours_stay_in_range) {
  const LabelledScene scene = test::drawn_world(128, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 1, 0, 0, 0, 1}, 128, 128, Show::TrainingOnly);
  ColourOptions options;
  options.permute = options.mix = options.noise = options.jpeg = options.stretch = 0.5;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const Image<float> changed = augment_colour(pixels, random, options);
    const auto [low, high] = std::minmax_element(changed.data(), changed.data() + changed.size());
    BOOST_TEST_CONTEXT("seed " << seed) {
      BOOST_TEST(*low >= 0);
      BOOST_TEST(*high <= 255);
      BOOST_TEST(*high > *low);
    }
  }
}

BOOST_AUTO_TEST_CASE(haze_brightens_the_dark_and_dims_the_bright_most_of_all_red) {
  LightOptions options;
  options.haze = 1;
  options.sun = options.shadow = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Image<float> dark(48, 40, 3, 20), bright(48, 40, 3, 255);
    change_light(dark, random, options);
    change_light(bright, random, options);
    for (std::size_t i = 0; i < dark.size(); ++i) {
      BOOST_TEST_REQUIRE(dark.data()[i] > 20);
      BOOST_TEST_REQUIRE(bright.data()[i] < 255);
      BOOST_TEST_REQUIRE(bright.data()[i] - dark.data()[i] > 0);
    }
    for (std::size_t i = 0; i < dark.band(0).size(); ++i) BOOST_TEST_REQUIRE(dark.band(0)[i] < dark.band(2)[i]);
    // It has no edges.
    for (int64_t c = 1; c < 48; ++c) BOOST_TEST_REQUIRE(std::abs(dark.at(c, 20) - dark.at(c - 1, 20)) < 4);
  }
}

BOOST_AUTO_TEST_CASE(an_uneven_sun_brightens_one_side_as_it_darkens_the_other) {
  LightOptions options;
  options.sun = 1;
  options.haze = options.shadow = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Image<float> pixels(64, 48, 3, 100);
    change_light(pixels, random, options);
    const float most = 100 * static_cast<float>(std::exp(options.log_sun));
    for (int64_t r = 0; r < 48; ++r) {
      for (int64_t c = 0; c < 64; ++c) {
        BOOST_TEST_REQUIRE(pixels.at(c, r) <= most);
        BOOST_TEST_REQUIRE(std::abs(pixels.at(c, r) * pixels.at(63 - c, 47 - r) - 1e4F) < 10);
        BOOST_TEST_REQUIRE(pixels.at(c, r, 0) == pixels.at(c, r, 2));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_shadow_takes_its_share_of_the_light_up_to_a_straight_edge) {
  LightOptions options;
  options.shadow = 1;
  options.haze = options.sun = 0;
  options.shadow_depth = {0.5, 0.5};
  int64_t with_both = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Image<float> pixels(64, 64, 3, 200);
    change_light(pixels, random, options);
    int64_t dark = 0, lit = 0;
    for (const float value : pixels.band(0)) {
      BOOST_TEST_REQUIRE(value >= 99.9F);
      BOOST_TEST_REQUIRE(value <= 200);
      dark += value < 101 ? 1 : 0;
      lit += value > 199 ? 1 : 0;
    }
    for (std::size_t i = 0; i < pixels.band(0).size(); ++i) BOOST_TEST_REQUIRE(pixels.band(2)[i] >= pixels.band(0)[i]);
    with_both += dark > 0 && lit > 0 ? 1 : 0;
  }
  BOOST_TEST(with_both > 30);
}

BOOST_AUTO_TEST_CASE(light_out_of_range_is_refused_and_chances_of_0_change_nothing) {
  LightOptions options;
  options.haze_cover = {0.5, 1.5};
  BOOST_CHECK_THROW(options.validate(), UsageError);
  options = {};
  options.shadow = -0.1;
  BOOST_CHECK_THROW(options.validate(), UsageError);
  options = {};
  options.shadow_edge = {0, 3};
  BOOST_CHECK_THROW(options.validate(), UsageError);
  options = {};
  BOOST_CHECK_NO_THROW(options.validate());
  options.haze = options.sun = options.shadow = 0;
  Random random(1);
  Image<float> pixels(8, 8, 3, 77);
  change_light(pixels, random, options);
  BOOST_TEST((pixels == Image<float>(8, 8, 3, 77)));
}

BOOST_AUTO_TEST_CASE(all_colour_changes_off_leave_pixels_alone) {
  const LabelledScene scene = test::drawn_world(64, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 1, 0, 0, 0, 1}, 64, 64, Show::TrainingOnly);
  Random random(1);
  const Image<float> same_pixels = augment_colour(pixels, random, plain_colour());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    BOOST_TEST_REQUIRE(std::abs(pixels.data()[i] - same_pixels.data()[i]) < 1e-3);
}

BOOST_AUTO_TEST_CASE(resizing_keeps_constants_and_means) {
  const LabelledScene scene = test::drawn_world(96, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 1, 0, 0, 0, 1}, 96, 96, Show::TrainingOnly);
  BOOST_TEST(std::abs(mean(resize(pixels, 41, 37, ResizeFilter::Area)) - mean(pixels)) < 1e-2);
  for (const ResizeFilter filter : {ResizeFilter::Area, ResizeFilter::Linear, ResizeFilter::Cubic}) {
    const Image<float> flat = resize(Image<float>(30, 20, 1, 77), 45, 33, filter);
    for (std::size_t i = 0; i < flat.size(); ++i) BOOST_TEST_REQUIRE(std::abs(flat.data()[i] - 77) < 1e-3);
  }
  const Image<float> blurred = gaussian_blur(Image<float>(30, 20, 1, 77), 1.1);
  for (std::size_t i = 0; i < blurred.size(); ++i) BOOST_TEST_REQUIRE(std::abs(blurred.data()[i] - 77) < 1e-3);
}

BOOST_AUTO_TEST_CASE(jpeg_keeps_flat_colours_and_harms_noise_more_at_low_quality) {
  Image<float> flat(40, 24, 3, 100);
  for (float& v : flat.band(2)) v = 180;
  const Image<float> kept = jpeg_artefacts(flat, 90);
  for (std::size_t i = 0; i < flat.size(); ++i) BOOST_TEST_REQUIRE(std::abs(kept.data()[i] - flat.data()[i]) < 3);
  const LabelledScene scene = test::drawn_world(64, 0.3, 2);
  const Image<float> pixels = warp_pixels(scene, Affine{0, 1, 0, 0, 0, 1}, 64, 64, Show::TrainingOnly);
  const auto harm = [&pixels](int quality) {
    const Image<float> out = jpeg_artefacts(pixels, quality);
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += std::abs(static_cast<double>(out.data()[i] - pixels.data()[i]));
    return sum / static_cast<double>(out.size());
  };
  BOOST_TEST(harm(30) > harm(90));
  BOOST_TEST(harm(30) > 1);
  BOOST_TEST(harm(30) < 20);
}

BOOST_AUTO_TEST_SUITE_END()
