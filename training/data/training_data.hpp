// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"
#include "training/data/data_discovery.hpp"
#include "training/data/data_memory.hpp"
#include "training/data/image_rules.hpp"
#include "training/data/kept_out_ground.hpp"
#include "training/data/labelled_scene.hpp"
#include "training/data/negatives.hpp"
#include "training/data/validation_areas.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Which images and labels make the training data, and which part of them is kept out.
struct TrainingDataOptions {
  std::vector<std::string> data;          ///< folders, files, lists, STAC, COCO, VIA: see DataInputs
  std::vector<std::string> scenes;        ///< rasters, or folders whose rasters are all taken
  std::vector<std::string> labels;        ///< layers or masks that count on all of them
  double gsd_m = 0.3;                     ///< ground sample distance of the model, metres, > 0
  std::optional<double> image_gsd_m;      ///< of images without georeference, metres, > 0; unset: the model's
  std::vector<std::string> bands;         ///< as in RasterOptions
  Crs assign_crs;                         ///< of images, in place of their own
  Crs labels_crs;                         ///< of layers that name none
  std::string layer;                      ///< of vector files; empty: the only one that has features
  std::string class_name = "building";    ///< of the objects; see ClassChoice
  std::string class_attribute;            ///< of layers; empty: all their polygons are of the class
  std::vector<std::string> class_values;  ///< classes of labels that are taken; empty: see ClassChoice
  bool fix_shift = false;                 ///< move labels where they are clearly shifted against the image
  std::optional<Bounds> val_bbox;         ///< the area kept out for validation
  Crs val_bbox_crs;                       ///< of val_bbox; empty: each scene's own
  double val_fraction = 0.15;             ///< without val_bbox: share of the area kept out, in blocks, in [0, 0.9]
  double val_block_m = 100;               ///< largest side of those blocks, metres, > 0
  uint64_t seed = 1;                      ///< chooses the blocks
  ImageRuleOptions rules;                 ///< what is said of images by their paths
  NegativeOptions negatives;              ///< images without any object
  int64_t context_px = 256;  ///< pixels of the model that are held around the labelled part of a scene, >= 0
  DataInputs inputs() const;
  void validate() const;
};

/// What training and validation see, and how it came about.
struct TrainingData {
  std::vector<LabelledScene> scenes;
  std::vector<LabelledScene> negatives;    ///< without any object
  std::vector<ValidationArea> validation;  ///< of `scenes`, which may be moved but not copied while these are used
  std::vector<KeptOutGround> kept_out;     ///< the same ground, image by image
  int64_t objects = 0;                     ///< objects on the scenes
  bool teaches = false;                    ///< whether any of them lies on a pixel for training
  int64_t training_pixels = 0;             ///< at the model's resolution
  int64_t validation_pixels = 0;
  int64_t validation_objects = 0;    ///< whose middle lies in the validation area
  std::vector<std::string> report;   ///< lines for people: what was paired and left out, checks, the split
  std::vector<std::string> summary;  ///< the same, long lists cut short
  std::string json;                  ///< the same for programs
};

/// Finds images and labels (find_training_data), and loads them in two steps, so that what they take can be refused before it
/// is taken. Not thread-safe.
class TrainingDataLoader {
 public:
  /// Reads labels and the headers of images. Throws IoError, DataError, UsageError.
  explicit TrainingDataLoader(TrainingDataOptions options);
  ~TrainingDataLoader();
  TrainingDataLoader(TrainingDataLoader&&) noexcept;
  TrainingDataLoader& operator=(TrainingDataLoader&&) noexcept;

  /// What the data will take.
  const DataMemory& memory() const;
  /// Reads the pixels; once. Throws what load_training_data() does.
  TrainingData load();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Finds images and labels, reads them into memory, checks and mends the labels, and keeps blocks out for validation. Of a
/// scene only the part that its labels cover is held, with `context_px` around it. Neighbouring images of the same labels, CRS and resolution are joined, so that crops run over their seams;
/// pixels outside the bounds of a shared layer are left out, as nobody looked for objects there. Throws IoError, DataError.
TrainingData load_training_data(const TrainingDataOptions& options);

}  // namespace plat
