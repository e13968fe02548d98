// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/changes_input.hpp"

#include "change/object_changes.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_frame.hpp"
#include "geo/overlay.hpp"
#include "geo/vector_info.hpp"
#include "pipeline/evaluation/evaluation_inputs.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <variant>

namespace plat {
namespace {

bool has_layer(const VectorInfo& info, const std::string& name) {
  return std::any_of(info.layers.begin(), info.layers.end(), [&](const LayerInfo& l) { return l.name == name; });
}

/// The layer of that name where the file has it, else the only one.
std::string layer_or_only(const std::string& path, const std::string& layer, const std::string& name) {
  if (!layer.empty()) return layer;
  return has_layer(inspect_vector(path), name) ? name : "";
}

std::string text_of(const Feature& feature, const std::string& name) {
  const AttributeValue* value = feature.find(name);
  const auto* text = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  return text != nullptr ? *text : "";
}

std::optional<int64_t> number_of(const Feature& feature, const std::string& name) {
  const AttributeValue* value = feature.find(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<int64_t>(value)) return *whole;
  if (const auto* real = std::get_if<double>(value)) return static_cast<int64_t>(*real);
  return std::nullopt;
}

bool tells(const FeatureLayer& layer, const std::string& name) {
  return std::any_of(layer.features.begin(), layer.features.end(),
                     [&](const Feature& feature) { return !text_of(feature, name).empty(); });
}

/// What of two areas only one has.
MultiPolygon symmetric_difference(const MultiPolygon& a, const MultiPolygon& b) {
  MultiPolygon out = difference(a, b);
  const MultiPolygon rest = difference(b, a);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

/// The objects of one date by their id, valid and in a given CRS.
class ObjectsById {
 public:
  /// `scene`: of a series only those of this date, from 1.
  ObjectsById(const std::string& path, const std::string& name, const Crs& crs,
              const std::optional<int64_t>& scene = std::nullopt) {
    const FeatureLayer layer = read_features(path, name);
    std::optional<CrsTransform> transform;
    if (!layer.crs.empty() && !crs.empty() && !layer.crs.same_as(crs)) transform.emplace(layer.crs, crs);
    for (const Feature& feature : layer.features) {
      throw_if_cancelled();
      const std::optional<int64_t> id = number_of(feature, "id");
      if (!id || (scene && number_of(feature, "scene") != scene)) continue;
      const MultiPolygon valid = make_valid(transform ? (*transform)(feature.geometry) : feature.geometry);
      MultiPolygon& object = objects_[*id];
      object.insert(object.end(), valid.begin(), valid.end());
    }
  }
  const MultiPolygon* find(const std::optional<int64_t>& id) const {
    const auto found = id ? objects_.find(*id) : objects_.end();
    return found != objects_.end() ? &found->second : nullptr;
  }

 private:
  std::map<int64_t, MultiPolygon> objects_;
};

/// The ground of a change from the objects of both dates that it names, where it names them.
std::optional<MultiPolygon> ground_of(const Feature& change, const std::string& kind, const ObjectsById& before,
                                      const ObjectsById& after) {
  const MultiPolygon* was = before.find(number_of(change, "before_id"));
  const MultiPolygon* is = after.find(number_of(change, "after_id"));
  if (was == nullptr || is == nullptr) return std::nullopt;
  MultiPolygon ground = symmetric_difference(*was, *is);
  if (kind == kUnknownKind) {
    const MultiPolygon common = intersection(*was, *is);
    ground.insert(ground.end(), common.begin(), common.end());
    return make_valid(ground);
  }
  return ground;
}

/// The objects of one date in the frame: valid, with their classes numbered.
struct DatedObjects {
  ObjectStore store;
  std::vector<MultiPolygon> outlines;
};

DatedObjects in_frame(const FeatureLayer& layer, const Crs& frame, bool with_classes,
                      std::map<std::string, int32_t>& classes) {
  std::optional<CrsTransform> transform;
  if (!frame.empty()) transform.emplace(layer.crs, frame);
  DatedObjects out;
  for (const Feature& feature : layer.features) {
    throw_if_cancelled();
    MultiPolygon outline = make_valid(transform ? (*transform)(feature.geometry) : feature.geometry);
    ObjectFacts facts;
    if (with_classes) {
      const auto next = static_cast<int32_t>(classes.size());
      facts.class_index = classes.try_emplace(text_of(feature, "class"), next).first->second;
    }
    out.store.add(outline, facts);
    out.outlines.push_back(std::move(outline));
  }
  return out;
}

MultiPolygon together(const DatedObjects& objects, const std::vector<int64_t>& chosen) {
  MultiPolygon out;
  for (const int64_t i : chosen) {
    const MultiPolygon& outline = objects.outlines[static_cast<std::size_t>(i)];
    out.insert(out.end(), outline.begin(), outline.end());
  }
  return chosen.size() > 1 ? make_valid(out) : out;
}

/// Leaves of a series the changes of one step.
void keep_step(const std::string& path, const std::optional<int64_t>& step, bool is_series,
               std::vector<Feature>& features) {
  std::set<int64_t> steps;
  for (const Feature& feature : features) steps.insert(number_of(feature, "step").value_or(1));
  if (steps.size() < 2 && (!step || !is_series)) return;
  const std::string held = path + ": holds the steps " + std::to_string(*steps.begin()) + " to " +
                           std::to_string(*steps.rbegin()) + " of a series";
  if (!step) throw DataError(held + ". Pass --step to choose one.");
  if (!steps.contains(*step)) throw DataError(held + ", not step " + std::to_string(*step) + ".");
  std::erase_if(features, [&](const Feature& feature) { return number_of(feature, "step").value_or(1) != *step; });
}

}  // namespace

std::vector<std::string> changing_kinds() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kChangeKinds; ++i) {
    const auto kind = static_cast<ChangeKind>(i);
    if (is_change(kind)) names.emplace_back(name_of(kind));
  }
  return names;
}

ChangesInput read_changes(const std::string& path, const std::string& layer, const std::optional<int64_t>& step,
                          bool is_series, std::vector<std::string>& warnings) {
  const VectorInfo info = inspect_vector(path);
  const std::string name = !layer.empty() || !has_layer(info, "changes") ? layer : "changes";
  FeatureLayer features = read_outlines(path, name, warnings);
  if (!features.features.empty()) keep_step(path, step, is_series, features.features);
  ChangesInput input;
  input.crs = features.crs;
  ChangeLayer& changes = input.changes;
  changes.objects.crs = features.crs;
  changes.objects.skipped = features.skipped;
  changes.objects.misplaced = features.misplaced;
  if (!tells(features, "kind")) {
    for (Feature& feature : features.features) {
      for (Polygon& part : feature.geometry) {
        changes.add({{std::move(part)}, feature.attributes}, std::string(kChangedKind));
      }
    }
    return input;
  }
  std::vector<std::string> known = changing_kinds();
  known.insert(known.end(), {std::string(kUnchangedKind), std::string(kUnknownKind)});
  std::optional<ObjectsById> before;
  std::optional<ObjectsById> after;
  if (features.name != "before" && has_layer(info, "before") && has_layer(info, "after")) {
    before.emplace(path, "before", features.crs);
    after.emplace(path, "after", features.crs);
  } else if (features.name == "changes" && has_layer(info, "objects") && !features.features.empty()) {
    const int64_t scene = number_of(features.features.front(), "step").value_or(1);
    before.emplace(path, "objects", features.crs, scene);
    after.emplace(path, "objects", features.crs, scene + 1);
  }
  int64_t number = 0;
  for (Feature& feature : features.features) {
    throw_if_cancelled();
    ++number;
    const std::string kind = text_of(feature, "kind");
    if (std::find(known.begin(), known.end(), kind) == known.end()) {
      throw DataError(path + ": change " + std::to_string(number) + " has the kind '" + kind + "'; kinds are " +
                      join(known, ", "));
    }
    std::optional<MultiPolygon> ground;
    if (before && kind != kUnchangedKind) ground = ground_of(feature, kind, *before, *after);
    changes.add(std::move(feature), kind, std::move(ground));
  }
  return input;
}

ChangesInput changes_of_mask(MaskValues mask) {
  constexpr int32_t kUnknownLabel = 2;
  ChangesInput input;
  input.crs = mask.grid.crs;
  input.changes.objects.crs = mask.grid.crs;
  Image<int32_t> labels = mask.values;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    int32_t& value = mask.values.data()[i];
    if (value > 0) value = 1;
    labels.data()[i] = value == kUnknownPixel ? kUnknownLabel : value;
  }
  for (const auto& [label, region] : vectorize(labels)) {
    const std::string kind(label == kUnknownLabel ? kUnknownKind : kChangedKind);
    for (const Polygon& part : region) input.changes.add({{mask.grid.to_world(part)}, {}}, kind);
  }
  input.raster = std::move(mask);
  return input;
}

ChangesInput find_changes_between(const std::string& before, const std::string& after, const std::string& layer,
                                  std::vector<std::string>& warnings) {
  const FeatureLayer earlier = read_objects(before, layer_or_only(before, layer, "before"), warnings);
  const FeatureLayer later = read_objects(after, layer_or_only(after, layer, "after"), warnings);
  check_places({before, "the layer before", layer_location(earlier)},
               {after, "the layer after", layer_location(later)});
  const Crs frame = comparison_crs(earlier, later);
  const bool with_classes = tells(earlier, "class") && tells(later, "class");
  std::map<std::string, int32_t> classes;
  const DatedObjects was = in_frame(earlier, frame, with_classes, classes);
  const DatedObjects is = in_frame(later, frame, with_classes, classes);
  ChangesInput input;
  input.crs = earlier.crs;
  input.changes.objects.crs = frame;
  for (const ObjectChange& change : find_changes(was.store, is.store).changes) {
    throw_if_cancelled();
    MultiPolygon outline_before = together(was, change.before);
    MultiPolygon outline_after = together(is, change.after);
    std::optional<MultiPolygon> ground;
    if (change.kind != ChangeKind::Unchanged) ground = symmetric_difference(outline_before, outline_after);
    MultiPolygon& outline = outline_after.empty() ? outline_before : outline_after;
    input.changes.add({std::move(outline), {}}, std::string(name_of(change.kind)), std::move(ground));
  }
  return input;
}

}  // namespace plat
