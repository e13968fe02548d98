// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/pair_scaling.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

#include <tbb/parallel_invoke.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace plat {
namespace {

/// Pixels of the lattice that are in memory as rasters at a time.
constexpr int64_t kStripPixels = 50'000;
/// Nothing measures as much: a fill value that its file does not declare.
constexpr float kLeastFill = 1e9F;

void append(PixelPairs& pairs, const RasterBlock& before, const RasterBlock& after) {
  for (std::size_t i = 0; i < before.valid.size(); ++i) {
    if (before.valid.data()[i] == 0 || after.valid.data()[i] == 0) continue;
    const std::size_t start = pairs.values.size();
    for (const RasterBlock* block : {&before, &after}) {
      for (int64_t b = 0; b < block->pixels.bands(); ++b) pairs.values.push_back(block->pixels.band(b)[i]);
    }
    const auto fill = [](float value) { return !(std::abs(value) < kLeastFill); };
    if (std::any_of(pairs.values.begin() + static_cast<std::ptrdiff_t>(start), pairs.values.end(), fill)) {
      pairs.values.resize(start);
    }
  }
}

}  // namespace

PixelPairs sample_pairs(RasterReader& before, RasterReader& after, int64_t most_pixels) {
  const Grid& grid = before.grid();
  const double pixels = static_cast<double>(grid.width) * static_cast<double>(grid.height);
  const double spacing = std::max(1.0, std::sqrt(pixels / static_cast<double>(most_pixels)));
  // Long thin scenes keep one sample across.
  const int64_t across =
      std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(grid.width) / spacing), 1, most_pixels);
  const int64_t down = std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(grid.height) / spacing), 1,
                                           std::max<int64_t>(1, most_pixels / across));
  const int64_t strip = std::max<int64_t>(1, kStripPixels / across);
  PixelPairs pairs{before.bands(), after.bands()};
  for (int64_t row = 0; row < down; row += strip) {
    throw_if_cancelled();
    const int64_t rows = std::min(strip, down - row);
    const int64_t from = grid.height * row / down;
    const int64_t to = grid.height * (row + rows) / down;
    const Window window{0, from, grid.width, to - from};
    try {
      RasterBlock of_before, of_after;
      tbb::parallel_invoke([&] { of_before = before.read_reduced_around_damage(window, across, rows); },
                           [&] { of_after = after.read_reduced_around_damage(window, across, rows); });
      append(pairs, of_before, of_after);
    } catch (const IoError&) {
      continue;  // the run's tiles tell what is damaged
    }
  }
  return pairs;
}

MatchedScaling match_scaling(RasterReader& before, const Scaling& of_before, RasterReader& after,
                             Normalization wanted) {
  MatchedScaling matched;
  if (wanted != Normalization::None) matched.fit = fit_normalization(sample_pairs(before, after), wanted);
  if (!matched.fit.obstacle.empty() && wanted != Normalization::Auto) {
    throw DataError(before.info().path + " and " + after.info().path + ": cannot be normalized by " + name_of(wanted) +
                    ": " + matched.fit.obstacle + ". Pass --normalize none.");
  }
  if (matched.fit.curves.empty()) {
    matched.scaling = default_scaling(after);
  } else {
    matched.scaling = of_before;
    matched.scaling.curves = matched.fit.curves;
  }
  return matched;
}

}  // namespace plat
