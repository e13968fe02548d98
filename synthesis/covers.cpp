// SPDX-License-Identifier: Apache-2.0
#include "synthesis/covers.hpp"

#include <algorithm>
#include <array>

namespace plat::detail {
namespace {

Cover tile_cover(Random& random) {
  static constexpr std::array<Color, 6> kTiles{{{0.68F, 0.40F, 0.30F},
                                                {0.60F, 0.36F, 0.28F},
                                                {0.74F, 0.50F, 0.38F},
                                                {0.48F, 0.34F, 0.29F},
                                                {0.40F, 0.37F, 0.36F},
                                                {0.64F, 0.46F, 0.37F}}};
  return {RoofMaterial::Tile, varied(random.pick(kTiles), random, 0.1)};
}

Cover shingle_cover(Random& random) {
  static constexpr std::array<Color, 7> kShingles{{{0.44F, 0.43F, 0.42F},
                                                   {0.52F, 0.49F, 0.46F},
                                                   {0.36F, 0.36F, 0.38F},
                                                   {0.55F, 0.48F, 0.41F},
                                                   {0.43F, 0.37F, 0.33F},
                                                   {0.62F, 0.60F, 0.58F},
                                                   {0.38F, 0.41F, 0.42F}}};
  return {RoofMaterial::Shingle, varied(random.pick(kShingles), random, 0.1)};
}

}  // namespace

Color varied(const Color& c, Random& random, double amount) {
  const auto brightness = static_cast<float>(1 + random.normal(0, amount));
  const auto tint = [&] { return static_cast<float>(1 + random.normal(0, amount / 6)); };
  return {std::clamp(c.r * brightness * tint(), 0.03F, 1.0F), std::clamp(c.g * brightness * tint(), 0.03F, 1.0F),
          std::clamp(c.b * brightness * tint(), 0.03F, 1.0F)};
}

Cover metal_cover(Random& random) {
  static constexpr std::array<Color, 10> kPaint{{{0.25F, 0.47F, 0.68F},
                                                 {0.22F, 0.42F, 0.62F},
                                                 {0.33F, 0.55F, 0.72F},
                                                 {0.66F, 0.27F, 0.24F},
                                                 {0.58F, 0.31F, 0.27F},
                                                 {0.30F, 0.47F, 0.38F},
                                                 {0.74F, 0.76F, 0.78F},
                                                 {0.64F, 0.65F, 0.66F},
                                                 {0.55F, 0.42F, 0.35F},
                                                 {0.60F, 0.57F, 0.53F}}};
  return {RoofMaterial::Metal, varied(random.pick(kPaint), random, 0.1)};
}

Cover concrete_cover(Random& random) {
  static constexpr std::array<Color, 6> kConcrete{{{0.70F, 0.66F, 0.60F},
                                                   {0.62F, 0.58F, 0.52F},
                                                   {0.56F, 0.54F, 0.51F},
                                                   {0.76F, 0.72F, 0.66F},
                                                   {0.66F, 0.56F, 0.48F},
                                                   {0.52F, 0.52F, 0.52F}}};
  return {RoofMaterial::Concrete, varied(random.pick(kConcrete), random, 0.09)};
}

Cover pitched_cover(Region region, Random& random) {
  switch (region) {
    case Region::Suburb: return random.chance(0.7) ? shingle_cover(random) : tile_cover(random);
    case Region::EuropeanTown: return random.chance(0.85) ? tile_cover(random) : shingle_cover(random);
    case Region::Village:
      if (random.chance(0.25)) return {RoofMaterial::Thatch, varied({0.52F, 0.45F, 0.35F}, random, 0.1)};
      return metal_cover(random);
    case Region::DenseTown: return random.chance(0.75) ? metal_cover(random) : tile_cover(random);
    case Region::DryTown: return random.chance(0.6) ? metal_cover(random) : tile_cover(random);
  }
  return metal_cover(random);
}

}  // namespace plat::detail
