// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_in_tile.hpp"

#include "geo/rasterize.hpp"

#include <algorithm>
#include <cmath>

namespace plat {
namespace {

/// SAM reads masks at a quarter of the tile's side.
constexpr int64_t kCell = 4;

/// The share of each cell of a tile that polygons cover, by samples; empty where there is none. `map` carries places into
/// pixels of the tile, counted from its corner.
template <typename Map>
Image<float> coverage(const MultiPolygon& polygons, const Map& map, const Window& tile) {
  const int64_t cols = (tile.width + kCell - 1) / kCell, rows = (tile.height + kCell - 1) / kCell;
  const double scale_x = static_cast<double>(cols * kCell) / static_cast<double>(tile.width);
  const double scale_y = static_cast<double>(rows * kCell) / static_cast<double>(tile.height);
  MultiPolygon placed = polygons;
  const auto place = [&](Ring& ring) {
    for (Point& p : ring) {
      p = map(p);
      p = {p.x * scale_x, p.y * scale_y};
    }
  };
  for (Polygon& part : placed) {
    place(part.exterior);
    std::ranges::for_each(part.holes, place);
  }
  const Image<uint8_t> samples = rasterize_mask(std::span(&placed, 1), cols * kCell, rows * kCell);
  Image<float> shares(cols, rows);
  for (int64_t row = 0; row < samples.height(); ++row) {
    for (int64_t col = 0; col < samples.width(); ++col) {
      if (samples.at(col, row) != 0) shares.at(col / kCell, row / kCell) += 1.0F / (kCell * kCell);
    }
  }
  const bool any = std::any_of(shares.data(), shares.data() + shares.size(), [](float share) { return share > 0; });
  return any ? shares : Image<float>();
}

}  // namespace

Prompt prompt_in_tile(const ScenePrompt& prompt, int level, const Window& tile) {
  const double scale = std::ldexp(1, -level);
  const auto from_corner = [&](const Point& p) {
    return Point{p.x * scale - static_cast<double>(tile.col), p.y * scale - static_cast<double>(tile.row)};
  };
  const auto map = [&](const Point& place) {
    // Pixels are counted from corners here, from the centre of the first one there.
    const Point p = from_corner(place);
    return Point{p.x - 0.5, p.y - 0.5};
  };
  Prompt out;
  for (const MapPoint& point : prompt.points) {
    const Point p = map(point.place);
    const auto col = static_cast<int64_t>(std::llround(p.x));
    const auto row = static_cast<int64_t>(std::llround(p.y));
    // What is not the object and not in sight needs no word.
    if (!point.object && !Window{0, 0, tile.width, tile.height}.contains(col, row)) continue;
    out.points.push_back({p.x, p.y, point.object});
  }
  if (prompt.box) {
    const Point low = map({prompt.box->min_x, prompt.box->min_y});
    const Point high = map({prompt.box->max_x, prompt.box->max_y});
    out.box = BoxPrompt{low.x, low.y, high.x, high.y};
  }
  if (!prompt.mask.empty()) out.mask = coverage(prompt.mask, from_corner, tile);
  return out;
}

std::optional<BoxPrompt> frame_of(const Prompt& prompt, int64_t tile_width, int64_t tile_height) {
  if (prompt.box || prompt.mask.empty()) return prompt.box;
  const Image<float>& mask = prompt.mask;
  Bounds cells;
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (mask.at(col, row) <= 0) continue;
      cells.add(Point{static_cast<double>(col), static_cast<double>(row)});
      cells.add(Point{static_cast<double>(col + 1), static_cast<double>(row + 1)});
    }
  }
  const double cell_x = static_cast<double>(tile_width) / static_cast<double>(mask.width());
  const double cell_y = static_cast<double>(tile_height) / static_cast<double>(mask.height());
  return BoxPrompt{cells.min_x * cell_x - 0.5, cells.min_y * cell_y - 0.5, cells.max_x * cell_x - 0.5,
                   cells.max_y * cell_y - 0.5};
}

bool on_data(const Prompt& prompt, const Image<uint8_t>& valid) {
  const auto pixel = [](double position, int64_t size) {
    return std::clamp<int64_t>(std::llround(position), 0, size - 1);
  };
  for (const PointPrompt& point : prompt.points) {
    if (point.object && valid.at(pixel(point.col, valid.width()), pixel(point.row, valid.height())) == 0) return false;
  }
  const std::optional<BoxPrompt> frame = frame_of(prompt, valid.width(), valid.height());
  if (!frame) return true;
  const int64_t first_col = pixel(frame->left, valid.width());
  const int64_t last_col = pixel(frame->right, valid.width());
  for (int64_t row = pixel(frame->top, valid.height()); row <= pixel(frame->bottom, valid.height()); ++row) {
    const auto line = valid.row(row);
    if (std::any_of(line.begin() + first_col, line.begin() + last_col + 1, [](uint8_t v) { return v != 0; })) {
      return true;
    }
  }
  return false;
}

}  // namespace plat
