// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_store.hpp"
#include "geo/geometry.hpp"
#include "geo/overlay.hpp"

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace plat::test {

inline Ring box_ring(double x, double y, double width, double height) {
  return {{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}};
}

inline MultiPolygon box(double x, double y, double width, double height) {
  return {{box_ring(x, y, width, height), {}}};
}

inline ObjectStore store_of(const std::vector<MultiPolygon>& outlines) {
  ObjectStore store;
  for (const MultiPolygon& outline : outlines) store.add(outline);
  return store;
}

inline MultiPolygon moved(MultiPolygon outline, double dx, double dy) {
  for (Polygon& polygon : outline) {
    for (Point& point : polygon.exterior) point = {point.x + dx, point.y + dy};
    for (Ring& hole : polygon.holes) {
      for (Point& point : hole) point = {point.x + dx, point.y + dy};
    }
  }
  return outline;
}

/// An L of random size and direction; some have a court, some a second part beside.
inline MultiPolygon random_house(std::mt19937& random, double x, double y) {
  std::uniform_real_distribution<double> uniform(0, 1);
  const double width = 4 + 8 * uniform(random);
  const double height = 4 + 8 * uniform(random);
  const double wing = uniform(random) < 0.5 ? 1 : 0.3 + 0.5 * uniform(random);
  Polygon house{
      {{0, 0}, {width, 0}, {width, height * wing}, {width / 2, height * wing}, {width / 2, height}, {0, height}}, {}};
  if (wing == 1) house.exterior = box_ring(0, 0, width, height);
  if (uniform(random) < 0.2) {
    house.holes.push_back(box_ring(width * 0.1, height * 0.1, width * 0.2, height * wing * 0.5));
  }
  MultiPolygon parts = {house};
  if (uniform(random) < 0.2) parts.push_back({box_ring(width + 1, 0, 2, 3), {}});
  const double angle = 6.28 * uniform(random);
  for (Polygon& part : parts) {
    const auto turn = [&](Ring& ring) {
      for (Point& point : ring) {
        point = {x + std::cos(angle) * point.x - std::sin(angle) * point.y,
                 y + std::sin(angle) * point.x + std::cos(angle) * point.y};
      }
    };
    turn(part.exterior);
    for (Ring& hole : part.holes) turn(hole);
  }
  return parts;
}

/// Houses scattered so densely that they overlap: all rules meet all kinds of neighbourhoods.
inline ObjectStore random_town(int houses, double side, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  ObjectStore town;
  for (int i = 0; i < houses; ++i) {
    const double x = side * uniform(random);
    MultiPolygon house = random_house(random, x, side * uniform(random));
    if (i % 9 == 0) {
      for (Polygon& part : house) {
        for (Point& point : part.exterior) point = {point.x * 0.2 + x * 0.8, point.y * 0.2 + x * 0.8};
        for (Ring& hole : part.holes) {
          for (Point& point : hole) point = {point.x * 0.2 + x * 0.8, point.y * 0.2 + x * 0.8};
        }
      }
    }
    const float unseen = i % 7 == 0 ? 0.5F : 0.0F;
    town.add(house, {i, i % 3 == 0 ? 1 : 0, static_cast<float>(uniform(random)), unseen, unseen});
  }
  return town;
}

/// The same town after some years: most houses stay but for what the eye and the model err, some go, grow or come.
inline ObjectStore later_town(const ObjectStore& town, double side, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  ObjectStore later;
  for (int64_t i = 0; i < town.size(); ++i) {
    MultiPolygon house = moved(town.outline(i), uniform(random) - 0.5, uniform(random) - 0.5);
    const double fate = uniform(random);
    if (fate < 0.1) continue;
    if (fate < 0.3) {
      const Bounds box = bounds(house);
      Bounds left = box;
      Bounds right = box;
      left.max_x = right.min_x = box.min_x + (box.max_x - box.min_x) * uniform(random);
      const MultiPolygon half = intersection(house, {to_polygon(left)});
      if (!half.empty()) later.add(half, town.facts(i));
      house = intersection(house, {to_polygon(right)});
      if (house.empty()) continue;
    } else if (fate < 0.5) {
      house = {to_polygon(bounds(house))};
    }
    later.add(house, town.facts(i));
  }
  const ObjectStore fresh = random_town(static_cast<int>(town.size() / 10), side, seed + 1);
  for (int64_t i = 0; i < fresh.size(); ++i) later.add(fresh.outline(i), fresh.facts(i));
  return later;
}

/// The objects of a store in another order.
inline ObjectStore reordered(const ObjectStore& store, const std::vector<int64_t>& order) {
  ObjectStore out;
  for (const int64_t i : order) out.add(store.outline(i), store.facts(i));
  return out;
}

}  // namespace plat::test
