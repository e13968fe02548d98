// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/row_runs.hpp"

#include "postprocess/instances.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace plat::detail {
namespace {

constexpr Relief kHighest = 0xFFF0;

Relief relief_at(float boundary, float distance, const InstanceThresholds& thresholds) {
  const double height =
      1 - (static_cast<double>(distance) - thresholds.boundary_weight * static_cast<double>(boundary));
  const double level = std::round(height * kLevelsPerUnit);
  // The comparison is false for NaN, which thus counts as the highest ground.
  return level < kHighest ? static_cast<Relief>(std::max(level, 0.0)) : kHighest;
}

// Adds [begin, end) behind spans, joined with the last one where they touch.
void extend(std::vector<Span>& spans, int32_t begin, int32_t end) {
  if (!spans.empty() && spans.back().end == begin) {
    spans.back().end = end;
  } else {
    spans.push_back({begin, end});
  }
}

// The same with pixels whose values are those that follow.
void extend(std::vector<Run>& runs, const Run& run) {
  if (!runs.empty() && runs.back().end == run.begin) {
    runs.back().end = run.end;
  } else {
    runs.push_back(run);
  }
}

// A row as bytes: how many runs, spans and pixels; then their columns and values.
struct Counts {
  uint32_t runs = 0;
  uint32_t seen = 0;
  uint32_t pixels = 0;
};

template <typename T>
void put(std::vector<std::byte>& to, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <typename T>
void take(std::span<const std::byte>& from, std::size_t count, std::vector<T>& to) {
  const std::size_t before = to.size();
  to.resize(before + count);
  std::memcpy(to.data() + before, from.data(), count * sizeof(T));
  from = from.subspan(count * sizeof(T));
}

}  // namespace

RowRuns find_runs(const MapBlock& block, int64_t row, int64_t first_band, const InstanceThresholds& thresholds,
                  int64_t witnesses) {
  const auto extent = block.maps.row(row, first_band);
  const auto boundary = block.maps.row(row, first_band + 1);
  const auto distance = block.maps.row(row, first_band + 2);
  const auto valid = block.valid.row(row);
  const auto scene_row = static_cast<int32_t>(block.row + row);
  const auto first_col = static_cast<int32_t>(block.col);
  const auto least = static_cast<float>(thresholds.extent);
  RowRuns out;
  const auto inside = [&](float value) { return value >= least; };
  for (std::size_t from = 0, seen_end = 0; from < valid.size(); from = seen_end) {
    const auto has_data = [&](uint8_t v) { return v != 0; };
    from = static_cast<std::size_t>(std::find_if(valid.begin() + from, valid.end(), has_data) - valid.begin());
    seen_end = static_cast<std::size_t>(std::find_if_not(valid.begin() + from, valid.end(), has_data) - valid.begin());
    if (from == seen_end) break;
    out.seen.push_back({first_col + static_cast<int32_t>(from), first_col + static_cast<int32_t>(seen_end)});
    for (std::size_t begin = from, end = from; begin < seen_end; begin = end) {
      const auto last = extent.begin() + seen_end;
      begin = static_cast<std::size_t>(std::find_if(extent.begin() + begin, last, inside) - extent.begin());
      end = static_cast<std::size_t>(std::find_if_not(extent.begin() + begin, last, inside) - extent.begin());
      if (begin == end) break;
      out.runs.push_back({scene_row, first_col + static_cast<int32_t>(begin), first_col + static_cast<int32_t>(end),
                          out.relief.size()});
      for (std::size_t i = begin; i < end; ++i) {
        out.relief.push_back(relief_at(boundary[i], distance[i], thresholds));
        out.extent.push_back(static_cast<uint16_t>(std::lround(std::clamp(extent[i], 0.0F, 1.0F) * 65535.0F)));
        for (int64_t w = 0; w < witnesses; ++w) {
          const float says = block.maps.at(static_cast<int64_t>(i), row, first_band + 3 + w);
          out.witnesses.push_back(!(says >= 0) ? kUnseen
                                               : static_cast<uint8_t>(std::lround(std::min(says, 1.0F) * 254.0F)));
        }
      }
    }
  }
  return out;
}

RowRuns with_bridges(const RowRuns& row, std::span<const Span> bridges, int64_t scene_row, int64_t witnesses) {
  RowRuns out;
  out.seen = row.seen;
  const auto number = static_cast<int32_t>(scene_row);
  const auto each = static_cast<std::size_t>(witnesses);
  const auto add_bridge = [&](const Span& bridge) {
    extend(out.runs, {number, bridge.begin, bridge.end, out.relief.size()});
    const auto count = static_cast<std::size_t>(bridge.end - bridge.begin);
    out.relief.insert(out.relief.end(), count, kBridge);
    out.extent.insert(out.extent.end(), count, uint16_t{0});
    out.witnesses.insert(out.witnesses.end(), count * each, kUnseen);
  };
  std::size_t next = 0;
  for (const Run& run : row.runs) {
    while (next < bridges.size() && bridges[next].begin < run.begin) add_bridge(bridges[next++]);
    extend(out.runs, {number, run.begin, run.end, out.relief.size()});
    const auto first = static_cast<std::ptrdiff_t>(run.first_pixel);
    const std::ptrdiff_t last = first + (run.end - run.begin);
    out.relief.insert(out.relief.end(), row.relief.begin() + first, row.relief.begin() + last);
    out.extent.insert(out.extent.end(), row.extent.begin() + first, row.extent.begin() + last);
    out.witnesses.insert(out.witnesses.end(), row.witnesses.begin() + first * witnesses,
                         row.witnesses.begin() + last * witnesses);
  }
  while (next < bridges.size()) add_bridge(bridges[next++]);
  return out;
}

void find_gaps(RowRuns& row) {
  row.gaps.clear();
  auto seen = row.seen.begin();
  for (std::size_t i = 1; i < row.runs.size(); ++i) {
    const int32_t begin = row.runs[i - 1].end, end = row.runs[i].begin;
    if (end - begin > kLargestFilledHole) continue;
    // Both runs are seen: the gap is where one stretch holds them both.
    while (seen != row.seen.end() && seen->end <= begin) ++seen;
    if (seen != row.seen.end() && seen->begin < begin && seen->end >= end) {
      row.gaps.push_back({row.runs[i].row, begin, end, i - 1});
    }
  }
}

void WaitingRows::add(const std::vector<RowRuns>& rows) {
  assert(starts_.empty() || starts_.front().size() == rows.size() + 1);
  std::vector<int64_t>& starts = starts_.emplace_back();
  std::vector<std::byte> bytes;
  for (const RowRuns& row : rows) {
    starts.push_back(end_ + static_cast<int64_t>(bytes.size()));
    if (row.seen.empty()) continue;
    const Counts counts{static_cast<uint32_t>(row.runs.size()), static_cast<uint32_t>(row.seen.size()),
                        static_cast<uint32_t>(row.relief.size())};
    put(bytes, std::span(&counts, 1));
    for (const Run& run : row.runs) {
      const Span span{run.begin, run.end};
      put(bytes, std::span(&span, 1));
    }
    put(bytes, std::span(row.seen));
    put(bytes, std::span(row.relief));
    put(bytes, std::span(row.extent));
    put(bytes, std::span(row.witnesses));
  }
  store_.write(end_, bytes);
  end_ += static_cast<int64_t>(bytes.size());
  starts.push_back(end_);
}

RowRuns WaitingRows::whole(std::size_t row, int64_t scene_row, int64_t witnesses) const {
  RowRuns out;
  std::vector<std::byte> bytes;
  std::vector<Span> runs, seen;
  for (const std::vector<int64_t>& starts : starts_) {
    bytes.resize(static_cast<std::size_t>(starts[row + 1] - starts[row]));
    if (bytes.empty()) continue;
    store_.read(starts[row], bytes);
    std::span<const std::byte> from(bytes);
    Counts counts;
    std::memcpy(&counts, from.data(), sizeof(counts));
    from = from.subspan(sizeof(counts));
    runs.clear();
    seen.clear();
    take(from, counts.runs, runs);
    take(from, counts.seen, seen);
    std::size_t first_pixel = out.relief.size();
    for (const Span& run : runs) {
      extend(out.runs, {static_cast<int32_t>(scene_row), run.begin, run.end, first_pixel});
      first_pixel += static_cast<std::size_t>(run.end - run.begin);
    }
    for (const Span& span : seen) extend(out.seen, span.begin, span.end);
    take(from, counts.pixels, out.relief);
    take(from, counts.pixels, out.extent);
    take(from, counts.pixels * static_cast<std::size_t>(witnesses), out.witnesses);
  }
  return out;
}

void WaitingRows::clear() {
  end_ = 0;
  starts_.clear();
}

}  // namespace plat::detail
