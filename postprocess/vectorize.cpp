// SPDX-License-Identifier: Apache-2.0
#include "postprocess/vectorize.hpp"

#include "postprocess/detail/components.hpp"

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace plat {
namespace {

// Directions in which a border is followed, with the part's pixels on the right hand (rows grow downward).
enum Direction : std::size_t { kEast, kSouth, kWest, kNorth };

// Follows borders along pixel edges. It works on connected parts rather than labels: where two pixels of a part meet at
// a corner only, they are joined elsewhere, so passing from one to the other there (the rule of 8-connectivity) cuts the
// border into an exterior and a hole that share a point, instead of one ring that touches itself.
class BorderFollower {
 public:
  BorderFollower(const Image<int32_t>& ids, int64_t col, int64_t row)
      : ids_(ids),
        seen_(static_cast<std::size_t>(ids.width() * ids.height())),
        col_(col),
        row_(row),
        step_{1, ids.width(), -1, -ids.width()} {}

  // Whether a border that nobody followed yet runs along the pixel's upper edge.
  bool starts_at(int64_t pixel) const {
    const int32_t* id = ids_.data() + pixel;
    return id[0] != 0 && id[-ids_.width()] != id[0] && !seen_[static_cast<std::size_t>(pixel)];
  }

  // The border that runs east along the upper edge of the pixel; begins at that edge's western end.
  Ring follow(int64_t start) {
    const int32_t id = ids_.data()[start];
    Ring ring;
    int64_t pixel = start;
    std::size_t direction = kEast;
    // A turn always precedes the first edge: the pixel is the first in row-major order along its border.
    ring.push_back(corner(pixel, direction));
    do {
      if (direction == kEast) seen_[static_cast<std::size_t>(pixel)] = true;
      const std::size_t left = (direction + 3) % 4;
      const int64_t ahead = pixel + step_[direction];
      if (ids_.data()[ahead + step_[left]] == id) {
        pixel = ahead + step_[left];
        direction = left;
        ring.push_back(corner(pixel, direction));
      } else if (ids_.data()[ahead] == id) {
        // A third part begins on the other side: its outline has a vertex here, so this one gets it too.
        const bool junction = ids_.data()[ahead + step_[left]] != ids_.data()[pixel + step_[left]];
        pixel = ahead;
        if (junction) ring.push_back(corner(pixel, direction));
      } else {
        direction = (direction + 1) % 4;
        ring.push_back(corner(pixel, direction));
      }
    } while (pixel != start || direction != kEast);
    ring.pop_back();
    return ring;
  }

 private:
  // Where the edge on the left side of a pixel begins, seen in the direction of travel.
  Point corner(int64_t pixel, std::size_t direction) const {
    int64_t x = pixel % ids_.width() - 1;
    int64_t y = pixel / ids_.width() - 1;
    if (direction == kSouth || direction == kWest) ++x;
    if (direction == kWest || direction == kNorth) ++y;
    return {static_cast<double>(x + col_), static_cast<double>(y + row_)};
  }

  const Image<int32_t>& ids_;
  std::vector<bool> seen_;
  int64_t col_;
  int64_t row_;
  std::array<int64_t, 4> step_;
};

}  // namespace

std::map<int32_t, MultiPolygon> vectorize(const Image<int32_t>& labels, int64_t col, int64_t row) {
  const detail::Components parts = detail::connected_components(labels, 1);
  std::vector<Polygon> polygons(static_cast<std::size_t>(parts.count));
  std::vector<int32_t> label_of(polygons.size());
  BorderFollower follower(parts.ids, col, row);
  const int64_t width = parts.ids.width();
  for (int64_t r = 1; r + 1 < parts.ids.height(); ++r) {
    for (int64_t pixel = r * width + 1; pixel + 1 < (r + 1) * width; ++pixel) {
      if (!follower.starts_at(pixel)) continue;
      const auto part = static_cast<std::size_t>(parts.ids.data()[pixel] - 1);
      Ring ring = follower.follow(pixel);
      // The first pixel of a part lies on its exterior; every other border of the part encloses a hole.
      if (polygons[part].exterior.empty()) {
        polygons[part].exterior = std::move(ring);
        label_of[part] = labels.at(pixel % width - 1, r - 1);
      } else {
        polygons[part].holes.push_back(std::move(ring));
      }
    }
  }
  std::map<int32_t, MultiPolygon> out;
  for (std::size_t part = 0; part < polygons.size(); ++part) out[label_of[part]].push_back(std::move(polygons[part]));
  return out;
}

}  // namespace plat
