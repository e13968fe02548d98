// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plat::detail {

/// Colour as seen in full light, 0..1 for each channel.
struct Color {
  float r = 0;
  float g = 0;
  float b = 0;
};

inline Color operator*(const Color& c, float f) { return {c.r * f, c.g * f, c.b * f}; }
inline Color blend(const Color& a, const Color& b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

/// The surface seen in one sample of the canvas.
struct Texel {
  Color color;
  float height = 0;   ///< metres above the ground
  float slope_x = 0;  ///< rise of the surface to the right and
  float slope_y = 0;  ///< downward in the image
};

inline Point operator+(const Point& a, const Point& b) { return {a.x + b.x, a.y + b.y}; }
inline Point operator-(const Point& a, const Point& b) { return {a.x - b.x, a.y - b.y}; }
inline Point operator*(const Point& a, double f) { return {a.x * f, a.y * f}; }
inline double dot(const Point& a, const Point& b) { return a.x * b.x + a.y * b.y; }
inline double length(const Point& a) { return std::hypot(a.x, a.y); }

/// Samples along a pixel's side: edges need some, and fine pixels show detail that is painted in samples.
constexpr int64_t kSamples = 2;

/// The world as a field of surfaces, sampled more finely than the image; positions are metres from the image's top-left
/// corner, x to the right and y downward. Painting puts colour, height and slope; light comes later.
struct Canvas {
  Canvas(int64_t w, int64_t h, double sample_size_m)
      : width(w),
        height(h),
        sample_m(sample_size_m),
        texels(static_cast<std::size_t>(w * h)),
        occupied(static_cast<std::size_t>(w * h), kFree) {}

  Texel& at(int64_t col, int64_t row) { return texels[static_cast<std::size_t>(row * width + col)]; }
  double width_m() const { return static_cast<double>(width) * sample_m; }
  double height_m() const { return static_cast<double>(height) * sample_m; }
  bool inside(const Point& p, double margin_m = 0) const {
    return p.x > -margin_m && p.y > -margin_m && p.x < width_m() + margin_m && p.y < height_m() + margin_m;
  }
  /// Whether a building or water takes a position (false outside).
  bool occupied_at(const Point& p) const {
    const auto col = static_cast<int64_t>(std::floor(p.x / sample_m));
    const auto row = static_cast<int64_t>(std::floor(p.y / sample_m));
    return col >= 0 && row >= 0 && col < width && row < height &&
           occupied[static_cast<std::size_t>(row * width + col)] != kFree;
  }

  int64_t width;
  int64_t height;
  double sample_m;
  Point lean;  ///< displacement in the image for each metre of height
  std::vector<Texel> texels;
  static constexpr int32_t kFree = 0;
  static constexpr int32_t kWater = -1;
  std::vector<int32_t> occupied;  ///< kFree where things may stand, kWater, else the number of the building there
  int32_t buildings = 0;          ///< painted so far
};

/// Calls paint(index, x, y) for each sample whose centre lies in a ring (even-odd), row by row; rings that share an
/// edge share no sample.
template <typename Paint>
void fill(const Canvas& canvas, std::span<const Point> ring, Paint&& paint) {
  if (ring.size() < 3) return;
  double low = ring[0].y;
  double high = ring[0].y;
  for (const Point& p : ring) {
    low = std::min(low, p.y);
    high = std::max(high, p.y);
  }
  const double size = canvas.sample_m;
  const auto limit = [](double value, int64_t count) {
    return static_cast<int64_t>(std::clamp(std::ceil(value), 0.0, static_cast<double>(count)));
  };
  const int64_t first = limit(low / size - 0.5, canvas.height);
  const int64_t last = limit(high / size - 0.5, canvas.height);
  std::vector<double> crossings;
  for (int64_t row = first; row < last; ++row) {
    const double y = (static_cast<double>(row) + 0.5) * size;
    crossings.clear();
    for (std::size_t i = 0; i < ring.size(); ++i) {
      // Edges are walked from their upper end, so that neighbours compute the same crossing to the last bit.
      const Point& a = ring[i];
      const Point& b = ring[(i + 1) % ring.size()];
      const bool down = a.y < b.y;
      const Point& top = down ? a : b;
      const Point& bottom = down ? b : a;
      if (top.y <= y && y < bottom.y) {
        crossings.push_back(top.x + (y - top.y) * (bottom.x - top.x) / (bottom.y - top.y));
      }
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const int64_t begin = limit(crossings[i] / size - 0.5, canvas.width);
      const int64_t end = limit(crossings[i + 1] / size - 0.5, canvas.width);
      for (int64_t col = begin; col < end; ++col) {
        paint(static_cast<std::size_t>(row * canvas.width + col), (static_cast<double>(col) + 0.5) * size, y);
      }
    }
  }
}

/// A position with two unit axes, right-angled: where a house stands and which way it looks.
struct Frame {
  Point origin;
  Point u{1, 0};
  Point v{0, 1};

  Point operator()(double a, double b) const { return origin + u * a + v * b; }
  Point local(const Point& p) const { return {dot(p - origin, u), dot(p - origin, v)}; }
  static Frame facing(const Point& origin, double angle) {
    const Point u{std::cos(angle), std::sin(angle)};
    return {origin, u, {-u.y, u.x}};
  }
  /// The rectangle [a0, a1] x [b0, b1] of local coordinates.
  Ring rectangle(double a0, double b0, double a1, double b1) const {
    return {(*this)(a0, b0), (*this)(a1, b0), (*this)(a1, b1), (*this)(a0, b1)};
  }
};

}  // namespace plat::detail
