// SPDX-License-Identifier: Apache-2.0
#include "synthesis/light.hpp"

#include "core/cancel.hpp"
#include "synthesis/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace plat::detail {
namespace {

constexpr double kPi = std::numbers::pi;

/// The height below which each sample lies in shadow. Walks away from the sun: the shadow's edge at a place is the
/// higher of surface and shadow one step towards the sun, lowered by the sun's slope.
std::vector<float> shadow_heights(const Canvas& canvas, const Point& reach_per_metre) {
  const int64_t w = canvas.width;
  const int64_t h = canvas.height;
  std::vector<float> shadow(static_cast<std::size_t>(w * h), -1.0F);
  const double reach = length(reach_per_metre);
  if (reach < 1e-9) return shadow;
  const double dx = reach_per_metre.x / reach;
  const double dy = reach_per_metre.y / reach;
  const bool by_column = std::abs(dx) >= std::abs(dy);
  const double major = by_column ? std::abs(dx) : std::abs(dy);
  const auto drop = static_cast<float>(canvas.sample_m / major / reach);
  const auto side = static_cast<float>((by_column ? std::abs(dy) : std::abs(dx)) / major);
  const int64_t sx = dx > 0 ? 1 : -1;
  const int64_t sy = dy > 0 ? 1 : -1;
  for (int64_t i = 0; i < h; ++i) {
    const int64_t row = sy > 0 ? h - 1 - i : i;
    for (int64_t j = 0; j < w; ++j) {
      const int64_t col = sx > 0 ? w - 1 - j : j;
      // The two neighbours towards the sun, straight along the major axis and diagonal.
      const int64_t straight_col = by_column ? col + sx : col;
      const int64_t straight_row = by_column ? row : row + sy;
      const int64_t diagonal_col = col + sx;
      const int64_t diagonal_row = row + sy;
      const auto top = [&](int64_t c, int64_t r) {
        if (c < 0 || r < 0 || c >= w || r >= h) return 0.0F;
        const auto k = static_cast<std::size_t>(r * w + c);
        return std::max(canvas.texels[k].height, shadow[k]);
      };
      const float a = top(straight_col, straight_row);
      const float b = top(diagonal_col, diagonal_row);
      shadow[static_cast<std::size_t>(row * w + col)] = a + (b - a) * side - drop;
    }
  }
  return shadow;
}

/// How much of the sky each place sees, on a grid of cells: less where the surroundings are higher.
struct Openness {
  static constexpr int64_t kCell = 8;
  int64_t cols;
  int64_t rows;
  std::vector<float> mean;

  explicit Openness(const Canvas& canvas)
      : cols((canvas.width + kCell - 1) / kCell),
        rows((canvas.height + kCell - 1) / kCell),
        mean(static_cast<std::size_t>(cols * rows), 0.0F) {
    for (int64_t r = 0; r < canvas.height; ++r) {
      for (int64_t c = 0; c < canvas.width; ++c) {
        mean[static_cast<std::size_t>(r / kCell * cols + c / kCell)] +=
            canvas.texels[static_cast<std::size_t>(r * canvas.width + c)].height / static_cast<float>(kCell * kCell);
      }
    }
    // A cell sees its neighbours two cells around.
    const std::vector<float> raw = mean;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) {
        float sum = 0;
        float count = 0;
        for (int64_t rr = std::max<int64_t>(0, r - 2); rr <= std::min(rows - 1, r + 2); ++rr) {
          for (int64_t cc = std::max<int64_t>(0, c - 2); cc <= std::min(cols - 1, c + 2); ++cc) {
            sum += raw[static_cast<std::size_t>(rr * cols + cc)];
            ++count;
          }
        }
        mean[static_cast<std::size_t>(r * cols + c)] = sum / count;
      }
    }
  }
  float surroundings(int64_t col, int64_t row) const {
    const float x = std::max(0.0F, (static_cast<float>(col) + 0.5F) / kCell - 0.5F);
    const float y = std::max(0.0F, (static_cast<float>(row) + 0.5F) / kCell - 0.5F);
    const int64_t c0 = std::min(cols - 1, static_cast<int64_t>(x));
    const int64_t r0 = std::min(rows - 1, static_cast<int64_t>(y));
    const int64_t c1 = std::min(cols - 1, c0 + 1);
    const int64_t r1 = std::min(rows - 1, r0 + 1);
    const float tx = x - static_cast<float>(c0);
    const float ty = y - static_cast<float>(r0);
    const auto at = [&](int64_t c, int64_t r) { return mean[static_cast<std::size_t>(r * cols + c)]; };
    return (at(c0, r0) * (1 - tx) + at(c1, r0) * tx) * (1 - ty) + (at(c0, r1) * (1 - tx) + at(c1, r1) * tx) * ty;
  }
};

/// How much of a pixel along one axis a sample is.
struct Share {
  int64_t sample;
  int64_t pixel;
  float weight;
};

/// The samples of each pixel along one axis, pixel after pixel.
std::vector<Share> shares(int64_t pixels, double origin, int64_t samples) {
  std::vector<Share> out;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const double begin = (origin + static_cast<double>(pixel)) * kSamples;
    const double end = begin + kSamples;
    for (auto sample = static_cast<int64_t>(std::floor(begin)); static_cast<double>(sample) < end; ++sample) {
      const auto at = static_cast<double>(sample);
      const double part = (std::min(at + 1, end) - std::max(at, begin)) / kSamples;
      out.push_back({std::clamp<int64_t>(sample, 0, samples - 1), pixel, static_cast<float>(part)});
    }
  }
  return out;
}

}  // namespace

Image<float> expose(const Canvas& canvas, const SceneStyle& style, const View& view) {
  const double elevation = style.sun_elevation_deg * kPi / 180;
  const double azimuth = style.sun_azimuth_deg * kPi / 180;
  const Point to_sun{std::sin(azimuth), -std::cos(azimuth)};
  // Seen obliquely, a shadow also shifts by the lean of what throws it.
  const std::vector<float> shadow = shadow_heights(canvas, to_sun * (1 / std::tan(elevation)) + canvas.lean);
  const Openness openness(canvas);
  const auto sx = static_cast<float>(to_sun.x * std::cos(elevation));
  const auto sy = static_cast<float>(to_sun.y * std::cos(elevation));
  const auto sz = static_cast<float>(std::sin(elevation));
  // Sun and sky add up to 1 on open flat ground, whatever the weather; the sky's share is bluer.
  const auto sun = static_cast<float>(0.78 * style.sun_strength);
  const float sky = 1 - sun;
  const Color sun_color{1.02F, 1.0F, 0.97F};
  const Color sky_color{0.93F, 1.0F, 1.11F};

  Image<float> out(view.width, view.height, 3);
  const std::vector<Share> across = shares(view.width, view.origin.x, canvas.width);
  for (const Share& down : shares(view.height, view.origin.y, canvas.height)) {
    throw_if_cancelled();
    const auto r = out.row(down.pixel, 0);
    const auto g = out.row(down.pixel, 1);
    const auto b = out.row(down.pixel, 2);
    const int64_t row = down.sample;
    for (const Share& along : across) {
      const int64_t col = along.sample;
      const auto i = static_cast<std::size_t>(row * canvas.width + col);
      const Texel& texel = canvas.texels[i];
      const float norm = 1 / std::sqrt(1 + texel.slope_x * texel.slope_x + texel.slope_y * texel.slope_y);
      const float facing = std::max(0.0F, (sz - texel.slope_x * sx - texel.slope_y * sy) * norm / sz);
      // Half a metre of transition stands for the sun's disc and the blur of thin edges.
      const float lit = std::clamp(1 - (shadow[i] - texel.height - 0.05F) / 0.4F, 0.0F, 1.0F);
      const float open = 1 / (1 + 0.13F * std::max(0.0F, openness.surroundings(col, row) - texel.height));
      const float direct = sun * lit * std::min(facing, 1.6F);
      const float diffuse = sky * open * (0.5F + 0.5F * norm);
      const auto pixel = static_cast<std::size_t>(along.pixel);
      const float share = down.weight * along.weight;
      // Colours are given as seen; light adds up in squared values, which is near enough to a display's curve.
      r[pixel] += share * texel.color.r * texel.color.r * (direct * sun_color.r + diffuse * sky_color.r);
      g[pixel] += share * texel.color.g * texel.color.g * (direct * sun_color.g + diffuse * sky_color.g);
      b[pixel] += share * texel.color.b * texel.color.b * (direct * sun_color.b + diffuse * sky_color.b);
    }
  }
  return out;
}

}  // namespace plat::detail
