// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/change_outputs.hpp"

#include "core/text.hpp"
#include "geo/feature_io.hpp"
#include "geo/overlay.hpp"
#include "report/preview.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace plat {
namespace {

using Fields = std::vector<Field>;
using Values = std::vector<std::pair<std::string, AttributeValue>>;

const Fields kChangeFields = {
    {"id", FieldType::Integer},      {"kind", FieldType::Text},           {"class", FieldType::Text},
    {"score", FieldType::Real},      {"area_before_m2", FieldType::Real}, {"area_after_m2", FieldType::Real},
    {"iou", FieldType::Real},        {"before_id", FieldType::Integer},   {"after_id", FieldType::Integer},
    {"before_ids", FieldType::Text}, {"after_ids", FieldType::Text}};
const Fields kStepFields = {
    {"step", FieldType::Integer}, {"date_before", FieldType::Text}, {"date_after", FieldType::Text}};
const Fields kObjectFields = {
    {"id", FieldType::Integer}, {"class", FieldType::Text}, {"score", FieldType::Real}, {"area_m2", FieldType::Real}};
const Fields kPairFields = {{"unseen", FieldType::Real}, {"evidence", FieldType::Real}};
const Fields kDateFields = {{"scene", FieldType::Integer},         {"date", FieldType::Text},
                            {"unseen_earlier", FieldType::Real},   {"unseen_later", FieldType::Real},
                            {"evidence_earlier", FieldType::Real}, {"evidence_later", FieldType::Real}};
const Fields kTrackFields = {
    {"id", FieldType::Integer},         {"class", FieldType::Text},       {"first_seen", FieldType::Integer},
    {"last_seen", FieldType::Integer},  {"first_date", FieldType::Text},  {"last_date", FieldType::Text},
    {"begun", FieldType::Text},         {"ended", FieldType::Text},       {"scenes", FieldType::Integer},
    {"first_area_m2", FieldType::Real}, {"last_area_m2", FieldType::Real}};

template <typename T>
std::vector<T> joined(std::vector<T> first, const std::vector<T>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// The objects' outlines as they are written.
class Outlines {
 public:
  Outlines(const Grid& grid, const std::optional<double>& assumed_gsd_m) : grid_(grid), plane_(grid, assumed_gsd_m) {}

  MultiPolygon pixel(const DatedObjects& of, int64_t object) const { return plane_.to_pixel(of.store.outline(object)); }
  MultiPolygon pixel(const DatedObjects& of, const std::vector<int64_t>& objects) const {
    MultiPolygon all;
    for (const int64_t object : objects) std::ranges::move(pixel(of, object), std::back_inserter(all));
    // Parts that share an edge are one polygon.
    return objects.size() > 1 ? make_valid(all) : all;
  }
  MultiPolygon world(MultiPolygon pixel) const {
    for (Polygon& polygon : pixel) polygon = grid_.to_world(polygon);
    return pixel;
  }

 private:
  Grid grid_;
  MatchingPlane plane_;
};

AttributeValue first_of(const std::vector<int64_t>& objects, const std::vector<int64_t>& ids) {
  if (objects.empty()) return {};
  return ids[static_cast<std::size_t>(objects.front())];
}

AttributeValue list_of(const std::vector<int64_t>& objects, const std::vector<int64_t>& ids) {
  if (objects.size() < 2) return {};
  std::string list;
  for (const int64_t object : objects)
    list += (list.empty() ? "" : ",") + std::to_string(ids[static_cast<std::size_t>(object)]);
  return list;
}

AttributeValue area_of(const std::vector<int64_t>& objects, double area_m2) {
  if (objects.empty()) return 0.0;
  return rounded(area_m2, 1e2);
}

AttributeValue evidence_of(const std::vector<float>& evidence, int64_t object) {
  if (evidence.empty()) return {};
  return rounded(static_cast<double>(evidence[static_cast<std::size_t>(object)]), 1e4);
}

/// What people call the dates: the days if all are told and differ, else the files, with their folder if need be, else numbers.
std::vector<std::string> labels_of(const SceneSeries& series) {
  std::vector<std::string> days, files, paths, numbers;
  for (const DatedScene& scene : series.scenes) {
    days.push_back(scene.taken.substr(0, 10));
    const std::filesystem::path path(scene.path());
    files.push_back(path.stem().string());
    paths.push_back((path.parent_path().filename() / path.stem()).string());
    numbers.push_back(std::to_string(numbers.size() + 1));
  }
  const auto tell_apart = [](const std::vector<std::string>& names) {
    const std::set<std::string> different(names.begin(), names.end());
    return different.size() == names.size() && !different.contains("");
  };
  if (tell_apart(days)) return days;
  if (tell_apart(files)) return files;
  return tell_apart(paths) ? paths : numbers;
}

/// Writes what was found into the layers of one file.
class ChangeWriter {
 public:
  ChangeWriter(const SceneSeries& series, const SeriesChanges& found, const SeriesObjects& objects)
      : outlines_(series.grid(), series.assumed_gsd_m),
        found_(found),
        objects_(objects),
        labels_(labels_of(series)),
        is_pair_(series.scenes.size() == 2) {
    // Of a pair, ids count the objects of a date; in a longer series an object keeps the one that it has.
    for (const std::vector<int64_t>& tracks : found.tracker.track_of_object()) {
      std::vector<int64_t>& ids = ids_.emplace_back();
      for (std::size_t i = 0; i < tracks.size(); ++i)
        ids.push_back(is_pair_ ? static_cast<int64_t>(i) + 1 : tracks[i] + 1);
    }
  }

  Fields change_fields() const { return is_pair_ ? kChangeFields : joined(kChangeFields, kStepFields); }

  void write_changes(FeatureWriter& writer) const {
    int64_t id = 0;
    for (std::size_t k = 0; k < found_.steps.size(); ++k) {
      for (const ObjectChange& change : found_.steps[k].changes) {
        const bool gone = change.after.empty();
        Values values = {{"id", ++id},
                         {"kind", std::string(name_of(change.kind))},
                         {"class", class_name(change.class_index)},
                         {"score", rounded(static_cast<double>(change.score), 1e4)},
                         {"area_before_m2", area_of(change.before, change.area_before)},
                         {"area_after_m2", area_of(change.after, change.area_after)},
                         {"iou", rounded(change.iou, 1e4)},
                         {"before_id", first_of(change.before, ids_[k])},
                         {"after_id", first_of(change.after, ids_[k + 1])},
                         {"before_ids", list_of(change.before, ids_[k])},
                         {"after_ids", list_of(change.after, ids_[k + 1])}};
        if (!is_pair_) {
          values.insert(
              values.end(),
              {{"step", static_cast<int64_t>(k) + 1}, {"date_before", labels_[k]}, {"date_after", labels_[k + 1]}});
        }
        const DatedObjects& of = objects_.dates[gone ? k : k + 1];
        writer.write({outlines_.world(outlines_.pixel(of, gone ? change.before : change.after)), std::move(values)});
      }
    }
  }

  void write_objects(FeatureWriter& writer) const {
    if (!is_pair_) writer.begin_layer("objects", joined(kObjectFields, kDateFields));
    for (std::size_t k = 0; k < objects_.dates.size(); ++k) {
      if (is_pair_) writer.begin_layer(k == 0 ? "before" : "after", joined(kObjectFields, kPairFields));
      const DatedObjects& dated = objects_.dates[k];
      for (int64_t i = 0; i < dated.store.size(); ++i) {
        writer.write({outlines_.world(outlines_.pixel(dated, i)), values_of(dated, k, i)});
      }
    }
  }

  void write_tracks(FeatureWriter& writer) const {
    writer.begin_layer("tracks", kTrackFields);
    const std::vector<ObjectTrack>& tracks = found_.tracker.tracks();
    const std::vector<TrackStory> stories = track_stories(found_);
    // What begins or ends without a change is a change of too little probability.
    const auto text = [](const std::optional<ChangeKind>& kind) {
      if (!kind) return AttributeValue();
      return AttributeValue(*kind == ChangeKind::Unchanged ? std::string("unsure") : std::string(name_of(*kind)));
    };
    for (std::size_t t = 0; t < tracks.size(); ++t) {
      const TrackStory& story = stories[t];
      const auto first = static_cast<std::size_t>(tracks[t].first_seen),
                 last = static_cast<std::size_t>(tracks[t].last_seen);
      const DatedObjects &begin = objects_.dates[first], &end = objects_.dates[last];
      writer.write({outlines_.world(outlines_.pixel(end, story.last_object)),
                    {{"id", static_cast<int64_t>(t) + 1},
                     {"class", class_name(end.store.facts(story.last_object).class_index)},
                     {"first_seen", tracks[t].first_seen + 1},
                     {"last_seen", tracks[t].last_seen + 1},
                     {"first_date", labels_[first]},
                     {"last_date", labels_[last]},
                     {"begun", text(story.begun)},
                     {"ended", text(story.ended)},
                     {"scenes", story.scenes},
                     {"first_area_m2", rounded(begin.area_m2[static_cast<std::size_t>(story.first_object)], 1e2)},
                     {"last_area_m2", rounded(end.area_m2[static_cast<std::size_t>(story.last_object)], 1e2)}}});
    }
  }

 private:
  std::string class_name(int32_t index) const { return objects_.classes[static_cast<std::size_t>(index)]; }

  Values values_of(const DatedObjects& dated, std::size_t date, int64_t i) const {
    const ObjectFacts& facts = dated.store.facts(i);
    Values values = {{"id", ids_[date][static_cast<std::size_t>(i)]},
                     {"class", class_name(facts.class_index)},
                     {"score", rounded(static_cast<double>(facts.score), 1e4)},
                     {"area_m2", rounded(dated.area_m2[static_cast<std::size_t>(i)], 1e2)}};
    const auto share = [](float unseen) { return rounded(static_cast<double>(unseen), 1e3); };
    if (is_pair_) {
      values.insert(values.end(),
                    {{"unseen", share(date == 0 ? facts.unseen_later : facts.unseen_earlier)},
                     {"evidence", evidence_of(date == 0 ? dated.evidence_later : dated.evidence_earlier, i)}});
      return values;
    }
    const bool first = date == 0, last = date + 1 == labels_.size();
    values.insert(values.end(), {{"scene", static_cast<int64_t>(date) + 1},
                                 {"date", labels_[date]},
                                 {"unseen_earlier", first ? AttributeValue() : share(facts.unseen_earlier)},
                                 {"unseen_later", last ? AttributeValue() : share(facts.unseen_later)},
                                 {"evidence_earlier", evidence_of(dated.evidence_earlier, i)},
                                 {"evidence_later", evidence_of(dated.evidence_later, i)}});
    return values;
  }

  Outlines outlines_;
  const SeriesChanges& found_;
  const SeriesObjects& objects_;
  std::vector<std::string> labels_;
  bool is_pair_;
  std::vector<std::vector<int64_t>> ids_;  ///< of each date's objects
};

}  // namespace

void write_changes(const std::string& output, const SceneSeries& series, const SeriesChanges& found,
                   const SeriesObjects& objects, bool overwrite) {
  const ChangeWriter changes(series, found, objects);
  const bool layers = holds_layers(output);
  FeatureWriter writer(output, series.grid().crs, changes.change_fields(), {overwrite, layers ? "changes" : ""});
  changes.write_changes(writer);
  if (layers) {
    changes.write_objects(writer);
    if (series.scenes.size() > 2) changes.write_tracks(writer);
  }
  writer.close();
}

void write_shifts(const std::string& path, const SceneSeries& series, bool overwrite) {
  const Grid& grid = series.grid();
  FeatureWriter writer(path, grid.crs,
                       {{"scene", FieldType::Integer},
                        {"dx_px", FieldType::Real},
                        {"dy_px", FieldType::Real},
                        {"field_dx_px", FieldType::Real},
                        {"field_dy_px", FieldType::Real},
                        {"peak", FieldType::Real},
                        {"used", FieldType::Integer}},
                       {overwrite, ""});
  for (std::size_t k = 1; k < series.scenes.size(); ++k) {
    const MeasuredShift& shift = series.scenes[k].shift;
    for (const BlockShift& block : shift.blocks) {
      const Window& w = block.window;
      const Bounds square{static_cast<double>(w.col), static_cast<double>(w.row), static_cast<double>(w.col_end()),
                          static_cast<double>(w.row_end())};
      const Point field = shift.field.at({0.5 * (square.min_x + square.max_x), 0.5 * (square.min_y + square.max_y)});
      writer.write({{grid.to_world(to_polygon(square))},
                    {{"scene", static_cast<int64_t>(k) + 1},
                     {"dx_px", rounded(block.shift.x, 1e3)},
                     {"dy_px", rounded(block.shift.y, 1e3)},
                     {"field_dx_px", rounded(field.x, 1e3)},
                     {"field_dy_px", rounded(field.y, 1e3)},
                     {"peak", rounded(block.peak, 1e4)},
                     {"used", int64_t{block.used ? 1 : 0}}}});
    }
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
    case ChangeKind::Unknown: return PreviewColour::Yellow;
    default: return PreviewColour::Violet;
  }
}

constexpr const char* kLegend =
    "green appeared, red vanished, cyan grown, orange shrunk, violet split or merged, yellow unknown";

/// An empty canvas of a size at which several make one picture.
PreviewCanvas panel_canvas(const Grid& grid, std::size_t panels, bool overwrite) {
  PreviewOptions options{.overwrite = overwrite};
  options.max_size = panels > 4 ? 750 : 1000;
  return PreviewCanvas(grid, options);
}

}  // namespace

void write_change_preview(const std::string& path, SceneSeries& series, const std::vector<Scaling>& scalings,
                          const SeriesChanges& found, const SeriesObjects& objects, bool overwrite) {
  const Grid grid = series.grid();
  const Outlines outlines(grid, series.assumed_gsd_m);
  const std::vector<std::string> labels = labels_of(series);
  const bool is_pair = series.scenes.size() == 2;
  const std::size_t count = is_pair ? 3 : series.scenes.size();
  std::vector<PreviewCanvas> canvases;
  for (std::size_t k = 0; k < count; ++k) canvases.push_back(panel_canvas(grid, count, overwrite));
  const auto draw_objects = [&](const DatedObjects& dated, PreviewCanvas& canvas) {
    for (int64_t i = 0; i < dated.store.size(); ++i) canvas.add(outlines.pixel(dated, i));
  };
  const auto draw_step = [&](std::size_t step, PreviewCanvas& canvas) {
    for (const ObjectChange& change : found.steps[step].changes) {
      if (change.kind == ChangeKind::Unchanged) continue;
      const bool gone = change.after.empty();
      canvas.add(outlines.pixel(objects.dates[gone ? step : step + 1], gone ? change.before : change.after),
                 colour_of(change.kind));
    }
  };
  std::vector<PreviewPanel> panels;
  const auto add_panel = [&](std::size_t scene, const std::string& title, bool pale) {
    panels.push_back({canvases[panels.size()], series.scenes[scene].reader, scalings[scene], title, pale});
  };
  draw_objects(objects.dates.front(), canvases.front());
  add_panel(0, is_pair ? "before" : labels.front(), false);
  if (is_pair) {
    draw_objects(objects.dates.back(), canvases[1]);
    add_panel(1, "after", false);
    draw_step(0, canvases[2]);
    add_panel(1, kLegend, true);
  } else {
    for (std::size_t k = 1; k < count; ++k) {
      draw_step(k - 1, canvases[k]);
      add_panel(k, labels[k] + (k == 1 ? ": " + std::string(kLegend) : ""), true);
    }
  }
  write_panels(path, panels);
}

}  // namespace plat
