// SPDX-License-Identifier: Apache-2.0
#include "postprocess/drawn_outlines.hpp"

#include "geo/overlay.hpp"
#include "postprocess/outline.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace plat {
namespace {

constexpr double kCell = 128;       // pixels: some houses' width
constexpr double kRounding = 1e-6;  // squared pixels: common ground that is only a wall seen from both sides

int64_t cell_of(double position) { return static_cast<int64_t>(std::floor(position / kCell)); }

// An outline cut by its neighbours falls into the object and crumbs.
void keep_largest_part(MultiPolygon& outline) {
  if (outline.size() < 2) return;
  const auto largest = std::ranges::max_element(outline, {}, [](const Polygon& part) { return area(part); });
  outline = {Polygon(*largest)};
}

}  // namespace

std::optional<MultiPolygon> DrawnOutlines::kept_apart(const MultiPolygon& outline) const {
  const Bounds box = bounds(outline);
  if (box.empty() || corner_count(outline) > kMostCorners) return std::nullopt;
  std::vector<const Entry*> met;
  const int64_t last_col = cell_of(box.max_x);
  const auto end = rows_.upper_bound(cell_of(box.max_y));
  for (auto row = rows_.lower_bound(cell_of(box.min_y)); row != end; ++row) {
    for (int64_t col = cell_of(box.min_x); col <= last_col; ++col) {
      const auto cell = row->second.find(col);
      if (cell == row->second.end()) continue;
      for (const auto& entry : cell->second) {
        if (entry->box.intersects(box) && std::ranges::find(met, entry.get()) == met.end()) met.push_back(entry.get());
      }
    }
  }
  std::optional<MultiPolygon> left;
  for (const Entry* entry : met) {
    const MultiPolygon& now = left ? *left : outline;
    if (intersection_area(now, entry->outline) <= kRounding) continue;
    left = difference(now, entry->outline);
  }
  if (!left) return left;
  if (outline.size() == 1) keep_largest_part(*left);
  if (area(*left) < 0.5 * area(outline)) return std::nullopt;
  return left;
}

void DrawnOutlines::add(const MultiPolygon& outline) {
  const Bounds box = bounds(outline);
  if (box.empty() || corner_count(outline) > kMostCorners) return;
  const auto entry = std::make_shared<const Entry>(Entry{box, outline});
  for (int64_t row = cell_of(box.min_y); row <= cell_of(box.max_y); ++row) {
    for (int64_t col = cell_of(box.min_x); col <= cell_of(box.max_x); ++col) rows_[row][col].push_back(entry);
  }
}

void DrawnOutlines::forget_above(double row, std::span<const Window> windows, double reach) {
  const int64_t end = cell_of(row - reach);
  // The first row of cells that each column of cells still needs; `end` where it is not told.
  std::unordered_map<int64_t, int64_t> needed;
  for (const Window& window : windows) {
    const int64_t first = cell_of(static_cast<double>(window.row) - reach);
    const int64_t last_col = cell_of(static_cast<double>(window.col_end()) + reach);
    for (int64_t col = cell_of(static_cast<double>(window.col) - reach); first < end && col <= last_col; ++col) {
      const auto [cell, fresh] = needed.try_emplace(col, first);
      cell->second = std::min(cell->second, first);
    }
  }
  for (auto cells = rows_.begin(); cells != rows_.end() && cells->first < end;) {
    std::erase_if(cells->second, [&](const auto& cell) {
      const auto first = needed.find(cell.first);
      return first == needed.end() || cells->first < first->second;
    });
    cells = cells->second.empty() ? rows_.erase(cells) : std::next(cells);
  }
}

}  // namespace plat
