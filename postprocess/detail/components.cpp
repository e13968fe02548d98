// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/components.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace plat::detail {
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

}  // namespace

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

}  // namespace plat::detail
