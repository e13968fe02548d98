// SPDX-License-Identifier: Apache-2.0
#include "synthesis/pair.hpp"

#include "core/error.hpp"
#include "geo/jpeg.hpp"
#include "geo/overlay.hpp"
#include "synthesis/fates.hpp"
#include "synthesis/light.hpp"
#include "synthesis/paint.hpp"
#include "synthesis/plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

namespace plat {
namespace {

using namespace detail;

/// The largest shift, and what is drawn around the image: a shifted one is full, and its neighbours' shadows fall into it.
constexpr int64_t kMostShift = 12;
constexpr int64_t kMargin = kMostShift + 4;

Polygon outline_of(const Canvas& canvas, const Building& building) {
  Polygon out;
  const double pixel_m = canvas.sample_m * kSamples;
  for (const Point& p : leaned(canvas, building.footprint, building.eave)) {
    out.exterior.push_back(p * (1 / pixel_m) - Point{kMargin, kMargin});
  }
  return out;
}

/// Plants that have withered: as bright as before in green, their red and blue on the way to straw's.
void dry(Color& color, double dryness) {
  const float greenness = std::clamp((color.g - std::max(color.r, color.b)) / 0.05F, 0.0F, 1.0F);
  const Color straw = Color{0.62F, 0.54F, 0.36F} * (color.g / 0.54F);
  color = blend(color, straw, greenness * static_cast<float>(dryness));
}

/// Keeps what is there at a date: of the share that moves, one half leaves after the first date, the other comes.
template <typename Thing>
void keep_present(std::vector<Thing>& things, bool after, double moved, uint64_t seed) {
  Random random(seed);
  std::erase_if(things, [&](const Thing&) {
    const double draw = random.uniform();
    return draw < moved && (draw < moved / 2) == after;
  });
}

GroundPatch vacant_ground(const Ring& footprint, bool after, double green, uint64_t seed) {
  static constexpr std::array<GroundKind, 5> kUnbuilt{GroundKind::Grass, GroundKind::DryGrass, GroundKind::Scrub,
                                                      GroundKind::Soil, GroundKind::Vegetables};
  static constexpr std::array<GroundKind, 4> kCleared{GroundKind::Soil, GroundKind::Gravel, GroundKind::Soil,
                                                      GroundKind::Grass};
  Random random(seed);
  const GroundKind kind = after ? random.pick(kCleared) : random.pick(kUnbuilt);
  return {inset(footprint, -0.6), make_ground(kind, green, random)};
}

/// The town as it stands at a date.
Plan plan_at(bool after, Plan town, const std::vector<House>& houses, uint64_t seed, const SceneStyle& style,
             const PairOptions& options) {
  town.buildings.clear();
  std::vector<Ring> cleared;
  for (std::size_t i = 0; i < houses.size(); ++i) {
    const House& house = houses[i];
    const Building* standing = house.at(after);
    if (standing != &house.whole) {
      town.grounds.push_back(
          vacant_ground(house.whole.footprint, after, style.green, seed_of(seed, Purpose::Vacant, i)));
      if (after) cleared.push_back(house.whole.footprint);
    }
    if (standing == nullptr) continue;
    Building& building = town.buildings.emplace_back(*standing);
    if (!after) continue;
    Random random(seed_of(seed, Purpose::Tone, i));
    const auto tone = static_cast<float>(std::clamp(1 + random.normal(0, options.roof_tone), 0.5, 1.5));
    for (RoofPart& part : building.parts) part.color = part.color * tone;
  }
  keep_present(town.cars, after, options.moved_cars, seed_of(seed, Purpose::Cars));
  keep_present(town.trees, after, options.moved_trees, seed_of(seed, Purpose::Trees));
  if (!after) return town;
  // No tree grows up between the dates where a house has stood.
  std::erase_if(town.trees, [&](const Tree& tree) {
    return std::any_of(cleared.begin(), cleared.end(), [&](const Ring& ring) {
      return contains(Polygon{ring, {}}, tree.position);
    });
  });
  for (auto* patches : {&town.grounds, &town.walls}) {
    for (GroundPatch& patch : *patches) {
      if (patch.water) continue;
      dry(patch.ground.base, options.dryness);
      dry(patch.ground.other, options.dryness);
    }
  }
  for (Tree& tree : town.trees) dry(tree.color, 0.7 * options.dryness);  // leaves wither less than lawns
  return town;
}

Image<uint8_t> to_bytes(const Image<float>& image) {
  Image<uint8_t> out(image.width(), image.height(), image.bands());
  for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<uint8_t>(image.data()[i]);
  return out;
}

/// Shows an image in the colours of another sensor.
void change_sensor(Image<uint8_t>& image, const PairOptions& options) {
  for (std::size_t b = 0; b < 3; ++b) {
    std::array<uint8_t, 256> curve{};
    for (std::size_t v = 0; v < curve.size(); ++v) {
      const double linear = std::clamp(options.gain[b] * static_cast<double>(v) + options.offset[b], 0.0, 255.0);
      curve[v] = static_cast<uint8_t>(std::lround(255 * std::pow(linear / 255, options.gamma)));
    }
    for (uint8_t& value : image.band(static_cast<int64_t>(b))) value = curve[value];
  }
}

DrawnChange change_of(const PairedBuilding& building) {
  if (building.before.empty()) return DrawnChange::Appeared;
  if (building.after.empty()) return DrawnChange::Vanished;
  if (building.area_after_m2 > building.area_before_m2) return DrawnChange::Grown;
  return building.area_after_m2 < building.area_before_m2 ? DrawnChange::Shrunk : DrawnChange::Unchanged;
}

}  // namespace

void PairOptions::validate() const {
  const auto need = [](bool good, const char* what) {
    if (!good) throw UsageError(std::string("a pair's ") + what);
  };
  const auto share = [](double value) { return value >= 0 && value <= 1; };
  need(share(appear) && share(vanish) && share(grow) && share(shrink) && appear + vanish + grow + shrink <= 1 + 1e-9,
       "appear, vanish, grow and shrink must lie between 0 and 1, as must their sum");
  need(share(dryness), "dryness must lie between 0 and 1");
  need(share(moved_cars), "moved_cars must lie between 0 and 1");
  need(share(moved_trees), "moved_trees must lie between 0 and 1");
  need(roof_tone >= 0 && roof_tone <= 0.3, "roof_tone must lie between 0 and 0.3");
  for (std::size_t b = 0; b < 3; ++b) {
    need(gain[b] >= 0.2 && gain[b] <= 5, "gain must lie between 0.2 and 5");
    need(std::abs(offset[b]) <= 128, "offset must lie between -128 and 128");
  }
  need(gamma >= 0.2 && gamma <= 5, "gamma must lie between 0.2 and 5");
  need(jpeg_quality >= 0 && jpeg_quality <= 100, "jpeg_quality must lie between 0 and 100");
  need(std::abs(shift_px.x) <= kMostShift && std::abs(shift_px.y) <= kMostShift,
       "shift must lie between -12 and 12 pixels, to the right and down");
}

std::string name_of(DrawnChange change) {
  switch (change) {
    case DrawnChange::Appeared: return "appeared";
    case DrawnChange::Vanished: return "vanished";
    case DrawnChange::Grown: return "grown";
    case DrawnChange::Shrunk: return "shrunk";
    case DrawnChange::Unchanged: break;
  }
  return "unchanged";
}

DrawnPair draw_pair(int64_t width, int64_t height, uint64_t seed, const SceneStyle& style, const PairOptions& options) {
  options.validate();
  if (width < 1 || height < 1) throw UsageError("a drawn pair has 1 pixel a side at least");
  SceneStyle after_style = style;
  after_style.sun_azimuth_deg = options.sun_azimuth_deg;
  after_style.sun_elevation_deg = options.sun_elevation_deg;
  after_style.noise = options.noise;
  after_style.validate();

  const auto blank = [&] { return make_canvas(width + 2 * kMargin, height + 2 * kMargin, style); };
  std::vector<House> houses;
  const double pixel_m2 = style.gsd_m * style.gsd_m;
  Plan town;
  {
    // Who stands in another's way is decided once, with all houses there, so that no house depends on another's fate.
    Canvas canvas = blank();
    town = make_plan(style, canvas.width_m(), canvas.height_m(), seed);
    Plan solid;
    std::copy_if(town.grounds.begin(), town.grounds.end(), std::back_inserter(solid.grounds),
                 [](const GroundPatch& patch) { return patch.water; });
    solid.buildings = town.buildings;
    for (const std::size_t i : paint_plan(canvas, solid)) {
      const Polygon outline = outline_of(canvas, town.buildings[i]);
      const MultiPolygon visible = visible_part(outline, width, height);
      const bool inside = area(visible) > area(outline) * (1 - 1e-9);
      houses.push_back({town.buildings[i], {}, DrawnChange::Unchanged, !visible.empty(), inside});
    }
  }
  // An extension smaller than that is no change that one would map, or none that one sees.
  decide_fates(houses, std::max(8.0, 16 * pixel_m2), seed, options);

  DrawnPair pair;
  pair.gsd_m = style.gsd_m;
  pair.buildings.resize(houses.size());
  for (const bool after : {false, true}) {
    const Plan plan = plan_at(after, town, houses, seed, style, options);
    std::vector<std::size_t> there;
    for (std::size_t i = 0; i < houses.size(); ++i) {
      if (houses[i].at(after) != nullptr) there.push_back(i);
    }
    Canvas canvas = blank();
    for (const std::size_t n : paint_plan(canvas, plan)) {
      PairedBuilding& building = pair.buildings[there[n]];
      (after ? building.after : building.before) = visible_part(outline_of(canvas, plan.buildings[n]), width, height);
    }
    // What is displaced to the right is seen from further left.
    const Point shift = after ? options.shift_px : Point{};
    const SceneStyle& seen = after ? after_style : style;
    Image<float> light = expose(canvas, seen, {width, height, Point{kMargin, kMargin} - shift});
    develop(light, seen, seed_of(seed, Purpose::Noise, after ? 1 : 0));
    (after ? pair.after : pair.before) = to_bytes(light);
  }
  change_sensor(pair.after, options);
  if (options.jpeg_quality > 0) {
    for (auto* image : {&pair.before, &pair.after}) *image = through_jpeg(*image, options.jpeg_quality);
  }

  std::erase_if(pair.buildings, [](const PairedBuilding& b) { return b.before.empty() && b.after.empty(); });
  int64_t id = 0;
  for (PairedBuilding& building : pair.buildings) {
    building.id = ++id;
    building.area_before_m2 = area(building.before) * pixel_m2;
    building.area_after_m2 = area(building.after) * pixel_m2;
    building.change = change_of(building);
    const double common = intersection_area(building.before, building.after) * pixel_m2;
    building.iou = building.change == DrawnChange::Unchanged
                       ? 1
                       : common / (building.area_before_m2 + building.area_after_m2 - common);
  }
  return pair;
}

}  // namespace plat
