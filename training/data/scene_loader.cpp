// SPDX-License-Identifier: Apache-2.0
#include "training/data/scene_loader.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/raster_reader.hpp"
#include "geo/resolution.hpp"
#include "geo/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <sstream>

namespace plat {
namespace {

constexpr double kSpacingTolerance = 0.01;  // relative; degrees per pixel vary a little with latitude between chips
constexpr double kSparsest = 1.5;           // joined area over the area of its parts, above which parts stay apart

struct Source {
  std::size_t number = 0;  ///< position in what was asked for
  SceneFile file;
  RasterInfo info;
  Grid grid;
  double gsd_m = 0;
  RasterOptions options;
  int64_t model_width = 0;  ///< of the grid that extraction reads it on
  int64_t model_height = 0;
};

/// Grown by one pixel, so that rasters side by side touch in spite of rounding.
Bounds reach(const Grid& grid) {
  Bounds box = grid.world_bounds();
  box.min_x -= grid.world_from_pixel.col_dx;
  box.max_x += grid.world_from_pixel.col_dx;
  box.min_y += grid.world_from_pixel.row_dy;
  box.max_y -= grid.world_from_pixel.row_dy;
  return box;
}

bool joinable(const Source& a, const Source& b) {
  const auto close = [](double x, double y) { return std::abs(x - y) <= kSpacingTolerance * std::abs(x); };
  const Affine& p = a.grid.world_from_pixel;
  const Affine& q = b.grid.world_from_pixel;
  return !a.file.group.empty() && a.file.group == b.file.group && !a.grid.crs.empty() && close(p.col_dx, q.col_dx) &&
         close(p.row_dy, q.row_dy) && reach(a.grid).intersects(b.grid.world_bounds()) && a.grid.crs.same_as(b.grid.crs);
}

/// The group of each source: sources that touch, directly or through others, share one.
std::vector<std::size_t> group(const std::vector<Source>& sources) {
  std::vector<std::size_t> parent(sources.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&parent](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (root(i) != root(j) && joinable(sources[i], sources[j])) {
        parent[std::max(root(i), root(j))] = std::min(root(i), root(j));
      }
    }
  }
  for (std::size_t i = 0; i < sources.size(); ++i) parent[i] = root(i);
  return parent;
}

/// The grid of the first source, extended over all.
Grid joined_grid(const std::vector<Source>& sources) {
  Bounds box;
  for (const Source& source : sources) box.add(source.grid.world_bounds());
  Grid grid = sources.front().grid;
  grid.world_from_pixel.x0 = box.min_x;
  grid.world_from_pixel.y0 = box.max_y;
  grid.width = static_cast<int64_t>(std::llround((box.max_x - box.min_x) / grid.world_from_pixel.col_dx));
  grid.height = static_cast<int64_t>(std::llround((box.min_y - box.max_y) / grid.world_from_pixel.row_dy));
  return grid;
}

/// The pixels of `grid` that a raster covers.
Window covered(const Grid& grid, const SceneRaster& raster) {
  const Affine to_pixel = grid.world_from_pixel.inverse();
  const Bounds box = raster.grid.world_bounds();
  const Point first = to_pixel({box.min_x, box.max_y});
  const Point last = to_pixel({box.max_x, box.min_y});
  const auto col = static_cast<int64_t>(std::floor(first.x + 1e-3));
  const auto row = static_cast<int64_t>(std::floor(first.y + 1e-3));
  const Window window = {col, row, static_cast<int64_t>(std::ceil(last.x - 1e-3)) - col,
                         static_cast<int64_t>(std::ceil(last.y - 1e-3)) - row};
  return intersect(window, grid.window());
}

/// Reads what a raster shows of a part of its scene.
void read_into(LoadedScene& scene, const SceneFrame& frame, const SceneRaster& raster, const Window& part) {
  constexpr int64_t kMostRows = 512;
  constexpr int64_t kPixels = int64_t{1} << 22;  // so that the floating-point copy stays small
  const bool alone = frame.rasters.size() == 1;
  const Window place = alone ? frame.grid.window() : covered(frame.grid, raster);
  const Window wanted = intersect(place, part);
  if (wanted.empty()) return;
  RasterOptions options = raster.options;
  if (!alone) options.target_grid = frame.grid.sub(place);
  RasterReader reader(raster.path, options);
  // Percentiles of the raster itself: those of a part, or of a part of a larger grid, would be others.
  const Scaling scaling = default_scaling(reader);
  const int64_t rows = std::clamp<int64_t>(kPixels / wanted.width, 1, kMostRows);
  for (int64_t row = wanted.row; row < wanted.row_end(); row += rows) {
    throw_if_cancelled();
    RasterBlock block =
        reader.read({wanted.col - place.col, row - place.row, wanted.width, std::min(rows, wanted.row_end() - row)});
    scaling.apply(block.pixels);
    for (int64_t r = 0; r < block.valid.height(); ++r) {
      for (int64_t c = 0; c < wanted.width; ++c) {
        if (block.valid.at(c, r) == 0) continue;
        const int64_t to_col = wanted.col + c - part.col, to_row = row + r - part.row;
        scene.valid.at(to_col, to_row) = 1;
        for (int64_t b = 0; b < 3; ++b) {
          const float value = std::clamp(block.pixels.at(c, r, b), 0.0F, 255.0F);
          scene.pixels.at(to_col, to_row, b) = static_cast<uint8_t>(std::lround(value));
        }
      }
    }
  }
}

SceneFrame frame_of(const std::vector<Source>& sources) {
  SceneFrame scene;
  const Source& first = sources.front();
  scene.grid = sources.size() == 1 ? first.grid : joined_grid(sources);
  scene.gsd_m = sources.size() == 1 ? first.gsd_m : scene.grid.ground_sample_distance_m();
  scene.georeferenced = first.info.georeferencing != "none";
  scene.file_width = first.info.grid.width;
  scene.file_height = first.info.grid.height;
  if (first.info.georeferencing == "transform") scene.world_from_file = first.info.grid.world_from_pixel;
  if (!scene.georeferenced) scene.world_from_file = Affine{0, 1, 0, 0, 0, -1};
  if (sources.size() > 1) scene.world_from_file.reset();
  // Rasters of one resolution share the factor between the two grids.
  const auto at_model = [&](int64_t size, int64_t model_size, int64_t first_size) {
    return sources.size() == 1
               ? model_size
               : std::max<int64_t>(1, std::llround(static_cast<double>(size) * static_cast<double>(model_size) /
                                                   static_cast<double>(first_size)));
  };
  scene.model_width = at_model(scene.grid.width, first.model_width, first.grid.width);
  scene.model_height = at_model(scene.grid.height, first.model_height, first.grid.height);
  for (const Source& source : sources) {
    scene.files.push_back(source.number);
    scene.rasters.push_back({source.file.path, source.grid, source.options});
  }
  return scene;
}

/// The grid of a raster without georeference with pixels so many times as large: the reader's frame has no metres.
Grid coarsened(Grid grid, double factor) {
  const auto shrunk = [factor](int64_t size) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(size) / factor));
  };
  const double width = static_cast<double>(grid.width);
  const double height = static_cast<double>(grid.height);
  grid.width = shrunk(grid.width);
  grid.height = shrunk(grid.height);
  grid.world_from_pixel = {0, width / static_cast<double>(grid.width),   0, 0,
                           0, -height / static_cast<double>(grid.height)};
  return grid;
}

Source describe(std::size_t number, const SceneFile& file, const SceneOptions& options) {
  Source source;
  source.number = number;
  source.file = file;
  source.info = inspect_raster(file.path);
  source.options.bands = options.bands;
  const bool georeferenced = source.info.georeferencing != "none";
  if (georeferenced) source.options.assign_crs = options.assign_crs;
  const RasterReader reader(file.path, source.options);
  if (reader.bands() != 3)
    throw UsageError("training needs three bands; " + std::to_string(reader.bands()) + " are given");
  source.grid = reader.grid();
  source.gsd_m = georeferenced ? source.grid.ground_sample_distance_m() : options.image_gsd_m.value_or(options.gsd_m);
  // Pixels of unknown size are taken as they are.
  source.model_width = source.grid.width;
  source.model_height = source.grid.height;
  if (georeferenced && resampled_for_model(source.gsd_m, options.gsd_m)) {
    RasterOptions at_model = source.options;
    at_model.gsd_m = options.gsd_m;
    const RasterReader resampled(file.path, at_model);
    source.model_width = resampled.grid().width;
    source.model_height = resampled.grid().height;
  }
  // Twice as fine as the model is enough to enlarge crops by; a margin keeps imagery that is nearly that fine as it is.
  if (source.gsd_m >= 0.45 * options.gsd_m) return source;
  if (georeferenced) {
    source.options.gsd_m = options.gsd_m / 2;
    source.grid = RasterReader(file.path, source.options).grid();
    source.gsd_m = source.grid.ground_sample_distance_m();
  } else {
    const double factor = options.gsd_m / 2 / source.gsd_m;
    source.grid = coarsened(source.grid, factor);
    source.options.target_grid = source.grid;
    source.gsd_m *= factor;
  }
  return source;
}

}  // namespace

std::vector<SceneFrame> plan_scenes(const std::vector<SceneFile>& files, const SceneOptions& options) {
  std::vector<Source> sources;
  for (const SceneFile& file : files) {
    throw_if_cancelled();
    sources.push_back(describe(sources.size(), file, options));
  }
  const std::vector<std::size_t> groups = group(sources);
  std::vector<SceneFrame> scenes;
  for (std::size_t first = 0; first < sources.size(); ++first) {
    if (groups[first] != first) continue;
    std::vector<Source> members;
    double parts = 0;
    for (std::size_t i = first; i < sources.size(); ++i) {
      if (groups[i] != first) continue;
      members.push_back(sources[i]);
      parts += static_cast<double>(sources[i].grid.window().pixel_count());
    }
    if (static_cast<double>(joined_grid(members).window().pixel_count()) <= kSparsest * parts) {
      scenes.push_back(frame_of(members));
    } else {
      for (const Source& member : members) scenes.push_back(frame_of({member}));
    }
  }
  return scenes;
}

ModelGrid SceneFrame::model_grid(const Window& part) const {
  const auto spacing = [](int64_t size, int64_t model_size) {
    return static_cast<double>(size) / static_cast<double>(model_size);
  };
  return {model_width,
          model_height,
          {-static_cast<double>(part.col), spacing(grid.width, model_width), 0, -static_cast<double>(part.row), 0,
           spacing(grid.height, model_height)}};
}

LoadedScene load_scene(const SceneFrame& frame, const Window& part) {
  LoadedScene scene;
  scene.grid = frame.grid.sub(part);
  scene.pixels = Image<uint8_t>(part.width, part.height, 3);
  scene.valid = Image<uint8_t>(part.width, part.height);
  for (const SceneRaster& raster : frame.rasters) read_into(scene, frame, raster, part);
  return scene;
}

void require_sensible_gsd(double gsd_m, double scene_gsd_m, const std::string& scene) {
  constexpr double kFinest = 64;
  if (gsd_m * kFinest >= scene_gsd_m) return;
  std::ostringstream text;
  text << "--gsd: " << gsd_m << " m is far finer than the pixels of " << scene << ", " << scene_gsd_m
       << " m, of which a crop would show hardly any; pass --gsd " << scene_gsd_m << ", or what suits all scenes";
  throw UsageError(text.str());
}

}  // namespace plat
