// SPDX-License-Identifier: Apache-2.0
#include "training/data/kept_out_ground.hpp"

#include "core/cancel.hpp"
#include "geo/feature_io.hpp"
#include "geo/raster_reader.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

namespace plat {
namespace {

/// Pixels whose outlines are drawn at once: a scene may be as large as memory allows.
constexpr int64_t kMostPixels = int64_t{1} << 24;

bool is_kept_out(uint8_t use) { return use == static_cast<uint8_t>(PixelUse::Validate); }

/// The pixels of a scene that one of its images covers.
Window part_of(const LabelledScene& scene, const std::string& image, const std::vector<std::string>& bands,
               const Crs& assign_crs) {
  RasterOptions options;
  options.bands = bands;
  options.assign_crs = assign_crs;
  const Bounds box = RasterReader(image, options).grid().world_bounds();
  const Affine to_pixel = scene.grid.world_from_pixel.inverse();
  const Point first = to_pixel({box.min_x, box.max_y});
  const Point last = to_pixel({box.max_x, box.min_y});
  const int64_t col = std::llround(first.x);
  const int64_t row = std::llround(first.y);
  return intersect({col, row, std::llround(last.x) - col, std::llround(last.y) - row}, scene.grid.window());
}

/// The outlines of the kept-out pixels of a part of a scene, in the scene's pixels.
MultiPolygon outlines(const LabelledScene& scene, const Window& part) {
  MultiPolygon area;
  const int64_t rows = std::max<int64_t>(1, kMostPixels / std::max<int64_t>(1, part.width));
  for (int64_t row = part.row; row < part.row_end(); row += rows) {
    throw_if_cancelled();
    Image<int32_t> kept(part.width, std::min(rows, part.row_end() - row));
    for (int64_t r = 0; r < kept.height(); ++r) {
      for (int64_t c = 0; c < kept.width(); ++c)
        kept.at(c, r) = is_kept_out(scene.use.at(part.col + c, row + r)) ? 1 : 0;
    }
    for (auto& [label, region] : vectorize(kept, part.col, row)) std::ranges::move(region, std::back_inserter(area));
  }
  return area;
}

MultiPolygon to_world(const Grid& grid, const MultiPolygon& pixel) {
  MultiPolygon world;
  for (const Polygon& polygon : pixel) world.push_back(grid.to_world(polygon));
  return world;
}

void write(const std::string& path, const Crs& crs, const std::vector<MultiPolygon>& areas) {
  FeatureWriteOptions options;
  options.overwrite = true;
  FeatureWriter writer(path, crs, {}, options);
  for (const MultiPolygon& area : areas) writer.write({area, {}});
  writer.close();
}

}  // namespace

bool count_as_they_stand(const ImageLabels& image, const std::vector<std::shared_ptr<const LabelSet>>& labels,
                         const ClassChoice& choice) {
  if (labels.size() != 1 || image.labels.size() != 1 || image.labels.front().kind != LabelKind::Layer) return false;
  const LabelSet& set = *labels.front();
  return !set.in_pixels && set.unknown.empty() &&
         std::ranges::all_of(set.objects, [&](const LabelObject& object) { return choice.takes(set, object); });
}

std::vector<KeptOutGround> kept_out_ground(const LabelledScene& scene, const std::vector<ImageLabels>& images,
                                           const std::vector<std::string>& bands, const Crs& assign_crs,
                                           bool as_they_stand) {
  std::vector<KeptOutGround> all;
  if (scene.count(PixelUse::Validate) == 0) return all;
  for (const ImageLabels& image : images) {
    const Window part = images.size() == 1
                            ? scene.grid.window()
                            : part_of(scene, image.image, bands, scene.georeferenced ? assign_crs : Crs());
    const MultiPolygon area = outlines(scene, part);
    if (area.empty()) continue;
    KeptOutGround ground{image.image, scene.georeferenced, scene.grid.crs, to_world(scene.grid, area), {}, {}};
    if (as_they_stand) {
      ground.labels = image.labels.front().path;
    } else {
      for (const std::size_t i : objects_in(scene, bounds(area)))
        ground.objects.push_back(to_world(scene.grid, scene.objects[i]));
    }
    all.push_back(std::move(ground));
  }
  return all;
}

std::vector<KeptOutFiles> kept_out_files(const std::vector<KeptOutGround>& ground, const std::string& folder) {
  std::vector<KeptOutFiles> files;
  std::set<std::string> taken;
  for (const KeptOutGround& one : ground) {
    const std::string stem = std::filesystem::path(one.image).stem().string();
    std::string name = stem;
    for (int number = 2; !taken.insert(name).second; ++number) name = stem + "_" + std::to_string(number);
    const std::string path = folder + "/" + name;
    files.push_back({one.image, one.georeferenced, path + ".area.gpkg",
                     one.labels.empty() ? path + ".labels.gpkg" : one.labels, !one.labels.empty(),
                     path + ".found.gpkg"});
  }
  return files;
}

void write_kept_out(const std::vector<KeptOutGround>& ground, const std::string& folder) {
  std::filesystem::remove_all(folder);
  if (ground.empty()) return;
  std::filesystem::create_directory(folder);
  const std::vector<KeptOutFiles> files = kept_out_files(ground, folder);
  for (std::size_t i = 0; i < ground.size(); ++i) {
    write(files[i].area, ground[i].crs, {ground[i].area});
    if (!files[i].own_labels) write(files[i].labels, ground[i].crs, ground[i].objects);
  }
}

}  // namespace plat
