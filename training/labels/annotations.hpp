// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/data_files.hpp"
#include "training/labels/label_set.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plat {

/// An image of an annotation file.
struct AnnotatedImage {
  std::string name;   ///< as the file has it: a path relative to somewhere
  int64_t width = 0;  ///< 0: the file does not say
  int64_t height = 0;
  std::shared_ptr<const LabelSet> labels;  ///< in pixels
};

/// Reads the objects of COCO (polygons, run lengths plain and compressed; crowds are unknown areas) and of the VGG Image
/// Annotator (projects and exports; polygons, rectangles, circles and ellipses), image by image. `class_attribute` names
/// the region attribute of VIA that tells the class; empty: the only one there is. Throws IoError, and DataError where the
/// file is no such JSON.
std::vector<AnnotatedImage> read_annotations(const std::string& path, DataKind kind,
                                             const std::string& class_attribute);

}  // namespace plat
