// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_scene.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/resolution.hpp"

#include <cmath>
#include <sstream>
#include <utility>

namespace plat {
namespace {

/// Pixels of an image that nobody knows the size of, for a model without a resolution: metres are then pixels.
constexpr double kAssumedGsd = 1.0;

std::string metres(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value << " m";
  return text.str();
}

}  // namespace

std::vector<std::string> bands_of(const ModelDescription& model) {
  // The reader's own default for colour also finds something in grey and palette images.
  const std::vector<std::string> colour = {"red", "green", "blue"};
  return model.bands != colour ? model.bands : std::vector<std::string>();
}

void check_bands(const RasterReader& scene, const ModelDescription& model) {
  if (static_cast<std::size_t>(scene.bands()) == model.bands.size()) return;
  throw UsageError("--bands: the model '" + model.name + "' takes " + std::to_string(model.bands.size()) + " bands (" +
                   join(model.bands, ", ") + "), not " + std::to_string(scene.bands()) + ".");
}

ModelScene open_model_scene(const std::string& scene, const RasterOptions& raster, const ModelDescription& model) {
  return open_grid_scene(scene, raster, &model);
}

ModelScene open_grid_scene(const std::string& scene, const RasterOptions& given, const ModelDescription* model) {
  std::vector<std::string> warnings;
  RasterOptions raster = given;
  if (model != nullptr && raster.bands.empty()) raster.bands = bands_of(*model);
  const double* trained_gsd = model != nullptr && model->gsd_m ? &*model->gsd_m : nullptr;
  const std::optional<double> wanted_gsd = raster.gsd_m;
  raster.gsd_m.reset();
  RasterReader reader(scene, raster);
  if (model != nullptr) check_bands(reader, *model);
  if (std::string text = control_point_warning(reader.info()); !text.empty()) warnings.push_back(std::move(text));

  const bool located = !reader.grid().crs.empty();
  std::optional<double> assumed;
  double scene_gsd = 0;
  if (!located && reader.info().georeferencing == "none") {
    scene_gsd = wanted_gsd ? *wanted_gsd : trained_gsd != nullptr ? *trained_gsd : kAssumedGsd;
    assumed = scene_gsd;
    warnings.push_back(
        scene +
        ": no CRS and no georeferencing; coordinates are pixel coordinates (y upward), and pixels are taken to be " +
        metres(scene_gsd) + " wide.");
  } else {
    try {
      scene_gsd = reader.grid().ground_sample_distance_m();
    } catch (const DataError& error) {
      throw DataError(scene + ": " + error.what());
    }
    if (!located) {
      warnings.push_back(
          scene +
          ": no CRS; coordinates are written as they are and taken as metres. Pass --assign-crs if you know it.");
    }
  }
  if (!(scene_gsd > 0) || !std::isfinite(scene_gsd)) {
    throw DataError(scene +
                    ": the size of its pixels on the ground cannot be told. Pass --assign-crs, or warp it first.");
  }
  double gsd = scene_gsd;
  if (!assumed) {
    const double target = wanted_gsd ? *wanted_gsd : trained_gsd != nullptr ? *trained_gsd : scene_gsd;
    if (far_too_coarse(scene_gsd, target) && trained_gsd != nullptr) {
      warnings.push_back(scene + ": its pixels are " + metres(scene_gsd) + " wide, the model '" + model->name +
                         "' was trained at " + metres(*trained_gsd) +
                         "; what it looks for can hardly be seen at this resolution.");
    }
    if (wanted_gsd ? !same_resolution(scene_gsd, target) : resampled_for_model(scene_gsd, target)) {
      raster.gsd_m = target;
      reader = RasterReader(scene, raster);
      gsd = target;
    }
  }
  return {std::move(reader), std::move(raster), scene_gsd, gsd, assumed, std::move(warnings)};
}

}  // namespace plat
