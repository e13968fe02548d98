// SPDX-License-Identifier: Apache-2.0
#include "training/samples/colour_augmentation.hpp"

#include "core/error.hpp"
#include "training/samples/image_filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace plat {
namespace {

using Weights = std::array<double, 3>;

double draw(Random& random, const std::pair<double, double>& range) {
  return random.uniform(range.first, range.second);
}

/// Three numbers of sum 1, from a Dirichlet distribution with a whole parameter: sums of exponentials, normalised.
Weights dirichlet(Random& random, int parameter) {
  Weights weights{};
  double sum = 0;
  for (double& w : weights) {
    for (int i = 0; i < parameter; ++i) w -= std::log(1 - random.uniform());
    sum += w;
  }
  for (double& w : weights) w /= sum;
  return weights;
}

/// Each new band is the mixture of the old ones that its row of weights tells.
void mix_bands(Image<float>& pixels, const std::array<Weights, 3>& rows) {
  const auto red = pixels.band(0);
  const auto green = pixels.band(1);
  const auto blue = pixels.band(2);
  for (std::size_t i = 0; i < red.size(); ++i) {
    const double r = red[i];
    const double g = green[i];
    const double b = blue[i];
    for (std::size_t k = 0; k < 3; ++k) {
      pixels.band(static_cast<int64_t>(k))[i] = static_cast<float>(rows[k][0] * r + rows[k][1] * g + rows[k][2] * b);
    }
  }
}

void change_bands(Image<float>& pixels, Random& random, const ColourOptions& options) {
  if (random.chance(options.permute)) {
    std::array<std::size_t, 3> order = {0, 1, 2};
    std::swap(order[2], order[static_cast<std::size_t>(random.integer(3))]);
    std::swap(order[1], order[static_cast<std::size_t>(random.integer(2))]);
    std::array<Weights, 3> rows{};
    for (std::size_t k = 0; k < 3; ++k) rows[k][order[k]] = 1;
    mix_bands(pixels, rows);
  }
  if (random.chance(options.mix)) {
    std::array<Weights, 3> rows{};
    for (std::size_t k = 0; k < 3; ++k) {
      rows[k] = dirichlet(random, 1);
      for (double& w : rows[k]) w *= 0.4;
      rows[k][k] += 0.6;
    }
    mix_bands(pixels, rows);
  }
  if (random.chance(options.grey)) {
    // Leaves reflect infrared strongly; how green they look tells where they are.
    const float shine =
        random.chance(options.infrared) ? static_cast<float>(random.uniform(0, options.infrared_gain)) : 0;
    Image<float> green(pixels.width(), pixels.height());
    for (std::size_t i = 0; i < green.size(); ++i) {
      green.data()[i] = shine * std::max(0.0F, 2 * pixels.band(1)[i] - pixels.band(0)[i] - pixels.band(2)[i]);
    }
    const Weights weights = dirichlet(random, 2);
    mix_bands(pixels, {weights, weights, weights});
    for (int64_t b = 0; b < 3; ++b) {
      for (std::size_t i = 0; i < green.size(); ++i) pixels.band(b)[i] += green.data()[i];
    }
  } else if (random.chance(options.saturate)) {
    const double keep = draw(random, options.saturation);
    const double even = (1 - keep) / 3;
    mix_bands(pixels,
              {Weights{even + keep, even, even}, Weights{even, even + keep, even}, Weights{even, even, even + keep}});
  }
}

void change_sharpness(Image<float>& pixels, Random& random, const ColourOptions& options) {
  if (random.chance(options.coarsen)) {
    const double factor = draw(random, options.coarseness);
    const auto width = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(pixels.width()) / factor));
    const auto height = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(pixels.height()) / factor));
    const ResizeFilter filter = random.chance(0.5) ? ResizeFilter::Cubic : ResizeFilter::Linear;
    pixels = resize(resize(pixels, width, height, ResizeFilter::Area), pixels.width(), pixels.height(), filter);
  } else if (random.chance(options.blur)) {
    pixels = gaussian_blur(pixels, draw(random, options.blur_deviation));
  } else if (random.chance(options.sharpen)) {
    const Image<float> smooth = gaussian_blur(pixels, 1.0);
    const auto strength = static_cast<float>(draw(random, options.sharpness));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      pixels.data()[i] += strength * (pixels.data()[i] - smooth.data()[i]);
    }
  }
}

void stretch(Image<float>& pixels, double low_share, double high_share) {
  // Every 7th value is enough for a percentile and coprime to the usual widths, so it does not pick columns.
  std::vector<float> sample;
  for (std::size_t i = 0; i < pixels.size(); i += 7) sample.push_back(pixels.data()[i]);
  const auto percentile = [&sample](double share) {
    const auto position = static_cast<std::ptrdiff_t>(share * static_cast<double>(sample.size() - 1));
    std::nth_element(sample.begin(), sample.begin() + position, sample.end());
    return sample[static_cast<std::size_t>(position)];
  };
  const float low = percentile(low_share);
  const float high = percentile(high_share);
  const float gain = 255.0F / std::max(high - low, 25.5F);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = (pixels.data()[i] - low) * gain;
}

void change_tone(Image<float>& pixels, Random& random, const ColourOptions& options) {
  // Gamma through a table: a power per pixel would cost more than all else here.
  constexpr std::size_t kSteps = 1024;
  const double gamma = std::exp(random.uniform(-options.log_gamma, options.log_gamma));
  std::array<float, kSteps + 2> table{};
  for (std::size_t i = 0; i <= kSteps; ++i) {
    table[i] = static_cast<float>(255 * std::pow(static_cast<double>(i) / kSteps, gamma));
  }
  table[kSteps + 1] = table[kSteps];
  double sum = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const float x = std::clamp(pixels.data()[i], 0.0F, 255.0F) * (static_cast<float>(kSteps) / 255.0F);
    const auto k = static_cast<std::size_t>(x);
    const float part = x - static_cast<float>(k);
    pixels.data()[i] = table[k] + part * (table[k + 1] - table[k]);
    sum += static_cast<double>(pixels.data()[i]);
  }
  const double mean = sum / static_cast<double>(pixels.size());
  const double contrast = std::exp(random.uniform(-options.log_contrast, options.log_contrast));
  const double shift = mean - mean * contrast + 255 * random.uniform(-options.brightness, options.brightness);
  for (int64_t b = 0; b < pixels.bands(); ++b) {
    const double gain = std::exp(random.uniform(-options.log_balance, options.log_balance));
    const auto slope = static_cast<float>(contrast * gain);
    const auto offset = static_cast<float>(shift * gain);
    for (float& value : pixels.band(b)) value = value * slope + offset;
  }
}

void clip(Image<float>& pixels) {
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = std::clamp(pixels.data()[i], 0.0F, 255.0F);
}

}  // namespace

void ColourOptions::validate() const {
  const auto chance = [](double value, const char* name) {
    if (!(value >= 0 && value <= 1)) throw UsageError(std::string("the chance '") + name + "' must lie in [0, 1]");
  };
  chance(permute, "permute");
  chance(mix, "mix");
  chance(grey, "grey");
  chance(infrared, "infrared");
  chance(saturate, "saturate");
  chance(coarsen, "coarsen");
  chance(blur, "blur");
  chance(sharpen, "sharpen");
  chance(stretch, "stretch");
  chance(noise, "noise");
  chance(jpeg, "jpeg");
  light.validate();
  if (!(coarseness.first >= 1)) throw UsageError("'coarseness' must be at least 1");
  if (!(stretch_percent >= 0 && stretch_percent < 50)) throw UsageError("'stretch_percent' must lie in [0, 50)");
  if (!(jpeg_quality.first >= 1 && jpeg_quality.second <= 100)) throw UsageError("'jpeg_quality' must lie in [1, 100]");
}

Image<float> augment_colour(Image<float> pixels, Random& random, const ColourOptions& options) {
  change_light(pixels, random, options.light);
  change_bands(pixels, random, options);
  change_sharpness(pixels, random, options);
  if (random.chance(options.stretch)) {
    const double low = random.uniform(0, options.stretch_percent) / 100;
    stretch(pixels, low, 1 - random.uniform(0, options.stretch_percent) / 100);
  }
  change_tone(pixels, random, options);
  if (random.chance(options.noise)) {
    const auto deviation = static_cast<float>(255 * draw(random, options.noise_deviation));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] += deviation * static_cast<float>(random.normal());
  }
  clip(pixels);
  if (random.chance(options.jpeg))
    pixels = jpeg_artefacts(pixels, static_cast<int>(draw(random, options.jpeg_quality)));
  return pixels;
}

}  // namespace plat
