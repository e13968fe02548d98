// SPDX-License-Identifier: Apache-2.0
#include "geo/bounds_index.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace plat {

BoundsIndex::BoundsIndex(std::span<const Bounds> items) : items_(items.begin(), items.end()) {
  double side = 0;
  double count = 0;
  for (const Bounds& item : items_) {
    if (item.empty()) continue;
    extent_.add(item);
    side += std::max(item.max_x - item.min_x, item.max_y - item.min_y);
    ++count;
  }
  if (count == 0) return;
  const double width = extent_.max_x - extent_.min_x;
  const double height = extent_.max_y - extent_.min_y;
  // Cells as large as the mean object, but not many more cells than objects where these are few and far between, and
  // none of size 0 where all are points.
  const double fewest = std::sqrt(std::max(width * height, 1e-300) / (4 * count));
  cell_ = std::max({side / count, fewest, std::max(width, height) / (4 * count), 1e-12});
  cols_ = static_cast<int64_t>(width / cell_) + 1;
  rows_ = static_cast<int64_t>(height / cell_) + 1;

  const auto visit = [&](const auto& action) {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].empty()) continue;
      const CellRange range = cells(items_[i]);
      for (int64_t row = range.row0; row <= range.row1; ++row) {
        for (int64_t col = range.col0; col <= range.col1; ++col) {
          action(static_cast<std::size_t>(row * cols_ + col), static_cast<int64_t>(i));
        }
      }
    }
  };
  first_.assign(static_cast<std::size_t>(cols_ * rows_) + 1, 0);
  visit([&](std::size_t cell, int64_t) { ++first_[cell + 1]; });
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  entries_.resize(static_cast<std::size_t>(first_.back()));
  std::vector<int64_t> next(first_.begin(), first_.end() - 1);
  visit([&](std::size_t cell, int64_t item) { entries_[static_cast<std::size_t>(next[cell]++)] = item; });
}

BoundsIndex::CellRange BoundsIndex::cells(const Bounds& bounds) const {
  const auto cell = [&](double value, double origin, int64_t count) {
    return static_cast<int64_t>(std::clamp((value - origin) / cell_, 0.0, static_cast<double>(count - 1)));
  };
  return {cell(bounds.min_x, extent_.min_x, cols_), cell(bounds.min_y, extent_.min_y, rows_),
          cell(bounds.max_x, extent_.min_x, cols_), cell(bounds.max_y, extent_.min_y, rows_)};
}

std::vector<int64_t> BoundsIndex::find(const Bounds& query) const {
  std::vector<int64_t> found;
  if (query.empty() || extent_.empty() || !query.intersects(extent_)) return found;
  const CellRange range = cells(query);
  for (int64_t row = range.row0; row <= range.row1; ++row) {
    for (int64_t col = range.col0; col <= range.col1; ++col) {
      const auto cell = static_cast<std::size_t>(row * cols_ + col);
      for (int64_t k = first_[cell]; k < first_[cell + 1]; ++k) {
        const int64_t item = entries_[static_cast<std::size_t>(k)];
        if (items_[static_cast<std::size_t>(item)].intersects(query)) found.push_back(item);
      }
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace plat
