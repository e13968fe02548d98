// SPDX-License-Identifier: Apache-2.0
#include "training/labels/label_reader.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/feature_io.hpp"
#include "training/data/data_files.hpp"
#include "training/labels/mask_labels.hpp"

#include <utility>
#include <variant>
#include <vector>

namespace plat {
namespace {

std::string text_of(const AttributeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) {
    // Classes that a program stored as 3.0 are called 3.
    const auto rounded = static_cast<int64_t>(*real);
    return static_cast<double>(rounded) == *real ? std::to_string(rounded) : std::to_string(*real);
  }
  return "";
}

}  // namespace

LabelReader::LabelReader(std::string class_attribute, Crs labels_crs, std::string layer)
    : class_attribute_(std::move(class_attribute)), labels_crs_(std::move(labels_crs)), layer_(std::move(layer)) {}

std::shared_ptr<const LabelSet> LabelReader::read(const LabelSource& source) {
  if (source.kind == LabelKind::Annotations) return source.annotations;
  std::shared_ptr<const LabelSet>& known = known_[source.path];
  if (!known) {
    known =
        std::make_shared<LabelSet>(source.kind == LabelKind::Mask ? read_mask(source.path) : read_layer(source.path));
  }
  return known;
}

LabelSet LabelReader::read_layer(const std::string& path) const {
  FeatureLayer layer = read_features(path, layer_);
  LabelSet labels;
  labels.path = path;
  labels.crs = layer.crs.empty() ? labels_crs_ : layer.crs;
  labels.without_area = layer.skipped;
  labels.misplaced = layer.misplaced;
  labels.warning = layer.warning;
  labels.tells_classes = !class_attribute_.empty();
  for (Feature& feature : layer.features) {
    std::string value;
    if (labels.tells_classes) {
      const AttributeValue* found = feature.find(class_attribute_);
      if (found == nullptr) {
        std::vector<std::string> names;
        for (const auto& attribute : feature.attributes) names.push_back(attribute.first);
        throw DataError(path + ": has no attribute '" + class_attribute_ +
                        "', which --class-attribute asks for; it has " + (names.empty() ? "none" : some_of(names, 12)));
      }
      value = text_of(*found);
    }
    labels.objects.push_back({std::move(feature.geometry), std::move(value)});
  }
  return labels;
}

}  // namespace plat
