// SPDX-License-Identifier: Apache-2.0
#include "geo/raster_reader.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "geo/detail/band_choice.hpp"
#include "geo/detail/pixel_map.hpp"
#include "geo/detail/raster_open.hpp"
#include "geo/detail/raster_source.hpp"
#include "geo/detail/reader_grid.hpp"
#include "geo/detail/resampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <utility>

namespace plat {
namespace {

// Transforms written by different programs differ in their last digits: pixels that coincide this well are the same.
constexpr double kSamePixel = 0.01;

/// What is decided once when a file is opened; clones share it.
struct ReadPlan {
  RasterInfo info;
  Crs crs;  ///< the file's, or the one assigned
  std::vector<detail::Channel> channels;
  std::optional<double> nodata;
  bool nearest = false;
  std::optional<ShiftField> shift;  ///< of the lattice
  Grid lattice;                     ///< the grid that pixels are computed on; fixed before a part is cut out of it
  Grid grid;                        ///< what the reader shows: the lattice or a part of it
  Window part;                      ///< where `grid` lies in `lattice`
  bool direct = false;              ///< the lattice's pixels are the file's own
  int64_t direct_col = 0;
  int64_t direct_row = 0;
  detail::SamplingPlan sampling;
};

/// The lattice's pixels by number in the file, when they are the file's own.
bool is_direct(const Affine& file_from_lattice, const Grid& lattice, ReadPlan& plan) {
  const Affine& a = file_from_lattice;
  if (a.row_dx != 0 || a.col_dy != 0) return false;
  const double col = std::round(a.x0);
  const double row = std::round(a.y0);
  const double drift_x = std::abs(a.x0 - col) + std::abs(a.col_dx - 1) * static_cast<double>(lattice.width);
  const double drift_y = std::abs(a.y0 - row) + std::abs(a.row_dy - 1) * static_cast<double>(lattice.height);
  if (drift_x > kSamePixel || drift_y > kSamePixel || std::abs(col) > 1e9 || std::abs(row) > 1e9) return false;
  plan.direct = true;
  plan.direct_col = static_cast<int64_t>(col);
  plan.direct_row = static_cast<int64_t>(row);
  return true;
}

Crs effective_crs(const RasterInfo& info, const RasterOptions& options) {
  if (options.assign_crs.empty()) return info.grid.crs;
  if (info.georeferencing == "none") {
    throw DataError(info.path + ": has no transform, so a CRS cannot place it; georeference the file first");
  }
  return options.assign_crs;
}

detail::PixelMap unshifted_map(GDALDatasetH file, const ReadPlan& plan) {
  const RasterInfo& info = plan.info;
  if (info.georeferencing == "none") {
    const Affine pixel_frame{0, 1, 0, 0, 0, -1};
    return detail::PixelMap(detail::pixel_from_pixel(plan.lattice.world_from_pixel, pixel_frame));
  }
  if (info.georeferencing == "transform" && plan.crs.same_as(plan.lattice.crs)) {
    return detail::PixelMap(detail::pixel_from_pixel(plan.lattice.world_from_pixel, info.grid.world_from_pixel));
  }
  return detail::PixelMap(file, info, plan.crs, plan.lattice);
}

detail::PixelMap make_map(GDALDatasetH file, const ReadPlan& plan) {
  detail::PixelMap map = unshifted_map(file, plan);
  if (plan.shift) map.shift_first(*plan.shift);
  return map;
}

/// The grid that pixels are computed on, before `bbox` cuts a part out.
Grid choose_lattice(GDALDatasetH file, const ReadPlan& plan, const RasterOptions& options) {
  if (options.target_grid) {
    const Grid& target = *options.target_grid;
    if (!target.world_from_pixel.north_up() || target.width <= 0 || target.height <= 0) {
      throw UsageError("a raster is read on north-up grids only");
    }
    const bool placed = plan.info.georeferencing != "none" && !plan.crs.empty();
    if (placed != !target.crs.empty()) {
      throw DataError(plan.info.path + ": " + (placed ? "has the CRS " + plan.crs.name() : std::string("has no CRS")) +
                      ", but is to be read on a grid with " + target.crs.name() +
                      ". Pass --assign-crs or fix the file");
    }
    return target;
  }
  Grid native = detail::native_grid(file, plan.info, plan.crs);
  if (!options.gsd_m) return native;
  if (plan.info.georeferencing == "none") {
    log_warning(plan.info.path +
                ": no georeferencing, so the size of its pixels is unknown; they are used as they are");
    return native;
  }
  return detail::with_gsd(native, *options.gsd_m);
}

void choose_part(ReadPlan& plan, const RasterOptions& options) {
  plan.part = plan.lattice.window();
  if (options.bbox && !options.target_grid) {
    Bounds box = *options.bbox;
    if (!options.bbox_crs.empty()) box = CrsTransform(options.bbox_crs, plan.lattice.crs)(box);
    plan.part = detail::window_of(plan.lattice, box, plan.info.path);
  }
  plan.grid = plan.lattice.sub(plan.part);
}

/// Copies a block into a larger one.
void paste(const RasterBlock& from, int64_t col, int64_t row, RasterBlock& to) {
  for (int64_t r = 0; r < from.valid.height(); ++r) {
    std::copy(from.valid.row(r).begin(), from.valid.row(r).end(), to.valid.row(row + r).begin() + col);
    for (int64_t b = 0; b < from.pixels.bands(); ++b) {
      std::copy(from.pixels.row(r, b).begin(), from.pixels.row(r, b).end(), to.pixels.row(row + r, b).begin() + col);
    }
  }
}

detail::SamplingPlan exact_sampling(detail::RasterSource& source, const detail::PixelMap& map, const ReadPlan& plan) {
  return detail::plan_sampling(source.dataset(), map, Affine(), plan.lattice.width, plan.lattice.height,
                               detail::Effort::Exact, plan.nearest);
}

RasterBlock empty_block(int64_t width, int64_t height, int bands) {
  return {Image<float>(width, height, bands), Image<uint8_t>(width, height)};
}

}  // namespace

struct RasterReader::Impl {
  std::shared_ptr<const ReadPlan> plan;
  detail::RasterSource source;
  detail::PixelMap map;

  /// `full` stands at full resolution; it serves the georeferencing, and the pixels where the plan reads all of them.
  Impl(std::shared_ptr<const ReadPlan> decided, detail::RasterSource full)
      : plan(std::move(decided)), source(std::move(full)), map(make_map(source.dataset(), *plan)) {
    if (!plan->direct && plan->sampling.level.overview >= 0) source = source_at(plan->sampling.level);
  }

  detail::RasterSource source_at(const detail::SourceLevel& level) const {
    return detail::RasterSource(plan->info, plan->channels, plan->nodata, level);
  }

  /// Reads a window of the lattice that lies in it.
  RasterBlock read(const Window& window) {
    if (!plan->direct) return detail::resample(source, map, plan->sampling, window);
    RasterBlock out = empty_block(window.width, window.height, source.channels());
    const Window wanted{window.col + plan->direct_col, window.row + plan->direct_row, window.width, window.height};
    const Window there = intersect(wanted, {0, 0, source.width(), source.height()});
    if (there == wanted) return source.read(wanted);
    if (!there.empty()) paste(source.read(there), there.col - wanted.col, there.row - wanted.row, out);
    return out;
  }
};

RasterReader::RasterReader(const std::string& path, const RasterOptions& options) {
  auto plan = std::make_shared<ReadPlan>();
  {
    const detail::DatasetHandle file = detail::open_raster(path);
    plan->info = detail::describe(file.get(), path);
    detail::check_safe(file.get(), plan->info);
  }
  plan->crs = effective_crs(plan->info, options);
  plan->channels = detail::choose_channels(plan->info, options.bands);
  plan->nodata = options.nodata;
  plan->nearest = options.nearest;
  detail::RasterSource source(plan->info, plan->channels, plan->nodata, {});
  plan->lattice = choose_lattice(source.dataset(), *plan, options);
  if (options.target_grid) plan->shift = options.shift;
  choose_part(*plan, options);
  const detail::PixelMap map = make_map(source.dataset(), *plan);
  if (map.affine() == nullptr || !is_direct(*map.affine(), plan->lattice, *plan)) {
    plan->sampling = exact_sampling(source, map, *plan);
  }
  impl_ = std::make_unique<Impl>(std::move(plan), std::move(source));
}

RasterReader::RasterReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RasterReader::~RasterReader() = default;
RasterReader::RasterReader(RasterReader&&) noexcept = default;
RasterReader& RasterReader::operator=(RasterReader&&) noexcept = default;

RasterReader RasterReader::clone() const {
  return RasterReader(std::make_unique<Impl>(impl_->plan, impl_->source_at({})));
}

RasterReader RasterReader::nearest() const {
  auto plan = std::make_shared<ReadPlan>(*impl_->plan);
  plan->nearest = true;
  detail::RasterSource source = impl_->source_at({});
  if (!plan->direct) plan->sampling = exact_sampling(source, impl_->map, *plan);
  return RasterReader(std::make_unique<Impl>(std::move(plan), std::move(source)));
}

const RasterInfo& RasterReader::info() const { return impl_->plan->info; }
const Grid& RasterReader::grid() const { return impl_->plan->grid; }
int RasterReader::bands() const { return impl_->source.channels(); }
bool RasterReader::is_byte() const { return impl_->source.is_byte(); }
bool RasterReader::is_integer() const { return impl_->source.is_integer(); }

RasterBlock RasterReader::read(const Window& window) {
  const Window& part = impl_->plan->part;
  const Window inside = intersect(window, {0, 0, part.width, part.height});
  if (inside.empty()) return empty_block(window.width, window.height, bands());
  RasterBlock block = impl_->read({inside.col + part.col, inside.row + part.row, inside.width, inside.height});
  if (inside == window) return block;
  RasterBlock out = empty_block(window.width, window.height, bands());
  paste(block, inside.col - window.col, inside.row - window.row, out);
  return out;
}

RasterBlock RasterReader::read_reduced(const Window& window, int64_t width, int64_t height) {
  if (width == window.width && height == window.height) return read(window);
  if (width <= 0 || height <= 0 || window.empty()) return empty_block(width, height, bands());
  const ReadPlan& plan = *impl_->plan;
  const double scale_x = static_cast<double>(window.width) / static_cast<double>(width);
  const double scale_y = static_cast<double>(window.height) / static_cast<double>(height);
  const Affine lattice_from_reduced{static_cast<double>(window.col + plan.part.col), scale_x, 0,
                                    static_cast<double>(window.row + plan.part.row), 0,       scale_y};
  detail::RasterSource full = impl_->source_at({});
  const detail::SamplingPlan sampling = detail::plan_sampling(full.dataset(), impl_->map, lattice_from_reduced, width,
                                                              height, detail::Effort::Overview, plan.nearest);
  const bool all_pixels = sampling.level.overview < 0 && sampling.level.step == 1;
  detail::RasterSource level = all_pixels ? std::move(full) : impl_->source_at(sampling.level);
  RasterBlock out = detail::resample(level, impl_->map, sampling, {0, 0, width, height});
  // Samples may look past a part that was cut out, but none lies there: only those past the window's own frame are hidden.
  const Window inside = intersect(window, {0, 0, plan.part.width, plan.part.height});
  if (inside == window) return out;
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const double x = static_cast<double>(window.col) + (static_cast<double>(col) + 0.5) * scale_x;
      const double y = static_cast<double>(window.row) + (static_cast<double>(row) + 0.5) * scale_y;
      if (x >= 0 && y >= 0 && x < static_cast<double>(plan.part.width) && y < static_cast<double>(plan.part.height))
        continue;
      out.valid.at(col, row) = 0;
      for (int64_t b = 0; b < out.pixels.bands(); ++b) out.pixels.at(col, row, b) = 0;
    }
  }
  return out;
}

RasterBlock RasterReader::read_reduced_around_damage(const Window& window, int64_t width, int64_t height) {
  // Pieces that fail are halved down to this many pixels a side; a file of nothing but damage must not cost as many tries as
  // it has pieces.
  constexpr int64_t kSmallestPiece = 16;
  constexpr int kMostFailures = 200;
  RasterBlock whole = empty_block(width, height, bands());
  int failures = 0;
  bool any = false;
  const std::function<void(const Window&)> read_piece = [&](const Window& piece) {
    throw_if_cancelled();
    // The part of the scene that the piece shows.
    const int64_t left = window.width * piece.col / width, right = window.width * piece.col_end() / width;
    const int64_t top = window.height * piece.row / height, bottom = window.height * piece.row_end() / height;
    const Window part{window.col + left, window.row + top, right - left, bottom - top};
    if (part.empty()) return;
    try {
      paste(read_reduced(part, piece.width, piece.height), piece.col, piece.row, whole);
      any = true;
    } catch (const IoError&) {
      if (++failures > kMostFailures && !any) throw;
      const bool wide = piece.width >= piece.height;
      const int64_t side = wide ? piece.width : piece.height;
      if (side <= kSmallestPiece || failures > kMostFailures) return;
      const int64_t half = side / 2;
      Window first = piece, second = piece;
      (wide ? first.width : first.height) = half;
      (wide ? second.col : second.row) += half;
      (wide ? second.width : second.height) = side - half;
      read_piece(first);
      read_piece(second);
    }
  };
  if (width > 0 && height > 0) read_piece({0, 0, width, height});
  if (failures > 0 && !any) return read_reduced(window, width, height);  // says what is wrong
  return whole;
}

RasterInfo inspect_raster(const std::string& path) {
  const detail::DatasetHandle file = detail::open_raster(path);
  return detail::describe(file.get(), path);
}

std::string control_point_warning(const RasterInfo& info) {
  // Terrain moves points by some pixels, in large scenes by more; nothing but a wrong point moves them this far.
  constexpr double kLeastError = 5;
  constexpr double kLeastShare = 0.01;
  const double side = static_cast<double>(std::max(info.grid.width, info.grid.height));
  if (info.control_point_error_px <= std::max(kLeastError, kLeastShare * side)) return "";
  std::array<char, 32> pixels{};
  std::snprintf(pixels.data(), pixels.size(), "%.0f", info.control_point_error_px);
  return info.path +
         ": its ground control points contradict one another: the position that fits them best misses one by " +
         pixels.data() + " pixels; check them, for results may be out of place by as much.";
}

}  // namespace plat
