// SPDX-License-Identifier: Apache-2.0
#include "training/training_data.hpp"

#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "training/crop_sampler.hpp"
#include "training/random.hpp"
#include "training/scene_loader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kContext = 64;  // model pixels shown around a validation area

/// The smallest window of pixels that holds a rectangle of world coordinates, cut to the grid.
Window pixel_window(const Grid& grid, const Bounds& world) {
  const Affine to_pixel = grid.world_from_pixel.inverse();
  const Point first = to_pixel({world.min_x, world.max_y});
  const Point last = to_pixel({world.max_x, world.min_y});
  // A thousandth of a pixel of tolerance, so that rounding in a transform does not add a row.
  const auto col = static_cast<int64_t>(std::floor(first.x + 1e-3));
  const auto row = static_cast<int64_t>(std::floor(first.y + 1e-3));
  const auto col_end = static_cast<int64_t>(std::ceil(last.x - 1e-3));
  const auto row_end = static_cast<int64_t>(std::ceil(last.y - 1e-3));
  return intersect({col, row, col_end - col, row_end - row}, grid.window());
}

void set_use(LabelledScene& scene, const Window& window, PixelUse use) {
  for (int64_t row = window.row; row < window.row_end(); ++row) {
    for (uint8_t& pixel :
         scene.use.row(row).subspan(static_cast<std::size_t>(window.col), static_cast<std::size_t>(window.width))) {
      if (pixel != static_cast<uint8_t>(PixelUse::None)) pixel = static_cast<uint8_t>(use);
    }
  }
}

/// The labels on a scene, in its pixels, one polygon an object, and the window that labels cover.
struct SceneLabels {
  std::vector<MultiPolygon> objects;
  Window covered;
};

SceneLabels place_labels(const std::vector<FeatureLayer>& layers, const Grid& grid) {
  SceneLabels labels;
  Bounds all;
  const Bounds world = grid.world_bounds();
  for (const FeatureLayer& layer : layers) {
    const bool carry = !layer.crs.empty() && !grid.crs.empty();
    std::optional<CrsTransform> transform;
    if (carry) transform.emplace(layer.crs, grid.crs);
    for (const Feature& feature : layer.features) {
      for (const Polygon& part : feature.geometry) {
        const Polygon placed = carry ? (*transform)(part) : part;
        const Bounds box = bounds(placed);
        all.add(box);
        if (box.intersects(world)) labels.objects.push_back({grid.to_pixel(placed)});
      }
    }
  }
  labels.covered = all.intersects(world) ? pixel_window(grid, all) : Window{};
  return labels;
}

/// Blocks of the scene, chosen at random until they hold the share of its labelled pixels that is to be kept out.
void keep_out_blocks(LabelledScene& scene, const TrainingDataOptions& options, uint64_t scene_number) {
  const auto side = std::max<int64_t>(32, static_cast<int64_t>(options.val_block_m / scene.gsd_m));
  std::vector<std::pair<uint64_t, Window>> blocks;
  for (int64_t row = 0; row < scene.height(); row += side) {
    for (int64_t col = 0; col < scene.width(); col += side) {
      const auto number = static_cast<uint64_t>(row / side * 1'000'003 + col / side);
      blocks.emplace_back(Random(options.seed + scene_number, number).next(),
                          intersect({col, row, side, side}, scene.grid.window()));
    }
  }
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto wanted = static_cast<int64_t>(options.val_fraction * static_cast<double>(scene.count(PixelUse::Train)));
  int64_t kept_out = 0;
  for (const auto& [order, block] : blocks) {
    const Image<uint8_t> use = crop(scene.use, block);
    const int64_t pixels = std::count(use.data(), use.data() + use.size(), static_cast<uint8_t>(PixelUse::Train));
    // The last block may not overshoot by more than half of itself.
    if (kept_out + pixels / 2 > wanted) continue;
    set_use(scene, block, PixelUse::Validate);
    kept_out += pixels;
  }
}

void keep_out(LabelledScene& scene, const TrainingDataOptions& options, uint64_t scene_number) {
  if (!options.val_bbox) return keep_out_blocks(scene, options, scene_number);
  Bounds box = *options.val_bbox;
  if (!options.val_bbox_crs.empty() && !scene.grid.crs.empty())
    box = CrsTransform(options.val_bbox_crs, scene.grid.crs)(box);
  if (box.intersects(scene.grid.world_bounds())) set_use(scene, pixel_window(scene.grid, box), PixelUse::Validate);
}

/// The validation pixels of a scene at the model's resolution, with some context.
std::optional<ValidationArea> validation_area(const LabelledScene& scene, double gsd_m) {
  Bounds box;
  for (int64_t row = 0; row < scene.height(); ++row) {
    for (int64_t col = 0; col < scene.width(); ++col) {
      if (scene.use.at(col, row) != static_cast<uint8_t>(PixelUse::Validate)) continue;
      box.add(Point{static_cast<double>(col), static_cast<double>(row)});
      box.add(Point{static_cast<double>(col + 1), static_cast<double>(row + 1)});
    }
  }
  if (box.empty()) return std::nullopt;
  const double spacing = gsd_m / scene.gsd_m;
  const double context = spacing * kContext;
  const double x0 = std::max(0.0, box.min_x - context);
  const double y0 = std::max(0.0, box.min_y - context);
  const Affine affine = {x0, spacing, 0, y0, 0, spacing};
  const double right = std::min(box.max_x + context, static_cast<double>(scene.width()));
  const double bottom = std::min(box.max_y + context, static_cast<double>(scene.height()));
  const int64_t width = std::llround((right - x0) / spacing);
  const int64_t height = std::llround((bottom - y0) / spacing);
  return ValidationArea{scene.name, warp_pixels(scene, affine, width, height, Show::Everything),
                        warp_labels(scene, affine, width, height),
                        warp_use(scene, affine, width, height, PixelUse::Validate)};
}

std::string percent(int64_t part, int64_t whole) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.0f %%",
                100.0 * static_cast<double>(part) / std::max(1.0, static_cast<double>(whole)));
  return text.data();
}

std::string describe(const LoadedScene& loaded) {
  const std::string first = std::filesystem::path(loaded.paths.front()).filename().string();
  if (loaded.paths.size() == 1) return first;
  return first + " and " + std::to_string(loaded.paths.size() - 1) + " neighbours";
}

}  // namespace

void TrainingDataOptions::validate() const {
  if (scenes.empty()) throw UsageError("no scenes are given; name rasters or folders with --scenes");
  if (labels.empty()) throw UsageError("no labels are given; name vector files with --labels");
  if (!(gsd_m > 0)) throw UsageError("--gsd must be more than 0 m");
  if (!(val_fraction >= 0 && val_fraction <= 0.9)) throw UsageError("--val-fraction must lie in [0, 0.9]");
  if (!(val_block_m > 0)) throw UsageError("--val-block must be more than 0 m");
  if (val_bbox && val_bbox->empty())
    throw UsageError("--val-bbox needs xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax");
}

std::vector<std::string> list_scenes(const std::vector<std::string>& paths) {
  static constexpr std::array<const char*, 7> kRasters = {".tif", ".tiff", ".vrt", ".jp2", ".img", ".png", ".jpg"};
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (std::find(kRasters.begin(), kRasters.end(), entry.path().extension().string()) != kRasters.end()) {
        found.push_back(entry.path().string());
      }
    }
    if (found.empty()) throw DataError(path + ": the folder holds no raster (.tif, .vrt, .jp2, .img, .png, .jpg)");
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

TrainingData load_training_data(const TrainingDataOptions& options) {
  options.validate();
  std::vector<FeatureLayer> layers;
  TrainingData data;
  for (const std::string& path : options.labels) {
    layers.push_back(read_features(path));
    data.report.push_back(std::filesystem::path(path).filename().string() + ": " +
                          std::to_string(layers.back().features.size()) + " polygons, " + layers.back().crs.name() +
                          (layers.back().skipped > 0
                               ? ", " + std::to_string(layers.back().skipped) + " features without area left out"
                               : ""));
  }
  uint64_t number = 0;
  for (LoadedScene& loaded : load_scenes(list_scenes(options.scenes), options.bands, options.gsd_m)) {
    const std::string name = describe(loaded);
    SceneLabels labels = place_labels(layers, loaded.grid);
    if (labels.objects.empty()) {
      data.report.push_back(name + ": left out, no label lies on it");
      continue;
    }
    const auto objects = static_cast<int64_t>(labels.objects.size());
    LabelledScene scene =
        make_scene(name, std::move(loaded.pixels), loaded.grid, loaded.gsd_m, std::move(labels.objects));
    for (int64_t row = 0; row < scene.height(); ++row) {
      for (int64_t col = 0; col < scene.width(); ++col) {
        if (loaded.valid.at(col, row) == 0 || !labels.covered.contains(col, row))
          scene.use.at(col, row) = static_cast<uint8_t>(PixelUse::None);
      }
    }
    const int64_t all = scene.width() * scene.height();
    const int64_t usable = scene.count(PixelUse::Train);
    keep_out(scene, options, number++);
    const double scale = scene.gsd_m / options.gsd_m;
    const auto at_model = [scale](int64_t pixels) { return std::llround(static_cast<double>(pixels) * scale * scale); };
    data.objects += objects;
    data.training_pixels += at_model(scene.count(PixelUse::Train));
    data.validation_pixels += at_model(scene.count(PixelUse::Validate));
    std::array<char, 32> gsd{};
    std::snprintf(gsd.data(), gsd.size(), "%.3f m", scene.gsd_m);
    data.report.push_back(name + ": " + std::to_string(scene.width()) + " x " + std::to_string(scene.height()) +
                          " pixels of " + gsd.data() + ", " + std::to_string(objects) + " objects; " +
                          percent(scene.count(PixelUse::Train), all) + " for training, " +
                          percent(scene.count(PixelUse::Validate), all) + " for validation, " +
                          percent(all - usable, all) + " left out (no data, or outside the labels' bounds)");
    if (auto area = validation_area(scene, options.gsd_m)) data.validation.push_back(std::move(*area));
    data.scenes.push_back(std::move(scene));
  }
  if (data.scenes.empty()) throw DataError("no label lies on any scene: check their coordinate reference systems");
  return data;
}

}  // namespace plat
