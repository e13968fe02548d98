// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/map_prompts.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/place_reader.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace plat {
namespace {

bool is_null(const AttributeValue* value) {
  if (value == nullptr || std::holds_alternative<std::monostate>(*value)) return true;
  const auto* text = std::get_if<std::string>(value);
  return text != nullptr && trim(*text).empty();
}

/// The attribute of this name, in any case.
const AttributeValue* attribute(const Place& place, const std::string& name) {
  for (const auto& [key, value] : place.feature.attributes) {
    if (lower(key) == name) return is_null(&value) ? nullptr : &value;
  }
  return nullptr;
}

std::string text_of(const AttributeValue& value) {
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "";
}

/// A whole number or a text: some formats know only real numbers or only texts.
AttributeValue as_id(const AttributeValue& value) {
  if (const auto* real = std::get_if<double>(&value)) {
    if (*real == std::round(*real) && std::abs(*real) < 9e15) return static_cast<int64_t>(*real);
    return std::to_string(*real);
  }
  return value;
}

bool belongs(const Place& place, const std::string& path) {
  const AttributeValue* label = attribute(place, "label");
  if (label == nullptr) return true;
  double value = -1;
  if (const auto* whole = std::get_if<int64_t>(label)) value = static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(label)) value = *real;
  const auto* text = std::get_if<std::string>(label);
  if (text != nullptr && (trim(*text) == "0" || trim(*text) == "1")) value = trim(*text) == "1" ? 1 : 0;
  if (value == 0 || value == 1) return value == 1;
  throw DataError(path + ": the label of point " + std::to_string(place.number) + " is '" +
                  (text != nullptr ? *text : std::to_string(value)) +
                  "'. Write 1 for a point of the object, 0 for one that is not.");
}

bool has_area(const MapPrompt& prompt) { return prompt.box || !prompt.mask.empty(); }

/// The rectangle round all parts; a box has no other shape.
Polygon box_of(const MultiPolygon& parts) {
  if (parts.size() == 1) return {parts.front().exterior, {}};
  const Bounds all = bounds(parts);
  return {{{all.min_x, all.min_y}, {all.max_x, all.min_y}, {all.max_x, all.max_y}, {all.min_x, all.max_y}}, {}};
}

MapPoint parse_point(const std::string& text) {
  const std::vector<double> numbers = parse_numbers(text, "--points");
  if (numbers.size() != 2 && numbers.size() != 3) {
    throw UsageError("--points: '" + text + "' is no point; write x,y or x,y,label.");
  }
  if (numbers.size() == 3 && numbers[2] != 0 && numbers[2] != 1) {
    throw UsageError("--points: the label of '" + text + "' must be 1 (the object) or 0 (not the object).");
  }
  return {{numbers[0], numbers[1]}, numbers.size() == 2 || numbers[2] == 1};
}

Polygon parse_box(const std::string& text) {
  const std::vector<double> n = parse_numbers(text, "--boxes");
  if (n.size() != 4) throw UsageError("--boxes: '" + text + "' is no box; write xmin,ymin,xmax,ymax.");
  if (!(n[0] < n[2] && n[1] < n[3])) {
    throw UsageError("--boxes: '" + text + "' is empty; write xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax.");
  }
  return {{{n[0], n[1]}, {n[2], n[1]}, {n[2], n[3]}, {n[0], n[3]}}, {}};
}

}  // namespace

std::string prompt_name(const MapPrompt& prompt) { return text_of(prompt.id); }

std::string prompt_kind(const MapPrompt& prompt) {
  std::vector<std::string> parts;
  if (!prompt.points.empty()) parts.push_back("points");
  if (prompt.box) parts.push_back("box");
  if (!prompt.mask.empty()) parts.push_back("mask");
  std::string text = parts.at(0);
  for (std::size_t i = 1; i < parts.size(); ++i) text += (i + 1 < parts.size() ? ", " : " and ") + parts[i];
  return text;
}

PromptLayer read_prompts(const std::string& path, const std::string& layer_name, PolygonsAs polygons) {
  const PlaceLayer layer = read_places(path, layer_name);
  if (layer.places.empty()) {
    throw DataError(path + ": holds no points and no polygons" +
                    (layer.skipped > 0 ? ", only lines or empty features" : "") +
                    ". Draw a point in each object, or a box round it.");
  }
  PromptLayer out;
  out.crs = layer.crs;
  if (layer.skipped > 0) {
    out.warnings.push_back(path + ": " + std::to_string(layer.skipped) +
                           " lines or empty features are no prompts and were left out.");
  }
  if (!layer.warning.empty()) out.warnings.push_back(layer.warning);
  for (const Place& place : layer.places) out.box.add(bounds(place));
  std::map<std::string, std::size_t> groups;
  for (const Place& place : layer.places) {
    const AttributeValue* named = attribute(place, "object");
    if (named == nullptr) named = attribute(place, "id");
    const AttributeValue id = named != nullptr ? as_id(*named) : AttributeValue(place.number);
    const MultiPolygon& area = place.feature.geometry;
    std::size_t index = out.prompts.size();
    if (named != nullptr) {
      const auto [known, is_new] = groups.try_emplace(text_of(id), index);
      if (is_new || (!area.empty() && has_area(out.prompts[known->second]))) known->second = index;
      index = known->second;
    }
    if (index == out.prompts.size()) out.prompts.emplace_back().id = id;
    MapPrompt& prompt = out.prompts[index];
    if (!area.empty() && polygons != PolygonsAs::Mask) prompt.box = box_of(area);
    if (!area.empty() && polygons != PolygonsAs::Box) prompt.mask = area;
    for (const Point& point : place.points) prompt.points.push_back({point, belongs(place, path)});
  }
  return out;
}

PromptLayer parse_prompts(std::span<const std::string> points, std::span<const std::string> boxes,
                          PromptGrouping grouping) {
  PromptLayer out;
  const bool one_object = grouping == PromptGrouping::OneObject;
  const auto begin_prompt = [&out] {
    const auto number = static_cast<int64_t>(out.prompts.size()) + 1;
    out.prompts.emplace_back().id = number;
  };
  for (const std::string& text : points) {
    const MapPoint point = parse_point(text);
    if (out.prompts.empty() && !point.object && !one_object) {
      throw UsageError("--points: '" + text +
                       "' belongs to no object; write it after a point of the object it is about.");
    }
    if (out.prompts.empty() || (point.object && !one_object)) begin_prompt();
    out.prompts.back().points.push_back(point);
  }
  if (one_object && boxes.size() > 1) throw UsageError("--one-object: one object has one box; pass one with --boxes.");
  for (const std::string& text : boxes) {
    Polygon box = parse_box(text);
    if (out.prompts.empty() || !one_object) begin_prompt();
    out.prompts.back().box = std::move(box);
  }
  return out;
}

}  // namespace plat
