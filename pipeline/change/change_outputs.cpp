// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/change_outputs.hpp"

#include "geo/feature_io.hpp"
#include "report/preview.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace plat {
namespace {

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

const std::vector<Field> kChangeFields = {
    {"id", FieldType::Integer},      {"kind", FieldType::Text},           {"class", FieldType::Text},
    {"score", FieldType::Real},      {"area_before_m2", FieldType::Real}, {"area_after_m2", FieldType::Real},
    {"iou", FieldType::Real},        {"before_id", FieldType::Integer},   {"after_id", FieldType::Integer},
    {"before_ids", FieldType::Text}, {"after_ids", FieldType::Text}};
const std::vector<Field> kObjectFields = {{"id", FieldType::Integer},  {"class", FieldType::Text},
                                          {"score", FieldType::Real},  {"area_m2", FieldType::Real},
                                          {"unseen", FieldType::Real}, {"evidence", FieldType::Real}};

/// The objects' outlines as they are written.
class Outlines {
 public:
  Outlines(const Grid& grid, const std::optional<double>& assumed_gsd_m) : grid_(grid), plane_(grid, assumed_gsd_m) {}

  MultiPolygon pixel(const DatedObjects& of, int64_t object) const { return plane_.to_pixel(of.store.outline(object)); }
  MultiPolygon pixel(const DatedObjects& of, const std::vector<int64_t>& objects) const {
    MultiPolygon all;
    for (const int64_t object : objects) std::ranges::move(pixel(of, object), std::back_inserter(all));
    return all;
  }
  MultiPolygon world(MultiPolygon pixel) const {
    for (Polygon& polygon : pixel) polygon = grid_.to_world(polygon);
    return pixel;
  }

 private:
  Grid grid_;
  MatchingPlane plane_;
};

AttributeValue first_of(const std::vector<int64_t>& objects) {
  if (objects.empty()) return {};
  return objects.front() + 1;
}

AttributeValue list_of(const std::vector<int64_t>& objects) {
  if (objects.size() < 2) return {};
  std::string list;
  for (const int64_t object : objects) list += (list.empty() ? "" : ",") + std::to_string(object + 1);
  return list;
}

AttributeValue area_of(const std::vector<int64_t>& objects, double area_m2) {
  if (objects.empty()) return 0.0;
  return rounded(area_m2, 1e2);
}

AttributeValue evidence_of(const DatedObjects& dated, int64_t object) {
  if (dated.evidence.empty()) return {};
  return rounded(static_cast<double>(dated.evidence[static_cast<std::size_t>(object)]), 1e4);
}

void write_objects(FeatureWriter& writer, const std::string& layer, const DatedObjects& dated,
                   const std::vector<std::string>& classes, const Outlines& outlines) {
  writer.begin_layer(layer, kObjectFields);
  for (int64_t i = 0; i < dated.store.size(); ++i) {
    const ObjectFacts& facts = dated.store.facts(i);
    writer.write({outlines.world(outlines.pixel(dated, i)),
                  {{"id", i + 1},
                   {"class", classes[static_cast<std::size_t>(facts.class_index)]},
                   {"score", rounded(facts.score, 1e4)},
                   {"area_m2", rounded(dated.area_m2[static_cast<std::size_t>(i)], 1e2)},
                   {"unseen", rounded(facts.unseen, 1e3)},
                   {"evidence", evidence_of(dated, i)}}});
  }
}

}  // namespace

void write_changes(const std::string& output, const ScenePair& pair, const ObjectChanges& found,
                   const PairObjects& objects, bool overwrite) {
  const Grid& grid = pair.grid();
  const Outlines outlines(grid, pair.assumed_gsd_m);
  const bool layers = holds_layers(output);
  FeatureWriter writer(output, grid.crs, kChangeFields, {overwrite, layers ? "changes" : ""});
  int64_t id = 0;
  for (const ObjectChange& change : found.changes) {
    const bool gone = change.after.empty();
    const DatedObjects& of = gone ? objects.before : objects.after;
    writer.write({outlines.world(outlines.pixel(of, gone ? change.before : change.after)),
                  {{"id", ++id},
                   {"kind", std::string(name_of(change.kind))},
                   {"class", objects.classes[static_cast<std::size_t>(change.class_index)]},
                   {"score", rounded(change.score, 1e4)},
                   {"area_before_m2", area_of(change.before, change.area_before)},
                   {"area_after_m2", area_of(change.after, change.area_after)},
                   {"iou", rounded(change.iou, 1e4)},
                   {"before_id", first_of(change.before)},
                   {"after_id", first_of(change.after)},
                   {"before_ids", list_of(change.before)},
                   {"after_ids", list_of(change.after)}}});
  }
  if (layers) {
    write_objects(writer, "before", objects.before, objects.classes, outlines);
    write_objects(writer, "after", objects.after, objects.classes, outlines);
  }
  writer.close();
}

void write_shifts(const std::string& path, const ScenePair& pair, bool overwrite) {
  const Grid& grid = pair.grid();
  const MeasuredShift& shift = pair.shift;
  FeatureWriter writer(path, grid.crs,
                       {{"dx_px", FieldType::Real},
                        {"dy_px", FieldType::Real},
                        {"field_dx_px", FieldType::Real},
                        {"field_dy_px", FieldType::Real},
                        {"peak", FieldType::Real},
                        {"used", FieldType::Integer}},
                       {overwrite, ""});
  for (const BlockShift& block : shift.blocks) {
    const Window& w = block.window;
    const Polygon square = {{{static_cast<double>(w.col), static_cast<double>(w.row)},
                             {static_cast<double>(w.col_end()), static_cast<double>(w.row)},
                             {static_cast<double>(w.col_end()), static_cast<double>(w.row_end())},
                             {static_cast<double>(w.col), static_cast<double>(w.row_end())}},
                            {}};
    const Point field = shift.field.at(
        {0.5 * static_cast<double>(w.col + w.col_end()), 0.5 * static_cast<double>(w.row + w.row_end())});
    writer.write({{grid.to_world(square)},
                  {{"dx_px", rounded(block.shift.x, 1e3)},
                   {"dy_px", rounded(block.shift.y, 1e3)},
                   {"field_dx_px", rounded(field.x, 1e3)},
                   {"field_dy_px", rounded(field.y, 1e3)},
                   {"peak", rounded(block.peak, 1e4)},
                   {"used", int64_t{block.used ? 1 : 0}}}});
  }
  writer.close();
}

namespace {

PreviewColour colour_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Appeared: return PreviewColour::Green;
    case ChangeKind::Vanished: return PreviewColour::Red;
    case ChangeKind::Grown: return PreviewColour::Cyan;
    case ChangeKind::Shrunk: return PreviewColour::Orange;
    case ChangeKind::Unknown: return PreviewColour::White;
    default: return PreviewColour::Violet;
  }
}

}  // namespace

void write_change_preview(const std::string& path, ScenePair& pair, const PairScaling& scaling,
                          const ObjectChanges& found, const PairObjects& objects, bool overwrite) {
  const Grid grid = pair.grid();
  const Outlines outlines(grid, pair.assumed_gsd_m);
  PreviewOptions options{.overwrite = overwrite};
  options.max_size = 1000;
  PreviewCanvas before(grid, options), after(grid, options), changes(grid, options);
  for (int64_t i = 0; i < objects.before.store.size(); ++i) before.add(outlines.pixel(objects.before, i));
  for (int64_t i = 0; i < objects.after.store.size(); ++i) after.add(outlines.pixel(objects.after, i));
  for (const ObjectChange& change : found.changes) {
    if (change.kind == ChangeKind::Unchanged) continue;
    const bool gone = change.after.empty();
    changes.add(outlines.pixel(gone ? objects.before : objects.after, gone ? change.before : change.after),
                colour_of(change.kind));
  }
  write_panels(
      path, {{before, pair.before, scaling.before, "before", false},
             {after, pair.after, scaling.after, "after", false},
             {changes, pair.after, scaling.after,
              "green appeared, red vanished, cyan grown, orange shrunk, violet split or merged, white unknown", true}});
}

}  // namespace plat
