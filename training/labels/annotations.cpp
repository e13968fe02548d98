// SPDX-License-Identifier: Apache-2.0
#include "training/labels/annotations.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "training/labels/coco_masks.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <utility>

namespace plat {
namespace {

using Json = nlohmann::json;

/// Where the labels of an image are gathered.
struct Gathered {
  AnnotatedImage image;
  LabelSet labels;
};

std::vector<AnnotatedImage> finished(std::vector<Gathered> gathered) {
  std::vector<AnnotatedImage> images;
  for (Gathered& one : gathered) {
    one.image.labels = std::make_shared<LabelSet>(std::move(one.labels));
    images.push_back(std::move(one.image));
  }
  return images;
}

LabelSet empty_set(const std::string& path, bool tells_classes) {
  LabelSet labels;
  labels.path = path;
  labels.in_pixels = true;
  labels.tells_classes = tells_classes;
  return labels;
}

/// What the parser says, without the name of its exception.
std::string said(const nlohmann::json::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

/// An id as text: some programs write numbers, some texts, some both.
std::string id_of(const Json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

/// x and y in turn.
Ring ring_of(const std::vector<double>& numbers) {
  Ring ring;
  for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) ring.push_back({numbers[i], numbers[i + 1]});
  if (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
  return ring;
}

MultiPolygon coco_outline(const Json& segmentation, const AnnotatedImage& image) {
  MultiPolygon outline;
  if (segmentation.is_array()) {
    for (const Json& part : segmentation) {
      Ring ring = ring_of(part.get<std::vector<double>>());
      if (ring.size() >= 3) outline.push_back({std::move(ring), {}});
    }
  } else if (segmentation.is_object()) {
    const Json& counts = segmentation.at("counts");
    const auto size = segmentation.at("size").get<std::vector<int64_t>>();
    if (size.size() != 2) throw DataError("the size of its mask is no pair of height and width");
    if (image.width > 0 && image.height > 0 && (size[1] != image.width || size[0] != image.height)) {
      throw DataError("its mask has " + size_text(size[1], size[0]) + ", its image " +
                      size_text(image.width, image.height));
    }
    outline =
        outline_of_runs(counts.is_string() ? coco_runs(counts.get<std::string>()) : counts.get<std::vector<int64_t>>(),
                        size[1], size[0]);
  }
  return outline;
}

std::vector<AnnotatedImage> read_coco(const Json& json, const std::string& path) {
  std::map<std::string, std::string> categories;
  for (const Json& category : json.value("categories", Json::array())) {
    categories[id_of(category.at("id"))] = category.at("name").get<std::string>();
  }
  std::vector<Gathered> images;
  std::map<std::string, std::size_t> place;
  std::map<std::string, std::size_t> named;  // an image that is listed twice is one image
  for (const Json& image : json.at("images")) {
    const auto name = image.at("file_name").get<std::string>();
    const auto [known, is_new] = named.try_emplace(name, images.size());
    place[id_of(image.at("id"))] = known->second;
    if (!is_new) continue;
    const int64_t width = image.value("width", int64_t{0}), height = image.value("height", int64_t{0});
    if (width < 0 || height < 0) {
      throw DataError("the image " + name + " has " + size_text(width, height) + ", which no image has");
    }
    images.push_back({{name, width, height, nullptr}, empty_set(path, true)});
  }
  for (const Json& annotation : json.at("annotations")) {
    const auto found = place.find(id_of(annotation.at("image_id")));
    if (found == place.end()) continue;
    auto& [image, labels] = images[found->second];
    MultiPolygon outline;
    try {
      outline = coco_outline(annotation.value("segmentation", Json()), image);
    } catch (const DataError& error) {
      throw DataError("annotation " + annotation.value("id", Json()).dump() + ": " + error.what());
    }
    if (area(outline) == 0) {
      ++labels.without_area;
    } else if (annotation.value("iscrowd", 0) != 0) {
      labels.unknown.push_back(std::move(outline));
    } else {
      const auto category = categories.find(id_of(annotation.value("category_id", Json())));
      labels.objects.push_back({std::move(outline), category == categories.end() ? "" : category->second});
    }
  }
  return finished(std::move(images));
}

/// The outline of a region of VIA; empty for points and lines.
MultiPolygon via_outline(const Json& shape) {
  const auto name = shape.value("name", std::string());
  Ring ring;
  if (name == "polygon") {
    const auto x = shape.at("all_points_x").get<std::vector<double>>();
    const auto y = shape.at("all_points_y").get<std::vector<double>>();
    if (x.size() != y.size()) throw DataError("a polygon has more x than y, or fewer");
    for (std::size_t i = 0; i < x.size(); ++i) ring.push_back({x[i], y[i]});
    if (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
  } else if (name == "rect") {
    const double x = shape.at("x").get<double>();
    const double y = shape.at("y").get<double>();
    const double right = x + shape.at("width").get<double>();
    const double bottom = y + shape.at("height").get<double>();
    ring = {{x, y}, {right, y}, {right, bottom}, {x, bottom}};
  } else if (name == "circle" || name == "ellipse") {
    const double rx = shape.at(name == "circle" ? "r" : "rx").get<double>();
    const double ry = shape.at(name == "circle" ? "r" : "ry").get<double>();
    const double turn = shape.value("theta", 0.0);
    constexpr int kCorners = 48;  // a hundredth of the radius from the circle at most
    for (int i = 0; i < kCorners; ++i) {
      const double angle = 2 * std::numbers::pi * i / kCorners;
      const double x = rx * std::cos(angle);
      const double y = ry * std::sin(angle);
      ring.push_back({shape.at("cx").get<double>() + x * std::cos(turn) - y * std::sin(turn),
                      shape.at("cy").get<double>() + x * std::sin(turn) + y * std::cos(turn)});
    }
  }
  if (ring.size() < 3) return {};
  return {{std::move(ring), {}}};
}

/// The class that a region's attributes tell, if they do.
std::optional<std::string> via_class(const Json& attributes, const std::string& class_attribute) {
  if (!attributes.is_object()) return std::nullopt;
  auto found = attributes.find(class_attribute);
  if (class_attribute.empty() && attributes.size() == 1) found = attributes.begin();
  if (found == attributes.end()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number()) return found->dump();
  if (!found->is_object()) return std::nullopt;
  // Check boxes: the first that is set.
  for (const auto& [name, is_set] : found->items()) {
    if (is_set.is_boolean() && is_set.get<bool>()) return name;
  }
  return std::nullopt;
}

std::vector<AnnotatedImage> read_via(const Json& json, const std::string& path, const std::string& class_attribute) {
  const Json& entries = json.contains("_via_img_metadata") ? json.at("_via_img_metadata") : json;
  std::vector<Gathered> images;
  for (const Json& entry : entries) {
    Gathered image{{entry.at("filename").get<std::string>(), 0, 0, nullptr}, empty_set(path, false)};
    // The first versions numbered the regions; later ones list them. Either is walked the same way.
    for (const Json& region : entry.at("regions")) {
      MultiPolygon outline = via_outline(region.at("shape_attributes"));
      if (area(outline) == 0) {
        ++image.labels.without_area;
        continue;
      }
      const auto value = via_class(region.value("region_attributes", Json()), class_attribute);
      image.labels.tells_classes = image.labels.tells_classes || value.has_value();
      image.labels.objects.push_back({std::move(outline), value.value_or("")});
    }
    images.push_back(std::move(image));
  }
  return finished(std::move(images));
}

}  // namespace

std::vector<AnnotatedImage> read_annotations(const std::string& path, DataKind kind,
                                             const std::string& class_attribute) {
  const std::string text = read_text_file(path);
  try {
    const Json json = Json::parse(text);
    return kind == DataKind::Coco ? read_coco(json, path) : read_via(json, path, class_attribute);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(path + ": is no " + (kind == DataKind::Coco ? "COCO" : "VIA") +
                    " file as it should be: " + said(error));
  } catch (const DataError& error) {
    throw DataError(path + ": " + error.what());
  }
}

}  // namespace plat
