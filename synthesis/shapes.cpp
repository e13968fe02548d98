// SPDX-License-Identifier: Apache-2.0
#include "synthesis/shapes.hpp"

#include "geo/rasterize.hpp"
#include "synthesis/noise.hpp"
#include "synthesis/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace plat {
namespace {

using detail::NoiseTiles;
using detail::Random;
using Colour = std::array<double, 3>;

constexpr std::array<const char*, 5> kKinds = {"ellipse", "triangle", "star", "cross", "blob"};

/// The distance of a kind's outline from its middle in a direction, as a share of its radius.
double reach(const std::string& kind, double angle, const std::array<double, 3>& phases) {
  constexpr double kTurn = 2 * std::numbers::pi;
  // Half the angle of a corner's sector, and how far into it a direction points.
  const auto in_sector = [angle](double corners) {
    const double sector = kTurn / corners;
    return std::abs(std::fmod(angle + kTurn, sector) - sector / 2);
  };
  if (kind == "triangle") return 0.5 / std::cos(in_sector(3));
  if (kind == "star") {
    const double t = in_sector(5) / (kTurn / 10);  // 1 at a tip, 0 between two
    return 1 / (t / 1.0 + (1 - t) / 0.45);
  }
  if (kind == "cross") {
    const double a = std::numbers::pi / 4 - in_sector(4);  // 0 along an arm
    return std::min(0.94 / std::cos(a), 0.34 / std::max(std::sin(a), 1e-9));
  }
  if (kind == "blob") {
    return 0.72 + 0.12 * std::sin(2 * angle + phases[0]) + 0.1 * std::sin(3 * angle + phases[1]) +
           0.06 * std::sin(5 * angle + phases[2]);
  }
  return 1;
}

Polygon outline(const std::string& kind, const Point& middle, double radius, Random& random) {
  constexpr int kVertices = 120;  // corners of all kinds fall on one of them
  const double turn = random.uniform(0, 2 * std::numbers::pi);
  const double flat = kind == "ellipse" ? random.uniform(0.45, 1) : random.uniform(0.75, 1);
  std::array<double, 3> phases{};
  for (double& phase : phases) phase = random.uniform(0, 2 * std::numbers::pi);
  Polygon polygon;
  for (int i = 0; i < kVertices; ++i) {
    const double angle = 2 * std::numbers::pi * i / kVertices;
    const double distance = radius * reach(kind, angle, phases);
    const double x = distance * std::cos(angle), y = flat * distance * std::sin(angle);
    polygon.exterior.push_back(
        {middle.x + x * std::cos(turn) - y * std::sin(turn), middle.y + x * std::sin(turn) + y * std::cos(turn)});
  }
  return polygon;
}

Colour colour_beside(const Colour& ground, Random& random) {
  constexpr double kLeastContrast = 60;
  Colour colour{};
  double contrast = 0;
  while (contrast < kLeastContrast) {
    contrast = 0;
    for (std::size_t b = 0; b < colour.size(); ++b) {
      colour[b] = random.uniform(20, 235);
      contrast = std::max(contrast, std::abs(colour[b] - ground[b]));
    }
  }
  return colour;
}

/// Fills a shape, with stripes where it has some.
void paint(DrawnShapes& drawn, const Polygon& shape, const Colour& colour, Random& random) {
  const MultiPolygon one = {shape};
  const Image<uint8_t> mask = rasterize_mask(std::span(&one, 1), drawn.pixels.width(), drawn.pixels.height());
  const double stripes = random.chance(0.3) ? random.uniform(5, 14) : 0;
  const double direction = random.uniform(0, std::numbers::pi), period = random.uniform(4, 9);
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (mask.at(col, row) == 0) continue;
      const double along =
          static_cast<double>(col) * std::cos(direction) + static_cast<double>(row) * std::sin(direction);
      const double light = stripes * std::sin(2 * std::numbers::pi * along / period);
      for (std::size_t b = 0; b < colour.size(); ++b)
        drawn.pixels.at(col, row, static_cast<int64_t>(b)) = static_cast<float>(colour[b] + light);
    }
  }
}

/// What a camera adds: softened edges and grain.
void expose(Image<float>& pixels, uint64_t seed) {
  const NoiseTiles& noise = NoiseTiles::get();
  const Image<float> sharp = pixels;
  const auto shift = static_cast<int64_t>(seed % 977);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t row = 0; row < pixels.height(); ++row) {
      for (int64_t col = 0; col < pixels.width(); ++col) {
        const auto at = [&](int64_t c, int64_t r) {
          return sharp.at(std::clamp<int64_t>(c, 0, sharp.width() - 1), std::clamp<int64_t>(r, 0, sharp.height() - 1),
                          b);
        };
        const float soft =
            0.5F * at(col, row) + 0.125F * (at(col - 1, row) + at(col + 1, row) + at(col, row - 1) + at(col, row + 1));
        const float seen = soft + 5 * noise.grain(col + shift, row + 131 * b);
        pixels.at(col, row, b) = std::round(std::clamp(seen, 0.0F, 255.0F));
      }
    }
  }
}

}  // namespace

DrawnShapes draw_shapes(int64_t width, int64_t height, uint64_t seed) {
  constexpr int kTries = 60;
  constexpr std::size_t kMost = 12;
  constexpr double kGap = 2;  // pixels between shapes
  Random random(seed);
  DrawnShapes drawn;
  drawn.pixels = Image<float>(width, height, 3);
  Colour ground{};
  for (double& value : ground) value = random.uniform(40, 210);
  const NoiseTiles& noise = NoiseTiles::get();
  const double cloud = random.uniform(4, 16), zoom = random.uniform(0.3, 1.2), from = random.uniform(0, 256);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const double value = cloud * static_cast<double>(noise.cloud(static_cast<double>(col) * zoom + from,
                                                                   static_cast<double>(row) * zoom));
      for (std::size_t b = 0; b < ground.size(); ++b)
        drawn.pixels.at(col, row, static_cast<int64_t>(b)) = static_cast<float>(ground[b] + value);
    }
  }
  struct Disc {
    Point middle;
    double radius;
  };
  std::vector<Disc> taken;
  const auto side = static_cast<double>(std::min(width, height));
  for (int i = 0; i < kTries && taken.size() < kMost; ++i) {
    const double radius = std::max(5.0, random.uniform(side / 24, side / 6));
    if (2 * radius + 2 >= side) break;
    const double x = random.uniform(radius + 1, static_cast<double>(width) - radius - 1);
    const double y = random.uniform(radius + 1, static_cast<double>(height) - radius - 1);
    const std::string kind = random.pick(kKinds);
    const bool free = std::all_of(taken.begin(), taken.end(), [&](const Disc& other) {
      return std::hypot(x - other.middle.x, y - other.middle.y) > radius + other.radius + kGap;
    });
    if (!free) continue;
    taken.push_back({{x, y}, radius});
    drawn.shapes.push_back({kind, outline(kind, {x, y}, radius, random)});
    paint(drawn, drawn.shapes.back().outline, colour_beside(ground, random), random);
  }
  expose(drawn.pixels, seed);
  return drawn;
}

}  // namespace plat
