// SPDX-License-Identifier: Apache-2.0
#include "model/masks/run_mask.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace plat {
namespace {

bool before(const MaskRun& a, const MaskRun& b) { return a.row != b.row ? a.row < b.row : a.begin < b.begin; }

/// The 8-connected parts of a list of runs.
struct Parts {
  std::vector<std::size_t> of_run;  ///< number of the part that a run belongs to
  std::vector<int64_t> area;        ///< of each part
};

Parts parts_of(std::span<const MaskRun> runs) {
  std::vector<std::size_t> parent(runs.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&parent](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::size_t above = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const MaskRun& run = runs[i];
    // The first run of the row above that ends late enough to touch this one, corners included.
    while (above < i && (runs[above].row < run.row - 1 || (runs[above].row < run.row && runs[above].end < run.begin))) {
      ++above;
    }
    for (std::size_t k = above; k < i && runs[k].row == run.row - 1 && runs[k].begin <= run.end; ++k) {
      const std::size_t a = root(k), b = root(i);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  Parts parts{std::vector<std::size_t>(runs.size()), {}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t first = root(i);
    if (first == i) {
      parts.of_run[i] = parts.area.size();
      parts.area.push_back(0);
    } else {
      parts.of_run[i] = parts.of_run[first];
    }
    parts.area[parts.of_run[i]] += runs[i].end - runs[i].begin;
  }
  return parts;
}

/// The runs of an image of width x height that a mask leaves out.
std::vector<MaskRun> outside(const RunMask& mask, int64_t width, int64_t height) {
  std::vector<MaskRun> runs;
  const auto last = static_cast<int32_t>(width);
  std::size_t next = 0;
  for (int32_t row = 0; row < height; ++row) {
    int32_t from = 0;
    for (; next < mask.runs().size() && mask.runs()[next].row == row; ++next) {
      const MaskRun& run = mask.runs()[next];
      if (run.begin > from) runs.push_back({row, from, run.begin});
      from = run.end;
    }
    if (from < last) runs.push_back({row, from, last});
  }
  return runs;
}

}  // namespace

RunMask::RunMask(std::vector<MaskRun> runs) {
  runs_.reserve(runs.size());
  int32_t left = std::numeric_limits<int32_t>::max();
  int32_t right = std::numeric_limits<int32_t>::min();
  for (const MaskRun& run : runs) {
    assert(run.begin < run.end);
    area_ += run.end - run.begin;
    left = std::min(left, run.begin);
    right = std::max(right, run.end);
    if (!runs_.empty() && runs_.back().row == run.row && runs_.back().end >= run.begin) {
      assert(runs_.back().end == run.begin);
      runs_.back().end = run.end;
    } else {
      assert(runs_.empty() || before(runs_.back(), run));
      runs_.push_back(run);
    }
  }
  if (!runs_.empty()) bounds_ = {left, runs_.front().row, right - left, runs_.back().row - runs_.front().row + 1};
}

RunMask RunMask::of(const Image<uint8_t>& image) {
  std::vector<MaskRun> runs;
  for (int64_t r = 0; r < image.height(); ++r) {
    const auto row = image.row(r);
    for (auto from = row.begin(); from != row.end();) {
      from = std::find_if(from, row.end(), [](uint8_t v) { return v != 0; });
      const auto to = std::find(from, row.end(), uint8_t{0});
      if (from == to) break;
      runs.push_back(
          {static_cast<int32_t>(r), static_cast<int32_t>(from - row.begin()), static_cast<int32_t>(to - row.begin())});
      from = to;
    }
  }
  return RunMask(std::move(runs));
}

std::span<const MaskRun> RunMask::rows(int64_t first, int64_t end) const {
  const auto of_row = [](const MaskRun& run, int64_t row) { return run.row < row; };
  const auto from = std::lower_bound(runs_.begin(), runs_.end(), first, of_row);
  return {from, std::lower_bound(from, runs_.end(), end, of_row)};
}

RunMask RunMask::moved(int64_t cols, int64_t rows) const {
  RunMask mask = *this;
  const auto dc = static_cast<int32_t>(cols), dr = static_cast<int32_t>(rows);
  for (MaskRun& run : mask.runs_) run = {run.row + dr, run.begin + dc, run.end + dc};
  if (!mask.empty()) mask.bounds_ = {bounds_.col + cols, bounds_.row + rows, bounds_.width, bounds_.height};
  return mask;
}

RunMask RunMask::clipped(const Window& window) const {
  if (intersect(bounds_, window) == bounds_) return *this;
  std::vector<MaskRun> runs;
  for (const MaskRun& run : rows(window.row, window.row_end())) {
    const auto begin = static_cast<int32_t>(std::max<int64_t>(run.begin, window.col));
    const auto end = static_cast<int32_t>(std::min<int64_t>(run.end, window.col_end()));
    if (begin < end) runs.push_back({run.row, begin, end});
  }
  return RunMask(std::move(runs));
}

RunMask RunMask::where(const Image<uint8_t>& valid) const {
  std::vector<MaskRun> runs;
  const RunMask inside_image = clipped({0, 0, valid.width(), valid.height()});
  for (const MaskRun& run : inside_image.runs()) {
    const auto row = valid.row(run.row);
    for (int32_t c = run.begin; c < run.end;) {
      const int32_t from = c;
      const bool inside = row[static_cast<std::size_t>(c)] != 0;
      while (c < run.end && (row[static_cast<std::size_t>(c)] != 0) == inside) ++c;
      if (inside) runs.push_back({run.row, from, c});
    }
  }
  return RunMask(std::move(runs));
}

int64_t RunMask::area_within(const Window& window) const {
  if (intersect(bounds_, window) == bounds_) return area_;
  int64_t area = 0;
  for (const MaskRun& run : rows(window.row, window.row_end())) {
    area +=
        std::max<int64_t>(0, std::min<int64_t>(run.end, window.col_end()) - std::max<int64_t>(run.begin, window.col));
  }
  return area;
}

int64_t common_area(const RunMask& a, const RunMask& b, const Window& window) {
  const Window place = intersect(intersect(a.bounds(), b.bounds()), window);
  if (place.empty()) return 0;
  const auto left = static_cast<int32_t>(place.col), right = static_cast<int32_t>(place.col_end());
  const auto start = [&place](const RunMask& mask) {
    return std::lower_bound(mask.runs().begin(), mask.runs().end(), place.row,
                            [](const MaskRun& run, int64_t row) { return run.row < row; });
  };
  auto i = start(a), j = start(b);
  int64_t area = 0;
  while (i != a.runs().end() && j != b.runs().end() && i->row < place.row_end() && j->row < place.row_end()) {
    if (i->row != j->row) {
      ++(i->row < j->row ? i : j);
      continue;
    }
    const int32_t begin = std::max({i->begin, j->begin, left}), end = std::min({i->end, j->end, right});
    if (begin < end) area += end - begin;
    ++(i->end < j->end ? i : j);
  }
  return area;
}

double mask_iou(const RunMask& a, const RunMask& b, const Window& window) {
  const int64_t common = common_area(a, b, window);
  if (common == 0) return 0;
  return static_cast<double>(common) / static_cast<double>(a.area_within(window) + b.area_within(window) - common);
}

double mask_iou(const RunMask& a, const RunMask& b) {
  const int64_t common = common_area(a, b, a.bounds());
  return common == 0 ? 0 : static_cast<double>(common) / static_cast<double>(a.area() + b.area() - common);
}

RunMask united(std::span<const RunMask* const> masks) {
  std::vector<MaskRun> all;
  for (const RunMask* mask : masks) all.insert(all.end(), mask->runs().begin(), mask->runs().end());
  std::sort(all.begin(), all.end(), before);
  std::vector<MaskRun> runs;
  for (const MaskRun& run : all) {
    if (!runs.empty() && runs.back().row == run.row && runs.back().end >= run.begin) {
      runs.back().end = std::max(runs.back().end, run.end);
    } else {
      runs.push_back(run);
    }
  }
  return RunMask(std::move(runs));
}

std::pair<RunMask, bool> without_small_regions(const RunMask& mask, int64_t width, int64_t height, int64_t least_area) {
  const std::vector<MaskRun> background = outside(mask, width, height);
  const Parts holes = parts_of(background);
  std::vector<MaskRun> runs = mask.runs();
  for (std::size_t i = 0; i < background.size(); ++i) {
    if (holes.area[holes.of_run[i]] < least_area) runs.push_back(background[i]);
  }
  bool changed = runs.size() != mask.runs().size();
  std::sort(runs.begin(), runs.end(), before);
  const RunMask filled(std::move(runs));

  const Parts islands = parts_of(filled.runs());
  const auto largest = std::max_element(islands.area.begin(), islands.area.end());
  if (largest == islands.area.end()) return {filled, changed};
  const auto kept = static_cast<std::size_t>(largest - islands.area.begin());
  std::vector<MaskRun> left;
  for (std::size_t i = 0; i < filled.runs().size(); ++i) {
    const std::size_t part = islands.of_run[i];
    if (islands.area[part] >= least_area || part == kept) left.push_back(filled.runs()[i]);
  }
  // As published, a mask that is a single small part counts as changed although nothing goes.
  changed = changed || std::any_of(islands.area.begin(), islands.area.end(), [&](int64_t a) { return a < least_area; });
  return {RunMask(std::move(left)), changed};
}

}  // namespace plat
