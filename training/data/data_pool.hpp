// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "training/data/data_files.hpp"
#include "training/labels/label_set.hpp"

#include <string>
#include <vector>

namespace plat {

/// Something that is not used, and why.
struct LeftOut {
  std::string path;
  std::string reason;
};

/// The images to learn from with their labels, and what was left out.
struct FoundData {
  std::vector<ImageLabels> images;
  std::vector<LeftOut> left_out;
};

/// A file that may be paired.
struct DataFile {
  std::string path;
  DataName name;
};

/// Images and labels that are not paired yet.
struct DataPool {
  std::vector<DataFile> images;
  std::vector<DataFile> masks;
  std::vector<DataFile> layers;
  Crs assign_crs;     ///< of images, in place of their own
  Crs labels_crs;     ///< of layers that name none
  std::string layer;  ///< of label files with several
};

/// Pairs labels with the image of the same stem, layers before masks; the pairs go from the pool to `found`. `how` begins
/// the words that say so.
void pair_by_name(DataPool& pool, FoundData& found, const std::string& how = "");
/// Pairs each image with all layers and masks that share its ground, which stay for others.
void pair_by_place(DataPool& pool, FoundData& found, const std::string& how = "");

}  // namespace plat
