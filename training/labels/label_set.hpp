// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// One labelled object, in the frame of its LabelSet.
struct LabelObject {
  MultiPolygon geometry;
  std::string value;  ///< its class as the labels tell it; empty where they tell none
};

/// The objects of one source of labels in memory.
struct LabelSet {
  std::string path;
  Crs crs;                     ///< of the coordinates; empty where the source names none, and for pixels
  bool in_pixels = false;      ///< coordinates are columns and rows of the image's file
  bool tells_classes = false;  ///< whether `value` means a class
  bool from_mask = false;      ///< values are those of a mask's pixels, which may number objects instead
  std::vector<LabelObject> objects;
  std::vector<MultiPolygon> unknown;  ///< areas that the labels themselves call unknown: not used at all
  std::optional<Bounds> covered;      ///< what was looked at, in the same frame; unset: the bounds of the objects
  int64_t without_area = 0;           ///< points, lines and boxes, left out
  int64_t misplaced = 0;              ///< objects that the CRS has no place for, left out
  std::string warning;                ///< names these; empty where there are none
};

enum class LabelKind { Layer, Mask, Annotations };

/// Where the labels of an image come from.
struct LabelSource {
  LabelKind kind = LabelKind::Layer;
  std::string path;
  std::shared_ptr<const LabelSet> annotations;  ///< of this image, read with their file (LabelKind::Annotations)
};

/// An image and its labels.
struct ImageLabels {
  std::string image;
  std::vector<LabelSource> labels;
  std::string how;   ///< how they were paired, for people
  bool own = false;  ///< the labels were made for this image alone, and cover all of it
};

}  // namespace plat
