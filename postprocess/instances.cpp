// SPDX-License-Identifier: Apache-2.0
#include "postprocess/instances.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "postprocess/detail/narrow_gaps.hpp"
#include "postprocess/detail/region.hpp"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace plat {
namespace {

constexpr int32_t kNone = -1;
constexpr int64_t kMaps = 3;  // of a class, without witnesses
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

// Puts the rows of a strip, with the class's maps from `first_band` on, below those of another.
void append(Strip& above, const Strip& strip, int64_t first_band, int64_t width) {
  const int64_t before = above.maps.height();
  const int64_t rows = before + strip.maps.height();
  const int64_t maps = above.maps.bands();
  Strip out{above.row, Image<float>(width, rows, maps), Image<uint8_t>(width, rows)};
  for (int64_t row = 0; row < rows; ++row) {
    const bool old = row < before;
    for (int64_t band = 0; band < maps; ++band) {
      std::ranges::copy(old ? above.maps.row(row, band) : strip.maps.row(row - before, first_band + band),
                        out.maps.row(row, band).begin());
    }
    std::ranges::copy(old ? above.valid.row(row) : strip.valid.row(row - before), out.valid.row(row).begin());
  }
  above = std::move(out);
}

// A run of a row and the slot of its region.
struct OpenRun {
  int32_t begin;
  int32_t end;
  int32_t slot;
};

}  // namespace

struct InstanceStream::Impl {
  int64_t width;
  InstanceThresholds thresholds;
  std::function<void(InstancePatch&&)> sink;
  int64_t largest_region;
  int64_t witnesses;

  std::vector<detail::Region> regions;  // by slot
  std::vector<int32_t> parent;          // of each slot: itself, or the slot that took it over in the row at hand
  std::vector<int32_t> free_slots;
  std::vector<int32_t> taken_over;
  std::vector<OpenRun> above;          // the last row's runs; their slots are roots
  std::vector<detail::Region> closed;  // in the order in which they are handed on
  int64_t next_row = 0;
  bool warned = false;

  int64_t gap_width = 0;  // narrow gaps are this wide at most; 0: none are looked for
  Strip held;             // where gaps are looked for: rows that wait for those below them, and some done above

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
    if (window.pixel_count() <= largest_region) return true;
    if (!warned) log_warning("a region of the class is larger than can be split at once; it is cut into parts");
    warned = true;
    return false;
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

  // Adds rows [begin, end) of a strip, whose narrow gaps are `bridges` (empty: none).
  void add_rows(const Strip& strip, int64_t first_band, int64_t begin, int64_t end, const Image<uint8_t>& bridges) {
    std::vector<detail::RowRuns> runs(static_cast<std::size_t>(end - begin));
    in_parallel(runs.size(), [&](std::size_t i) {
      const int64_t row = begin + static_cast<int64_t>(i);
      const auto bridge = bridges.empty() ? std::span<const uint8_t>() : bridges.row(row);
      runs[i] =
          detail::find_runs(strip.maps, strip.valid, row, first_band, strip.row + row, thresholds, bridge, witnesses);
    });
    for (const detail::RowRuns& row : runs) add_row(row);
    hand_on();
  }

  // Appends a strip to the rows held, and adds those of which enough is known; at the scene's end these are all.
  void hold(const Strip* strip, int64_t first_band) {
    if (strip != nullptr) append(held, *strip, first_band, width);
    const int64_t known = held.row + held.maps.height();
    const int64_t end = strip != nullptr ? std::max(next_row, known - gap_width) : known;
    if (end == next_row) return;
    Image<uint8_t> mask(width, held.maps.height());
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask.data()[i] = detail::in_class(held.maps.data()[i], held.valid.data()[i], thresholds) ? 1 : 0;
    }
    add_rows(held, 0, next_row - held.row, end - held.row, detail::narrow_gaps(mask, gap_width));
    const int64_t first = std::max(held.row, end - gap_width);
    const Window rest{0, first - held.row, width, known - first};
    held = {first, crop(held.maps, rest), crop(held.valid, rest)};
  }

  void add_row(const detail::RowRuns& row) {
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
      current.push_back({run.begin, run.end, slot});
      if (next_gap < row.gaps.size() && row.gaps[next_gap].first_pixel + 1 == i) {
        region(root(current[i - 1].slot)).add_gap(row.gaps[next_gap++]);
      }
    }
    for (OpenRun& run : current) run.slot = root(run.slot);
    close_regions();
    above = std::move(current);
    ++next_row;
  }

  // Closes the regions that the current row does not continue.
  void close_regions() {
    const std::size_t first = closed.size();
    for (const OpenRun& run : above) {
      const int32_t slot = root(run.slot);
      if (region(slot).empty() || region(slot).last_row() == next_row) continue;
      closed.push_back(std::move(region(slot)));
      region(slot) = {};
      free_slots.push_back(slot);
    }
    std::sort(closed.begin() + static_cast<std::ptrdiff_t>(first), closed.end(),
              [](const detail::Region& a, const detail::Region& b) { return a.precedes(b); });
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
        pixels += closed[end].window().pixel_count();
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
  }
};

InstanceStream::InstanceStream(int64_t scene_width, InstanceThresholds thresholds,
                               std::function<void(InstancePatch&&)> sink, int64_t largest_region, int64_t witnesses)
    : impl_(std::make_unique<Impl>()) {
  check(thresholds);
  assert(scene_width > 0 && scene_width <= std::numeric_limits<int32_t>::max() && largest_region <= kLargestRegion);
  impl_->width = scene_width;
  impl_->thresholds = thresholds;
  impl_->sink = std::move(sink);
  impl_->largest_region = largest_region;
  impl_->witnesses = witnesses;
  impl_->gap_width = static_cast<int64_t>(std::floor(thresholds.close_gap_px));
  impl_->held = {0, Image<float>(scene_width, 0, kMaps + witnesses), Image<uint8_t>(scene_width, 0)};
}

InstanceStream::~InstanceStream() = default;

void InstanceStream::add(const Strip& strip, int64_t first_band) {
  assert(strip.maps.width() == impl_->width);
  assert(strip.row == (impl_->gap_width > 0 ? impl_->held.row + impl_->held.maps.height() : impl_->next_row));
  if (impl_->gap_width > 0) return impl_->hold(&strip, first_band);
  impl_->add_rows(strip, first_band, 0, strip.maps.height(), {});
}

void InstanceStream::finish() {
  if (impl_->gap_width > 0) impl_->hold(nullptr, 0);
  impl_->add_row({});
  impl_->hand_on();
}

int64_t InstanceStream::first_open_row() const {
  int64_t row = impl_->next_row;
  for (const OpenRun& run : impl_->above) row = std::min(row, impl_->region(run.slot).first_row());
  return row;
}

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
  // Strips of a few rows: the regions' values are taken from the image as it goes, not copied whole.
  constexpr int64_t kRows = 256;
  for (int64_t row = 0; row < maps.height(); row += kRows) {
    const Window window{0, row, maps.width(), std::min(kRows, maps.height() - row)};
    stream.add({row, crop(maps, window), crop(valid, window)}, 0);
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
