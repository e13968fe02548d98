// SPDX-License-Identifier: Apache-2.0
#include "postprocess/vectorize.hpp"
#include "core/image.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace plat {
namespace {

// The root always is the smallest id of its set: roots then come in order of first pixel.
int32_t find_root(std::vector<int32_t>& parent, int32_t id) {
  while (parent[static_cast<std::size_t>(id)] != id) {
    int32_t& up = parent[static_cast<std::size_t>(id)];
    up = parent[static_cast<std::size_t>(up)];
    id = up;
  }
  return id;
}

int32_t unite(std::vector<int32_t>& parent, int32_t a, int32_t b) {
  a = find_root(parent, a);
  b = find_root(parent, b);
  const int32_t root = std::min(a, b);
  parent[static_cast<std::size_t>(std::max(a, b))] = root;
  return root;
}

/// 4-connected parts of equal non-zero labels.
struct Components {
  Image<int32_t> ids;  ///< 0 where the label is 0, else 1..count in order of first pixel (row-major)
  int32_t count = 0;
};

/// Finds connected parts; `border` pixels of 0 are added around the image, so that neighbours need no range checks.
Components connected_components(const Image<int32_t>& labels, int64_t border) {
  const auto width = static_cast<std::size_t>(labels.width());
  Components out{Image<int32_t>(labels.width() + 2 * border, labels.height() + 2 * border), 0};
  std::vector<int32_t> parent = {0};
  for (int64_t row = 0; row < labels.height(); ++row) {
    const int32_t* label = labels.row(row).data();
    const int32_t* label_above = row > 0 ? labels.row(row - 1).data() : nullptr;
    int32_t* id = out.ids.row(row + border).data() + border;
    const int32_t* id_above = row > 0 ? out.ids.row(row - 1 + border).data() + border : nullptr;
    for (std::size_t i = 0; i < width; ++i) {
      if (label[i] == 0) continue;
      const bool same_left = i > 0 && label[i - 1] == label[i];
      const bool same_above = label_above != nullptr && label_above[i] == label[i];
      if (same_left) {
        id[i] = id[i - 1];
        // The pixel above joined this one's left neighbour already where the three of them form a square.
        if (same_above && label_above[i - 1] != label[i]) id[i] = unite(parent, id[i], id_above[i]);
      } else if (same_above) {
        id[i] = id_above[i];
      } else {
        id[i] = static_cast<int32_t>(parent.size());
        parent.push_back(id[i]);
      }
    }
  }
  // A parent precedes its children, so one pass in order leads everything to its root.
  std::vector<int32_t> number(parent.size(), 0);
  for (std::size_t id = 1; id < parent.size(); ++id) {
    const auto up = static_cast<std::size_t>(parent[id]);
    number[id] = up == id ? ++out.count : number[up];
  }
  for (int32_t& id : std::span(out.ids.data(), out.ids.size())) id = number[static_cast<std::size_t>(id)];
  return out;
}

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
  const Components parts = connected_components(labels, 1);
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
