// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/region.hpp"

#include "core/cancel.hpp"
#include "postprocess/detail/smoothing.hpp"
#include "postprocess/detail/watershed.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <utility>

namespace plat::detail {
namespace {

// Pixels of a gap: not looked at yet, and part of the hole being looked at.
constexpr Relief kGap = 0xFFFE;
constexpr Relief kHole = 0xFFFD;

// Collects the 8-connected gap pixels around one and marks them as a hole; says whether the region encloses them.
bool collect_hole(Image<Relief>& relief, int64_t col, int64_t row, std::vector<std::pair<int64_t, int64_t>>& hole) {
  hole.assign(1, {col, row});
  relief.at(col, row) = kHole;
  bool enclosed = true;
  for (std::size_t next = 0; next < hole.size(); ++next) {
    const auto [c, r] = hole[next];
    if (c == 0 || r == 0 || c + 1 == relief.width() || r + 1 == relief.height()) enclosed = false;
    for (int64_t nr = std::max<int64_t>(r - 1, 0); nr <= std::min(r + 1, relief.height() - 1); ++nr) {
      for (int64_t nc = std::max<int64_t>(c - 1, 0); nc <= std::min(c + 1, relief.width() - 1); ++nc) {
        Relief& neighbour = relief.at(nc, nr);
        if (neighbour == kOutside) enclosed = false;
        if (neighbour != kGap) continue;
        neighbour = kHole;
        hole.emplace_back(nc, nr);
      }
    }
  }
  return enclosed;
}

// Turns small gaps that the region encloses into ground of the greatest height, and all others into outside.
void fill_pinholes(Image<Relief>& relief) {
  Relief highest = 0;
  for (const Relief level : std::span(relief.data(), relief.size())) {
    if (level != kOutside && level != kGap) highest = std::max(highest, level);
  }
  std::vector<std::pair<int64_t, int64_t>> hole;
  for (int64_t row = 0; row < relief.height(); ++row) {
    for (int64_t col = 0; col < relief.width(); ++col) {
      if (relief.at(col, row) != kGap) continue;
      const bool enclosed = collect_hole(relief, col, row, hole);
      const bool small = hole.size() <= static_cast<std::size_t>(kLargestFilledHole);
      for (const auto& [c, r] : hole) relief.at(c, r) = enclosed && small ? highest : kOutside;
    }
  }
}

// Takes the objects' pixels out of gaps that lie between no two of them, but are notches in the outline of one.
void open_notches(const Image<Relief>& relief, Image<int32_t>& labels) {
  Image<uint8_t> seen(relief.width(), relief.height());
  std::vector<std::pair<int64_t, int64_t>> gap;
  for (int64_t row = 0; row < relief.height(); ++row) {
    for (int64_t col = 0; col < relief.width(); ++col) {
      if (relief.at(col, row) != kBridge || seen.at(col, row) != 0) continue;
      gap.assign(1, {col, row});
      seen.at(col, row) = 1;
      const int32_t object = labels.at(col, row);
      bool between = false;
      bool open = false;
      for (std::size_t next = 0; next < gap.size(); ++next) {
        const auto [c, r] = gap[next];
        open = open || c == 0 || r == 0 || c + 1 == relief.width() || r + 1 == relief.height();
        for (int64_t nr = std::max<int64_t>(r - 1, 0); nr <= std::min(r + 1, relief.height() - 1); ++nr) {
          for (int64_t nc = std::max<int64_t>(c - 1, 0); nc <= std::min(c + 1, relief.width() - 1); ++nc) {
            if (relief.at(nc, nr) == kOutside) {
              open = true;
            } else if (labels.at(nc, nr) != object) {
              between = true;
            }
            if (relief.at(nc, nr) != kBridge || seen.at(nc, nr) != 0) continue;
            seen.at(nc, nr) = 1;
            gap.emplace_back(nc, nr);
          }
        }
      }
      if (between || !open) continue;
      for (const auto& [c, r] : gap) labels.at(c, r) = 0;
    }
  }
}

// Numbers labels 1..count in order of first pixel.
void renumber(Image<int32_t>& labels, int32_t count) {
  std::vector<int32_t> number(static_cast<std::size_t>(count) + 1, 0);
  int32_t next = 0;
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (label == 0) continue;
    int32_t& mapped = number[static_cast<std::size_t>(label)];
    if (mapped == 0) mapped = ++next;
    label = mapped;
  }
}

// Takes objects of too low a score out; the others keep their order.
void drop_weak(InstancePatch& patch, double min_score) {
  std::vector<int32_t> number(patch.score.size() + 1, 0);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < patch.score.size(); ++i) {
    if (patch.score[i] < min_score) continue;
    kept.push_back(i);
    number[i + 1] = static_cast<int32_t>(kept.size());
  }
  if (kept.size() == patch.score.size()) return;
  for (int32_t& label : std::span(patch.labels.data(), patch.labels.size())) {
    label = number[static_cast<std::size_t>(label)];
  }
  patch.count = static_cast<int32_t>(kept.size());
  const auto keep = [&](auto& values) {
    for (std::size_t i = 0; i < kept.size(); ++i) values[i] = values[kept[i]];
    values.resize(kept.size());
  };
  keep(patch.score);
  std::ranges::for_each(patch.witnesses, keep);
}

}  // namespace

void Region::add(const Run& run, const RowRuns& row) {
  if (runs_.empty()) {
    first_row_ = run.row;
    first_col_ = min_col_ = run.begin;
    max_col_ = run.end;
  }
  last_row_ = run.row;
  min_col_ = std::min<int64_t>(min_col_, run.begin);
  max_col_ = std::max<int64_t>(max_col_, run.end);
  runs_.push_back({run.row, run.begin, run.end, relief_.size()});
  const auto first = static_cast<std::ptrdiff_t>(run.first_pixel);
  const auto last = first + (run.end - run.begin);
  const auto own = std::span(row.relief).subspan(run.first_pixel, static_cast<std::size_t>(run.end - run.begin));
  bridged_ = bridged_ || std::ranges::find(own, kBridge) != own.end();
  relief_.insert(relief_.end(), row.relief.begin() + first, row.relief.begin() + last);
  extent_.insert(extent_.end(), row.extent.begin() + first, row.extent.begin() + last);
  const auto each = static_cast<std::ptrdiff_t>(row.witnesses.size() / row.relief.size());
  witnesses_.insert(witnesses_.end(), row.witnesses.begin() + each * first, row.witnesses.begin() + each * last);
}

bool Region::precedes(const Region& other) const {
  return std::tie(first_row_, first_col_) < std::tie(other.first_row_, other.first_col_);
}

void Region::merge(Region&& other) {
  if (other.runs_.empty()) return;
  // The larger one keeps its place: each pixel then moves at most as often as its region doubles.
  if (other.relief_.size() > relief_.size()) std::swap(*this, other);
  if (other.precedes(*this)) {
    first_row_ = other.first_row_;
    first_col_ = other.first_col_;
  }
  bridged_ = bridged_ || other.bridged_;
  last_row_ = std::max(last_row_, other.last_row_);
  min_col_ = std::min(min_col_, other.min_col_);
  max_col_ = std::max(max_col_, other.max_col_);
  for (Run run : other.runs_) {
    run.first_pixel += relief_.size();
    runs_.push_back(run);
  }
  gaps_.insert(gaps_.end(), other.gaps_.begin(), other.gaps_.end());
  relief_.insert(relief_.end(), other.relief_.begin(), other.relief_.end());
  extent_.insert(extent_.end(), other.extent_.begin(), other.extent_.end());
  witnesses_.insert(witnesses_.end(), other.witnesses_.begin(), other.witnesses_.end());
  other = Region();
}

Window Region::window() const { return {min_col_, first_row_, max_col_ - min_col_, last_row_ - first_row_ + 1}; }

Image<Relief> Region::paint_relief(const Window& window) const {
  Image<Relief> relief(window.width, window.height, 1, kOutside);
  // Pixels of narrow gaps count as gaps first: pinholes that they are part of become the class's.
  for (const Run& gap : gaps_) {
    for (int64_t col = gap.begin; col < gap.end; ++col) {
      // A gap at the seam of two regions may reach beyond this one's window.
      if (window.contains(col, gap.row)) relief.at(col - window.col, gap.row - window.row) = kGap;
    }
  }
  for (const Run& run : runs_) {
    const auto from = relief_.begin() + static_cast<std::ptrdiff_t>(run.first_pixel);
    std::replace_copy(from, from + (run.end - run.begin), &relief.at(run.begin - window.col, run.row - window.row),
                      kBridge, kGap);
  }
  if (!gaps_.empty() || bridged_) fill_pinholes(relief);
  return relief;
}

// Marks again the pixels of narrow gaps that are no pinholes.
void Region::paint_bridges(const Window& window, Image<Relief>& relief) const {
  for (const Run& run : runs_) {
    Relief* to = &relief.at(run.begin - window.col, run.row - window.row);
    for (std::size_t i = 0; i < static_cast<std::size_t>(run.end - run.begin); ++i) {
      if (to[i] == kOutside && relief_[run.first_pixel + i] == kBridge) to[i] = kBridge;
    }
  }
}

InstancePatch Region::split(const InstanceThresholds& thresholds) const {
  InstancePatch patch;
  patch.window = window();
  patch.labels = Image<int32_t>(patch.window.width, patch.window.height);
  Image<Relief> relief = paint_relief(patch.window);
  throw_if_cancelled();
  if (thresholds.smoothing_px > 0) relief = smoothed_inside(relief, kOutside, thresholds.smoothing_px);
  // Objects are told apart without the gaps, so that closing gaps joins none.
  const double contrast = std::max(1.0, std::round(thresholds.seed_contrast * kLevelsPerUnit));
  patch.count = mark_minima(relief, static_cast<Relief>(contrast), patch.labels);
  throw_if_cancelled();
  if (bridged_) paint_bridges(patch.window, relief);
  if (patch.count == 1 && !bridged_) {
    for (std::size_t i = 0; i < relief.size(); ++i) patch.labels.data()[i] = relief.data()[i] != kOutside ? 1 : 0;
  } else {
    flood(relief, patch.labels);
    if (bridged_) open_notches(relief, patch.labels);
    renumber(patch.labels, patch.count);
  }
  // Whole numbers: the sum does not depend on the order in which the region's parts were joined.
  std::vector<uint64_t> sum(static_cast<std::size_t>(patch.count), 0);
  std::vector<uint64_t> pixels(sum.size(), 0);
  const std::size_t witnesses = witness_count();
  std::vector<uint64_t> said(witnesses * sum.size(), 0);
  std::vector<uint64_t> seen(said.size(), 0);
  for (const Run& run : runs_) {
    const int32_t* label = &patch.labels.at(run.begin - patch.window.col, run.row - patch.window.row);
    for (std::size_t i = 0; i < static_cast<std::size_t>(run.end - run.begin); ++i) {
      if (relief_[run.first_pixel + i] == kBridge) continue;
      const auto object = static_cast<std::size_t>(label[i] - 1);
      sum[object] += extent_[run.first_pixel + i];
      ++pixels[object];
      for (std::size_t w = 0; w < witnesses; ++w) {
        const uint8_t says = witnesses_[(run.first_pixel + i) * witnesses + w];
        if (says == kUnseen) continue;
        said[object * witnesses + w] += says;
        ++seen[object * witnesses + w];
      }
    }
  }
  patch.witnesses.resize(witnesses);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    patch.score.push_back(static_cast<double>(sum[i]) / (65535.0 * static_cast<double>(pixels[i])));
    for (std::size_t w = 0; w < witnesses; ++w) {
      const auto shown = static_cast<double>(seen[i * witnesses + w]);
      patch.witnesses[w].push_back({shown == 0 ? 0 : static_cast<double>(said[i * witnesses + w]) / (254.0 * shown),
                                    1 - shown / static_cast<double>(pixels[i])});
    }
  }
  drop_weak(patch, thresholds.min_score);
  return patch;
}

}  // namespace plat::detail
