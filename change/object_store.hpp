// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// What is known of one object beside its outline.
struct ObjectFacts {
  int64_t id = 0;           ///< the caller's name for it; not looked at
  int32_t class_index = 0;  ///< objects of different classes are never compared
  float score = 1;          ///< confidence in [0, 1]
  float unseen_later =
      0;  ///< share of its ground that the next date does not show (cloud, nodata, off the scene), 0..1
  float unseen_earlier = 0;  ///< share that the date before does not show
};

/// The objects of one date in flat arrays: an outline of six vertices costs about 150 bytes. Outlines lie in one
/// planar frame that all dates share (metres or pixels) and are valid: the caller mends them first (`make_valid` of
/// geo/overlay.hpp). Reading is thread-safe, adding is not.
class ObjectStore {
 public:
  /// Makes room, so that growing does not copy; figures too small only cost time.
  void reserve(int64_t objects, int64_t vertices);
  /// Adds an object and returns its position. Rings without area are left out. Throws DataError when a coordinate is
  /// not finite or a share lies outside 0..1.
  int64_t add(const MultiPolygon& outline, const ObjectFacts& facts = {});

  int64_t size() const { return static_cast<int64_t>(facts_.size()); }
  /// The outline as it was added, with its exteriors counter-clockwise and its holes clockwise.
  MultiPolygon outline(int64_t object) const;
  const ObjectFacts& facts(int64_t object) const { return facts_[static_cast<std::size_t>(object)]; }
  /// In squared units of the coordinates.
  double area(int64_t object) const { return areas_[static_cast<std::size_t>(object)]; }
  /// Length of all rings, holes too.
  double perimeter(int64_t object) const;
  Bounds bounds(int64_t object) const;

  /// How many rings an object has.
  int64_t rings(int64_t object) const {
    const auto at = static_cast<std::size_t>(object);
    return first_ring_[at + 1] - first_ring_[at];
  }
  /// One of its rings: exteriors run counter-clockwise (y upward), each followed by its holes, which run clockwise.
  std::span<const Point> ring(int64_t object, int64_t which) const;

  /// Memory that the arrays take.
  int64_t bytes() const;

 private:
  std::vector<Point> points_;
  std::vector<int64_t> first_point_ = {0};  ///< where each ring begins, one more than rings
  std::vector<int64_t> first_ring_ = {0};   ///< where each object's rings begin, one more than objects
  std::vector<ObjectFacts> facts_;
  std::vector<double> areas_;
};

}  // namespace plat
