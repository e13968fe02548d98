// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/data_pool.hpp"

#include <string>
#include <vector>

namespace plat {

/// Where training data is looked for.
struct DataInputs {
  std::vector<std::string> data;    ///< folders, rasters, layers, lists, STAC, COCO, VIA, in any mixture
  std::vector<std::string> scenes;  ///< rasters or folders of them that are images whatever they look like
  std::vector<std::string>
      labels;  ///< layers or masks, all of which count on all of `scenes`, and on other images where they lie
  std::string class_attribute;  ///< see read_annotations
  Crs assign_crs;               ///< of images, in place of their own
  Crs labels_crs;               ///< of layers that name none
  std::string layer = {};       ///< of vector files; empty: the only one that has features
};

/// Finds images and their labels: by annotation files and STAC items, by lists, by name, and what is left by place. Throws
/// IoError where something that is named is not there, DataError where nothing is paired, with the reasons.
FoundData find_training_data(const DataInputs& inputs);

}  // namespace plat
