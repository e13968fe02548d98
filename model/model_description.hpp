// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/instance_thresholds.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

struct ClassDescription {
  std::string name;  ///< for example "building"
  InstanceThresholds thresholds;
  bool squared = true;  ///< whether outlines are squared where nothing else is asked for, else simplified
};

/// What the `plat` section of a model's config.json says: everything that a run needs to know about a model.
struct ModelDescription {
  std::string name;          ///< the model folder's name
  std::string architecture;  ///< "sam-vit", "sam-tinyvit" or "threshold"
  std::vector<ClassDescription> classes;
  /// Ground sample distance in metres that the model was trained at. Unset: at none, as a SAM of photographs; it works at the
  /// scene's own. A model folder with classes that names none is read as one of 0.3 m.
  std::optional<double> gsd_m;
  std::vector<std::string> bands = {"red", "green", "blue"};
  std::array<float, 3> mean = {123.675F, 116.28F, 103.53F};  ///< of pixels scaled to 0..255
  std::array<float, 3> deviation = {58.395F, 57.12F, 57.375F};
  int64_t tile_size = 512;
  int64_t overlap = 128;
  std::string licence;
  std::vector<std::string> training_data;  ///< attribution lines
};

/// Bands of the image that `Segmenter::segment` returns, per class: 3 * class + one of these.
enum class ClassMap : int { Extent = 0, Boundary = 1, Distance = 2 };
inline constexpr int kMapsPerClass = 3;

}  // namespace plat
