// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"
#include "training/data/labelled_scene.hpp"
#include "training/labels/class_choice.hpp"
#include "training/labels/label_set.hpp"

#include <memory>
#include <string>
#include <vector>

namespace plat {

/// What of an image is kept out for validation, and what is true there, in the image's coordinates.
struct KeptOutGround {
  std::string image;  ///< its file
  bool georeferenced = true;
  Crs crs;
  MultiPolygon area;   ///< along pixel edges
  std::string labels;  ///< vector file whose objects all count as they stand; empty: `objects` does
  std::vector<MultiPolygon> objects;
};

/// Where a run's folder says the same.
struct KeptOutFiles {
  std::string image;
  bool georeferenced = true;
  std::string area;        ///< vector file
  std::string labels;      ///< vector file: the user's own where its objects count as they stand
  bool own_labels = true;  ///< whether it is the user's
  std::string found;       ///< vector file for what a model finds on the image
};

/// Whether the objects of an image's labels are those of one vector file, whole and unmoved.
bool count_as_they_stand(const ImageLabels& image, const std::vector<std::shared_ptr<const LabelSet>>& labels,
                         const ClassChoice& choice);

/// The validation pixels of a scene on each of the images that it was made of; images without any are left out. `bands` and
/// `assign_crs` are how the images are read. `as_they_stand`: of the labels.
std::vector<KeptOutGround> kept_out_ground(const LabelledScene& scene, const std::vector<ImageLabels>& images,
                                           const std::vector<std::string>& bands, const Crs& assign_crs,
                                           bool as_they_stand);

/// The files in `folder` for each, named by the images.
std::vector<KeptOutFiles> kept_out_files(const std::vector<KeptOutGround>& ground, const std::string& folder);
/// Writes areas, and labels that no file of the user has. Makes the folder, with nothing else in it. Throws IoError.
void write_kept_out(const std::vector<KeptOutGround>& ground, const std::string& folder);

}  // namespace plat
