// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// A place that belongs to an object, or one that does not.
struct MapPoint {
  Point place;
  bool object = true;
};

/// What points at one object on the map: points, a box, a rough outline, or several of these.
struct MapPrompt {
  AttributeValue id;  ///< a whole number or a text
  std::vector<MapPoint> points = {};
  std::optional<Polygon> box = {};  ///< its bounding rectangle in pixels is the box
  MultiPolygon mask = {};           ///< roughly the object; empty: none
};

/// What a polygon of a layer says about its object.
enum class PolygonsAs {
  Box,         ///< the object fills its bounding rectangle
  Mask,        ///< it is roughly the object
  BoxAndMask,  ///< both
};

/// "points", "box", "mask", or several of these, as "points, box and mask".
std::string prompt_kind(const MapPrompt& prompt);

/// Prompts in one CRS.
struct PromptLayer {
  Crs crs;  ///< empty: the scene's
  std::vector<MapPrompt> prompts;
  std::vector<std::string> warnings;  ///< what was odd about their source
  Bounds box;                         ///< of a file's prompts, in its CRS; empty for coordinates that a person gave
};

/// A prompt's id as text.
std::string prompt_name(const MapPrompt& prompt);

/// Prompts from a vector file. Points belong to an object or, where their attribute `label` is 0, do not; polygons are what
/// `polygons` says. Features with the same `object` (or `id`, where there is no `object`) make one prompt, features without
/// either one each, numbered by their place in the file; a second polygon begins another prompt. Throws IoError, and
/// DataError for a layer without points and polygons, or a label that is neither 0 nor 1.
PromptLayer read_prompts(const std::string& path, const std::string& layer = "", PolygonsAs polygons = PolygonsAs::Box);

/// Whether what points at places is about one object.
enum class PromptGrouping {
  Separate,  ///< each point and each box is an object of its own; a point that does not belong is about the point before
  OneObject,
};

/// Prompts from coordinates as texts, "x,y" or "x,y,label" and "xmin,ymin,xmax,ymax", numbered from 1: points, then boxes.
/// Throws UsageError naming the text that is malformed.
PromptLayer parse_prompts(std::span<const std::string> points, std::span<const std::string> boxes,
                          PromptGrouping grouping = PromptGrouping::Separate);

}  // namespace plat
