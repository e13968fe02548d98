// SPDX-License-Identifier: Apache-2.0
#include "evaluation/compare_changes.hpp"

#include "evaluation/comparison_frame.hpp"
#include "evaluation/detail/compare_prepared.hpp"
#include "geo/bounds_index.hpp"
#include "geo/overlay.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace plat {
namespace {

constexpr double kMostly = 0.5;  // share of an object from which ground decides about it

/// Areas of the frame, some of which may overlap.
class Cover {
 public:
  explicit Cover(std::vector<MultiPolygon> areas) : areas_(std::move(areas)), index_(boxes(areas_)) {}

  const std::vector<MultiPolygon>& areas() const { return areas_; }
  /// Whether at least half of an object lies in them.
  bool has_most_of(const MultiPolygon& object) const {
    const double most_left = (1 - kMostly) * area(object);
    MultiPolygon left = object;
    for (const int64_t i : index_.find(bounds(object))) {
      left = difference(left, areas_[static_cast<std::size_t>(i)]);
      if (area(left) <= most_left) return true;
    }
    return false;
  }

 private:
  static std::vector<Bounds> boxes(const std::vector<MultiPolygon>& areas) {
    std::vector<Bounds> out;
    for (const MultiPolygon& geometry : areas) out.push_back(bounds(geometry));
    return out;
  }
  std::vector<MultiPolygon> areas_;
  BoundsIndex index_;
};

bool tells_kinds(const ChangeLayer& layer) {
  return std::none_of(layer.kinds.begin(), layer.kinds.end(), [](const auto& kind) { return kind == kChangedKind; });
}

bool contains(const std::vector<std::string>& kinds, std::string_view kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// What changed on one side, as it is compared.
struct Side {
  PreparedLayer objects;
  std::vector<MultiPolygon> ground;
  int64_t not_judged = 0;
  int64_t by_outline = 0;
};

class Sides {
 public:
  Sides(const ChangeLayer& predicted, const ChangeLayer& truth, const ChangeCompareOptions& options)
      : options_(options), frame_(predicted.objects, truth.objects, options.compare), not_judged_({}) {
    by_outline_ = tells_kinds(predicted) && tells_kinds(truth);
    std::vector<MultiPolygon> unknown;
    for (const ChangeLayer* layer : {&predicted, &truth}) {
      std::vector<MultiPolygon> areas;
      for (std::size_t i = 0; i < layer->kinds.size(); ++i) {
        if (layer->kinds[i] == kUnknownKind) areas.push_back(ground_of(*layer, i));
      }
      for (MultiPolygon& placed : frame_.place(areas, layer->objects.crs)) {
        if (!placed.empty()) unknown.push_back(std::move(placed));
      }
    }
    not_judged_ = Cover(std::move(unknown));
  }

  const ComparisonFrame& frame() const { return frame_; }
  bool by_kind() const { return by_outline_; }
  const Cover& not_judged() const { return not_judged_; }

  Side changed(const ChangeLayer& layer) const {
    Side side;
    const auto counts = [&](const std::string& kind) { return kind == kChangedKind || contains(options_.kinds, kind); };
    side.objects = chosen(layer, counts, by_outline_);
    std::vector<MultiPolygon> ground;
    for (const int64_t position : side.objects.position) {
      const auto i = static_cast<std::size_t>(position);
      ground.push_back(ground_of(layer, i));
      const std::string& kind = layer.kinds[i];
      if (!layer.ground[i] && kind != "appeared" && kind != "vanished" && kind != kChangedKind) ++side.by_outline;
    }
    side.ground = frame_.place(ground, layer.objects.crs);
    side.not_judged = leave_out_not_judged(side.objects);
    return side;
  }

  std::vector<MultiPolygon> unchanged(const ChangeLayer& layer) const {
    PreparedLayer objects = chosen(
        layer, [](const std::string& kind) { return kind == kUnchangedKind; }, true);
    leave_out_not_judged(objects);
    return std::move(objects.geometry);
  }

 private:
  static const MultiPolygon& ground_of(const ChangeLayer& layer, std::size_t i) {
    return layer.ground[i] ? *layer.ground[i] : layer.objects.features[i].geometry;
  }

  /// The objects of some kinds in the frame, with their positions in the whole layer.
  template <typename Counts>
  PreparedLayer chosen(const ChangeLayer& layer, const Counts& counts, bool by_outline) const {
    FeatureLayer part;
    part.crs = layer.objects.crs;
    part.skipped = layer.objects.skipped;
    part.misplaced = layer.objects.misplaced;
    std::vector<int64_t> position;
    for (std::size_t i = 0; i < layer.kinds.size(); ++i) {
      if (!counts(layer.kinds[i])) continue;
      part.features.push_back({by_outline ? layer.objects.features[i].geometry : ground_of(layer, i), {}});
      position.push_back(static_cast<int64_t>(i));
    }
    PreparedLayer objects = frame_.prepare(part);
    for (int64_t& i : objects.position) i = position[static_cast<std::size_t>(i)];
    return objects;
  }

  int64_t leave_out_not_judged(PreparedLayer& objects) const {
    if (not_judged_.areas().empty()) return 0;
    PreparedLayer kept;
    for (std::size_t i = 0; i < objects.geometry.size(); ++i) {
      if (not_judged_.has_most_of(objects.geometry[i])) continue;
      kept.geometry.push_back(std::move(objects.geometry[i]));
      kept.position.push_back(objects.position[i]);
    }
    const auto dropped = static_cast<int64_t>(objects.geometry.size() - kept.geometry.size());
    kept.left_out = objects.left_out;
    objects = std::move(kept);
    return dropped;
  }

  const ChangeCompareOptions& options_;
  ComparisonFrame frame_;
  bool by_outline_ = false;
  Cover not_judged_;
};

void name_kinds(std::vector<ComparedObject>& objects, const ChangeLayer& layer) {
  for (ComparedObject& object : objects) object.kind = layer.kinds[static_cast<std::size_t>(object.position)];
}

void count_kinds(ChangeComparison& result, const ChangeLayer& predicted, const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) result.kinds.push_back({kind, {}});
  result.confusion.assign(kinds.size(), std::vector<int64_t>(kinds.size()));
  const auto number = [&](const std::string& kind) {
    return static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), kind) - kinds.begin());
  };
  for (const ComparedObject& object : result.changes.predicted) {
    ++result.kinds[number(object.kind)].objects.false_positives;
  }
  for (const ComparedObject& object : result.changes.truth) {
    const std::size_t own = number(object.kind);
    ++result.kinds[own].objects.false_negatives;
    if (object.partner < 0) continue;
    const std::size_t other = number(predicted.kinds[static_cast<std::size_t>(object.partner)]);
    ++result.confusion[own][other];
    if (own != other) {
      ++result.wrong_kind;
      continue;
    }
    ObjectCounts& counts = result.kinds[own].objects;
    ++counts.true_positives;
    --counts.false_positives;
    --counts.false_negatives;
  }
}

}  // namespace

void ChangeLayer::add(Feature object, std::string kind, std::optional<MultiPolygon> changed_ground) {
  objects.features.push_back(std::move(object));
  kinds.push_back(std::move(kind));
  ground.push_back(std::move(changed_ground));
}

ChangeComparison compare_changes(const ChangeLayer& predicted, const ChangeLayer& truth,
                                 const ChangeCompareOptions& options, const Progress& progress) {
  options.compare.validate();
  const Sides sides(predicted, truth, options);
  const Side p = sides.changed(predicted);
  const Side t = sides.changed(truth);
  report(progress, 0.2);

  ChangeComparison result;
  result.changes = detail::compare_prepared(p.objects, t.objects, {p.ground, t.ground, sides.not_judged().areas()},
                                            detail::order_by_score(predicted.objects, p.objects, options.compare.score),
                                            options.compare, progress);
  result.changes.crs = sides.frame().crs();
  name_kinds(result.changes.predicted, predicted);
  name_kinds(result.changes.truth, truth);
  if (sides.by_kind()) count_kinds(result, predicted, options.kinds);
  const Cover called_changed(p.objects.geometry);
  for (const MultiPolygon& object : sides.unchanged(truth)) {
    ++result.unchanged;
    if (called_changed.has_most_of(object)) ++result.unchanged_called_changed;
  }
  result.predicted_not_judged = p.not_judged;
  result.truth_not_judged = t.not_judged;
  result.predicted_by_outline = p.by_outline;
  result.truth_by_outline = t.by_outline;
  return result;
}

}  // namespace plat
