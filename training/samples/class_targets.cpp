// SPDX-License-Identifier: Apache-2.0
#include "training/samples/class_targets.hpp"

#include "core/error.hpp"
#include "training/samples/distance_transform.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plat {

int64_t TargetOptions::margin() const {
  return static_cast<int64_t>(
             std::ceil(std::max({boundary_width, distance_clip, static_cast<double>(kNeighbourReach)}))) +
         1;
}

void TargetOptions::validate() const {
  constexpr double kWidest = 1000;
  if (!(boundary_width > 0 && boundary_width <= kWidest))
    throw UsageError("--boundary-width must be more than 0 pixels, and at most 1000");
  if (!(distance_clip > 0 && distance_clip <= kWidest))
    throw UsageError("--distance-clip must be more than 0 pixels, and at most 1000");
  if (neighbour_weight < 1 || neighbour_weight > 255) throw UsageError("--neighbour-weight must lie between 1 and 255");
}

Image<uint8_t> between_neighbours(const Image<int32_t>& labels) {
  // The least and the greatest number of an object within reach, along rows, then of those along columns.
  struct Span {
    int32_t least = std::numeric_limits<int32_t>::max();
    int32_t most = 0;
    void add(const Span& other) {
      least = std::min(least, other.least);
      most = std::max(most, other.most);
    }
  };
  const int64_t width = labels.width(), height = labels.height();
  const auto in_reach = [](int64_t at, int64_t size, const auto& visit) {
    const int64_t end = std::min(size, at + kNeighbourReach + 1);
    for (int64_t i = std::max<int64_t>(0, at - kNeighbourReach); i < end; ++i) visit(i);
  };
  Image<Span> rows(width, height);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      in_reach(col, width, [&](int64_t i) {
        const int32_t label = labels.at(i, row);
        if (label != 0) rows.at(col, row).add({label, label});
      });
    }
  }
  Image<uint8_t> between(width, height);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      Span span;
      in_reach(row, height, [&](int64_t i) { span.add(rows.at(col, i)); });
      between.at(col, row) = span.most > span.least ? 1 : 0;
    }
  }
  return between;
}

Image<float> outline_distance(const Image<int32_t>& labels) {
  Image<uint8_t> edge(labels.width(), labels.height());
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      const int32_t here = labels.at(col, row);
      if (col > 0 && labels.at(col - 1, row) != here) edge.at(col, row) = edge.at(col - 1, row) = 1;
      if (row > 0 && labels.at(col, row - 1) != here) edge.at(col, row) = edge.at(col, row - 1) = 1;
    }
  }
  Image<float> distance = distance_transform(edge);
  for (float& d : distance.band(0)) d += 0.5F;
  return distance;
}

Image<float> class_targets(const Image<int32_t>& labels, const TargetOptions& options) {
  return class_targets(labels, outline_distance(labels), options);
}

Image<float> class_targets(const Image<int32_t>& labels, const Image<float>& distance, const TargetOptions& options) {
  Image<float> maps(labels.width(), labels.height(), 3);
  const auto width = static_cast<float>(options.boundary_width);
  const auto clip = static_cast<float>(options.distance_clip);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float d = distance.data()[i];
    const bool inside = labels.data()[i] != 0;
    maps.band(0)[i] = inside ? 1.0F : 0.0F;
    maps.band(1)[i] = d < width ? 1.0F : 0.0F;
    maps.band(2)[i] = inside ? std::min(d / clip, 1.0F) : 0.0F;
  }
  return maps;
}

}  // namespace plat
