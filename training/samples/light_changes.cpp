// SPDX-License-Identifier: Apache-2.0
#include "training/samples/light_changes.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>

namespace plat {
namespace {

/// Calls `change(distance, pixel's red, green and blue)`: the distance of the pixel from the image's middle in a random direction,
/// in pixels.
template <typename Change>
void along_direction(Image<float>& pixels, Random& random, Change change) {
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const double across = std::cos(angle), down = std::sin(angle);
  const auto red = pixels.band(0), green = pixels.band(1), blue = pixels.band(2);
  std::size_t i = 0;
  for (int64_t row = 0; row < pixels.height(); ++row) {
    for (int64_t col = 0; col < pixels.width(); ++col, ++i) {
      const double x = static_cast<double>(col) + 0.5 - static_cast<double>(pixels.width()) / 2;
      const double y = static_cast<double>(row) + 0.5 - static_cast<double>(pixels.height()) / 2;
      change(static_cast<float>(x * across + y * down), std::array<float*, 3>{&red[i], &green[i], &blue[i]});
    }
  }
}

/// Half of the image's diagonal, in pixels: no pixel lies farther from its middle.
float reach(const Image<float>& pixels) {
  return static_cast<float>(std::hypot(static_cast<double>(pixels.width()), static_cast<double>(pixels.height())) / 2);
}

float draw(Random& random, const std::pair<double, double>& range) {
  return static_cast<float>(random.uniform(range.first, range.second));
}

void add_haze(Image<float>& pixels, Random& random, const LightOptions& options) {
  const float cover = draw(random, options.haze_cover);
  const float lean = draw(random, {0, 1});  // how much thinner the veil gets towards one side
  const float bright = draw(random, {190, 240});
  // Air scatters blue most.
  const std::array<float, 3> veil = {bright - draw(random, {4, 22}), bright - draw(random, {0, 8}), bright};
  along_direction(pixels, random, [&, far = reach(pixels)](float distance, const std::array<float*, 3>& pixel) {
    const float here = cover * (1 - lean * 0.5F * (1 - distance / far));
    for (std::size_t b = 0; b < 3; ++b) *pixel[b] += here * (veil[b] - *pixel[b]);
  });
}

void lean_sun(Image<float>& pixels, Random& random, const LightOptions& options) {
  const auto slope = static_cast<float>(random.uniform(-options.log_sun, options.log_sun)) / reach(pixels);
  along_direction(pixels, random, [slope](float distance, const std::array<float*, 3>& pixel) {
    const float gain = std::exp(slope * distance);
    for (float* value : pixel) *value *= gain;
  });
}

void cast_shadow(Image<float>& pixels, Random& random, const LightOptions& options) {
  constexpr float kSkylight = 0.85F;  // the sky still lights a shadow, with blue
  const auto side = static_cast<float>(std::min(pixels.width(), pixels.height()));
  const float depth = draw(random, options.shadow_depth);
  const float edge = draw(random, options.shadow_edge);
  const float start = side * draw(random, {-0.35, 0.35});
  const bool band = random.chance(0.5);
  const float width = side * draw(random, {0.15, 0.5});
  const float end = band ? start + width : std::numeric_limits<float>::infinity();
  along_direction(pixels, random, [&](float distance, const std::array<float*, 3>& pixel) {
    const float inside = std::clamp(std::min(distance - start, end - distance) / edge + 0.5F, 0.0F, 1.0F);
    const float dark = depth * inside * inside * (3 - 2 * inside);
    *pixel[0] *= 1 - dark;
    *pixel[1] *= 1 - dark;
    *pixel[2] *= 1 - kSkylight * dark;
  });
}

}  // namespace

void LightOptions::validate() const {
  const auto shares = [](const std::pair<double, double>& range, const char* name) {
    if (!(range.first >= 0 && range.first <= range.second && range.second <= 1))
      throw UsageError(std::string("'") + name + "' must be two rising numbers in [0, 1]");
  };
  for (const auto& [value, name] : {std::pair{haze, "haze"}, {sun, "sun"}, {shadow, "shadow"}}) {
    if (!(value >= 0 && value <= 1)) throw UsageError(std::string("the chance '") + name + "' must lie in [0, 1]");
  }
  shares(haze_cover, "haze_cover");
  shares(shadow_depth, "shadow_depth");
  if (!(log_sun >= 0 && log_sun <= 5)) throw UsageError("'log_sun' must lie in [0, 5]");
  if (!(shadow_edge.first > 0 && shadow_edge.first <= shadow_edge.second))
    throw UsageError("'shadow_edge' must be two rising numbers above 0");
}

void change_light(Image<float>& pixels, Random& random, const LightOptions& options) {
  if (random.chance(options.sun)) lean_sun(pixels, random, options);
  if (random.chance(options.shadow)) cast_shadow(pixels, random, options);
  // The veil lies above all else.
  if (random.chance(options.haze)) add_haze(pixels, random, options);
}

}  // namespace plat
