// SPDX-License-Identifier: Apache-2.0
#include "postprocess/instances.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "postprocess/detail/narrow_gaps.hpp"
#include "postprocess/detail/region.hpp"
#include "postprocess/detail/row_runs.hpp"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <span>
#include <utility>

namespace plat {
namespace {

constexpr int32_t kNone = -1;
// Narrow gaps are looked for in so many rows and columns at a time; what lies around them is looked at again each time.
constexpr int64_t kBridgedRows = 32;
constexpr int64_t kBridgedCols = 4096;
// Patches of about this many pixels are made before they are handed on.
constexpr int64_t kBatchPixels = int64_t{1} << 24;

void check(const InstanceThresholds& thresholds) {
  const auto need = [](bool good, const char* what) {
    if (!good) throw UsageError(std::string("instance thresholds: ") + what);
  };
  need(thresholds.extent > 0 && thresholds.extent < 1, "extent must lie between 0 and 1");
  need(thresholds.boundary_weight >= 0 && thresholds.boundary_weight <= 100,
       "boundary_weight must lie between 0 and 100");
  need(thresholds.smoothing_px >= 0 && thresholds.smoothing_px <= 20, "smoothing_px must lie between 0 and 20");
  need(thresholds.seed_contrast > 0 && thresholds.seed_contrast <= 1, "seed_contrast must lie between 0 and 1");
  need(thresholds.min_score >= 0 && thresholds.min_score <= 1, "min_score must lie between 0 and 1");
  need(thresholds.close_gap_px >= 0 && thresholds.close_gap_px <= kWidestGapPixels,
       "close_gap_px must lie between 0 and 20");
}

// Isolated: a thread that waits here must not begin to run a tile through the network meanwhile.
template <typename Body>
void in_parallel(std::size_t count, const Body& body) {
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::size_t{0}, count, body); });
}

Window window_of(const detail::Run& run) { return {run.begin, run.row, run.end - run.begin, 1}; }

void set_columns(std::span<uint8_t> row, int64_t first_col, const detail::Run& run) {
  const auto size = static_cast<int64_t>(row.size());
  const int64_t begin = std::clamp<int64_t>(run.begin - first_col, 0, size);
  const int64_t end = std::clamp<int64_t>(run.end - first_col, 0, size);
  std::fill(row.begin() + begin, row.begin() + end, uint8_t{1});
}

// A run of a row and the slot of its region.
struct OpenRun {
  int32_t begin;
  int32_t end;
  int32_t slot;
};

}  // namespace

struct InstanceStream::Impl {
  Impl(int64_t scene_width, InstanceThresholds class_thresholds, std::function<void(InstancePatch&&)> patch_sink,
       const InstanceLimits& memory_limits, int64_t witness_count)
      : width(scene_width),
        thresholds(class_thresholds),
        sink(std::move(patch_sink)),
        limits(memory_limits),
        witnesses(witness_count),
        waiting(memory_limits.waiting_bytes),
        gap_width(static_cast<int64_t>(std::floor(class_thresholds.close_gap_px))) {}

  int64_t width;
  InstanceThresholds thresholds;
  std::function<void(InstancePatch&&)> sink;
  InstanceLimits limits;
  int64_t witnesses;

  detail::WaitingRows waiting;
  int64_t next_col = 0;   // where the next block begins
  int64_t known_row = 0;  // rows above are known in their whole width

  // Where narrow gaps are looked for: rows from held_row on that wait for those below them, and some done above.
  int64_t gap_width;  // 0: none are looked for
  std::deque<detail::RowRuns> held;
  int64_t held_row = 0;

  std::vector<detail::Region> regions;  // by slot
  std::vector<int32_t> parent;          // of each slot: itself, or the slot that took it over in the row at hand
  std::vector<int32_t> free_slots;
  std::vector<int32_t> taken_over;
  std::vector<OpenRun> above;          // the last row's runs; their slots are roots
  std::vector<detail::Region> closed;  // in the order in which they are handed on
  int64_t closed_pixels = 0;           // of their windows, and what they take besides
  int64_t open_pixels = 0;             // of the regions in slots, with what their runs take
  int64_t next_row = 0;
  bool warned = false;

  int32_t root(int32_t slot) const {
    while (parent[static_cast<std::size_t>(slot)] != slot) slot = parent[static_cast<std::size_t>(slot)];
    return slot;
  }
  detail::Region& region(int32_t slot) { return regions[static_cast<std::size_t>(slot)]; }

  int32_t new_slot() {
    if (!free_slots.empty()) {
      const int32_t slot = free_slots.back();
      free_slots.pop_back();
      return slot;
    }
    const auto slot = static_cast<int32_t>(regions.size());
    regions.emplace_back();
    parent.push_back(slot);
    return slot;
  }

  // Whether a region with this window can be split at once.
  bool fits(const Window& window) {
    if (window.pixel_count() <= limits.region_pixels) return true;
    warn_of_cut();
    return false;
  }

  void warn_of_cut() {
    if (!warned) log_warning("a region of the class is larger than can be split at once; it is cut into parts");
    warned = true;
  }

  // Joins two regions that a run connects, unless their window would grow too large.
  void unite(int32_t a, int32_t b, const detail::Run& run) {
    a = root(a);
    b = root(b);
    if (a == b || !fits(bounding(bounding(region(a).window(), region(b).window()), window_of(run)))) return;
    region(a).merge(std::move(region(b)));
    region(b) = {};
    parent[static_cast<std::size_t>(b)] = a;
    taken_over.push_back(b);
  }

  void add(const MapBlock& block, int64_t first_band) {
    assert(block.col == next_col && block.row == known_row);
    std::vector<detail::RowRuns> rows(static_cast<std::size_t>(block.maps.height()));
    in_parallel(rows.size(), [&](std::size_t i) {
      rows[i] = detail::find_runs(block, static_cast<int64_t>(i), first_band, thresholds, witnesses);
    });
    next_col = block.col + block.maps.width();
    if (next_col < width || block.col > 0) waiting.add(rows);
    if (next_col < width) return;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      throw_if_cancelled();
      take_row(block.col > 0 ? waiting.whole(i, known_row, witnesses) : std::move(rows[i]));
    }
    waiting.clear();
    next_col = 0;
    if (gap_width > 0 && known_row - gap_width > next_row) bridge_rows(known_row - gap_width);
    hand_on();
  }

  // The next row of the scene in its whole width.
  void take_row(detail::RowRuns&& row) {
    ++known_row;
    if (gap_width == 0) return add_row(std::move(row));
    held.push_back(std::move(row));
    if (known_row - gap_width - next_row >= kBridgedRows) bridge_rows(known_row - gap_width);
  }

  // Adds the rows before `end` with the narrow gaps that rows held above and below show in them.
  void bridge_rows(int64_t end) {
    const int64_t first = next_row;
    const int64_t chunks = (width + kBridgedCols - 1) / kBridgedCols;
    std::vector<std::vector<std::vector<detail::Span>>> bridges(static_cast<std::size_t>(chunks));
    in_parallel(bridges.size(),
                [&](std::size_t i) { bridges[i] = find_bridges(static_cast<int64_t>(i) * kBridgedCols, first, end); });
    for (int64_t row = first; row < end; ++row) {
      std::vector<detail::Span> all;
      for (const auto& chunk : bridges) {
        const auto& some = chunk[static_cast<std::size_t>(row - first)];
        all.insert(all.end(), some.begin(), some.end());
      }
      detail::RowRuns& own = held[static_cast<std::size_t>(row - held_row)];
      add_row(detail::with_bridges(own, all, row, witnesses));
      // What rows below need of it.
      own.relief = {};
      own.extent = {};
      own.witnesses = {};
    }
    for (; held_row < end - gap_width; ++held_row) held.pop_front();
  }

  // The valid pixels of narrow gaps in some columns of rows [first, end).
  std::vector<std::vector<detail::Span>> find_bridges(int64_t first_col, int64_t first, int64_t end) const {
    const int64_t end_col = std::min(width, first_col + kBridgedCols);
    const int64_t left = std::max<int64_t>(0, first_col - gap_width), right = std::min(width, end_col + gap_width);
    const auto held_rows = static_cast<int64_t>(held.size());
    Image<uint8_t> mask(right - left, held_rows);
    for (int64_t r = 0; r < held_rows; ++r) {
      for (const detail::Run& run : held[static_cast<std::size_t>(r)].runs) set_columns(mask.row(r), left, run);
    }
    const Image<uint8_t> gaps = detail::narrow_gaps(mask, gap_width);
    std::vector<std::vector<detail::Span>> out(static_cast<std::size_t>(end - first));
    for (int64_t row = first; row < end; ++row) {
      const auto gap = gaps.row(row - held_row);
      std::vector<detail::Span>& spans = out[static_cast<std::size_t>(row - first)];
      for (const detail::Span& seen : held[static_cast<std::size_t>(row - held_row)].seen) {
        const auto to = static_cast<int32_t>(std::min<int64_t>(seen.end, end_col));
        for (auto col = static_cast<int32_t>(std::max<int64_t>(seen.begin, first_col)); col < to; ++col) {
          if (gap[static_cast<std::size_t>(col - left)] == 0) continue;
          if (!spans.empty() && spans.back().end == col) {
            ++spans.back().end;
          } else {
            spans.push_back({col, col + 1});
          }
        }
      }
    }
    return out;
  }

  void add_row(detail::RowRuns row) {
    detail::find_gaps(row);
    std::vector<OpenRun> current;
    current.reserve(row.runs.size());
    std::size_t first_above = 0;
    std::size_t next_gap = 0;
    for (std::size_t i = 0; i < row.runs.size(); ++i) {
      const detail::Run& run = row.runs[i];
      while (first_above < above.size() && above[first_above].end <= run.begin) ++first_above;
      int32_t slot = kNone;
      for (std::size_t k = first_above; k < above.size() && above[k].begin < run.end; ++k) {
        if (slot != kNone) {
          unite(slot, above[k].slot, run);
        } else if (fits(bounding(region(root(above[k].slot)).window(), window_of(run)))) {
          slot = root(above[k].slot);
        }
      }
      if (slot == kNone) slot = new_slot();
      region(slot).add(run, row);
      open_pixels += run.end - run.begin + static_cast<int64_t>(detail::kPixelsPerRun);
      current.push_back({run.begin, run.end, slot});
      if (next_gap < row.gaps.size() && row.gaps[next_gap].first_pixel + 1 == i) {
        region(root(current[i - 1].slot)).add_gap(row.gaps[next_gap++]);
      }
    }
    for (OpenRun& run : current) run.slot = root(run.slot);
    close_regions();
    above = std::move(current);
    if (open_pixels > limits.open_pixels) cut_largest();
    ++next_row;
    if (closed_pixels >= kBatchPixels) hand_on();
  }

  // Ends the largest regions here, until the others hold no more pixels than may be open.
  void cut_largest() {
    warn_of_cut();
    std::vector<int32_t> slots;
    for (const OpenRun& run : above) slots.push_back(run.slot);
    std::ranges::sort(slots);
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    std::ranges::sort(slots, [&](int32_t a, int32_t b) {
      const detail::Region &x = region(a), &y = region(b);
      return x.weight() != y.weight() ? x.weight() > y.weight() : x.precedes(y);
    });
    const std::size_t first = closed.size();
    for (const int32_t slot : slots) {
      if (open_pixels <= limits.open_pixels) break;
      close(slot);
    }
    sort_closed(first);
    std::erase_if(above, [&](const OpenRun& run) { return region(run.slot).empty(); });
  }

  void close(int32_t slot) {
    open_pixels -= region(slot).weight();
    closed_pixels += region(slot).window().pixel_count() + kPixelsPerRegion;
    closed.push_back(std::move(region(slot)));
    region(slot) = {};
    free_slots.push_back(slot);
  }

  void sort_closed(std::size_t first) {
    std::sort(closed.begin() + static_cast<std::ptrdiff_t>(first), closed.end(),
              [](const detail::Region& a, const detail::Region& b) { return a.precedes(b); });
  }

  // Closes the regions that the current row does not continue.
  void close_regions() {
    const std::size_t first = closed.size();
    for (const OpenRun& run : above) {
      const int32_t slot = root(run.slot);
      if (region(slot).empty() || region(slot).last_row() == next_row) continue;
      close(slot);
    }
    sort_closed(first);
    for (const int32_t slot : taken_over) {
      parent[static_cast<std::size_t>(slot)] = slot;
      free_slots.push_back(slot);
    }
    taken_over.clear();
  }

  // Splits the closed regions, many at a time, and hands them on in order.
  void hand_on() {
    std::size_t begin = 0;
    while (begin < closed.size()) {
      throw_if_cancelled();
      std::size_t end = begin;
      for (int64_t pixels = 0; end < closed.size() && (end == begin || pixels < kBatchPixels); ++end) {
        pixels += closed[end].window().pixel_count() + kPixelsPerRegion;
      }
      std::vector<InstancePatch> patches(end - begin);
      in_parallel(patches.size(), [&](std::size_t i) {
        patches[i] = closed[begin + i].split(thresholds);
        closed[begin + i] = {};
      });
      for (InstancePatch& patch : patches) {
        if (patch.count > 0) sink(std::move(patch));
      }
      begin = end;
    }
    closed.clear();
    closed_pixels = 0;
  }
};

InstanceStream::InstanceStream(int64_t scene_width, InstanceThresholds thresholds,
                               std::function<void(InstancePatch&&)> sink, const InstanceLimits& limits,
                               int64_t witnesses) {
  check(thresholds);
  assert(scene_width > 0 && scene_width <= std::numeric_limits<int32_t>::max() &&
         limits.region_pixels <= kLargestRegion);
  impl_ = std::make_unique<Impl>(scene_width, thresholds, std::move(sink), limits, witnesses);
}

InstanceStream::~InstanceStream() = default;

void InstanceStream::add(const MapBlock& block, int64_t first_band) { impl_->add(block, first_band); }

void InstanceStream::finish() {
  if (impl_->gap_width > 0 && impl_->next_row < impl_->known_row) impl_->bridge_rows(impl_->known_row);
  impl_->add_row({});
  impl_->hand_on();
}

std::vector<Window> InstanceStream::open_windows() const {
  std::vector<Window> windows;
  for (const detail::Region& region : impl_->regions) {
    if (!region.empty()) windows.push_back(region.window());
  }
  return windows;
}

int64_t InstanceStream::first_new_row() const { return impl_->next_row; }

Image<int32_t> split_instances(const Image<float>& maps, const Image<uint8_t>& valid,
                               const InstanceThresholds& thresholds) {
  Image<int32_t> out(maps.width(), maps.height());
  if (out.empty()) return out;
  int32_t count = 0;
  InstanceStream stream(maps.width(), thresholds, [&](InstancePatch&& patch) {
    for (int64_t row = 0; row < patch.window.height; ++row) {
      for (int64_t col = 0; col < patch.window.width; ++col) {
        const int32_t label = patch.labels.at(col, row);
        if (label != 0) out.at(patch.window.col + col, patch.window.row + row) = count + label;
      }
    }
    count += patch.count;
  });
  // Blocks of a few rows: the regions' values are taken from the image as it goes, not copied whole.
  constexpr int64_t kRows = 256;
  for (int64_t row = 0; row < maps.height(); row += kRows) {
    const Window window{0, row, maps.width(), std::min(kRows, maps.height() - row)};
    stream.add({0, row, crop(maps, window), crop(valid, window)}, 0);
  }
  stream.finish();
  std::vector<int32_t> number(static_cast<std::size_t>(count) + 1, 0);
  int32_t next = 0;
  for (int32_t& label : std::span(out.data(), out.size())) {
    if (label == 0) continue;
    int32_t& mapped = number[static_cast<std::size_t>(label)];
    if (mapped == 0) mapped = ++next;
    label = mapped;
  }
  return out;
}

}  // namespace plat
