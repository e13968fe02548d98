// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/jpeg.hpp"
#include "tests/pipeline/bright_segmenter.hpp"
#include "tests/pipeline/change_world.hpp"
#include "tests/support/quiet.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using plat::Bounds;
using plat::ChangeKind;
using plat::ChangeSummary;
using plat::Grid;
using plat::test::BrightSegmenter;
using plat::test::Camera;
using plat::test::change_options;
using plat::test::changes_of;
using plat::test::drawn_town;
using plat::test::DrawnHouse;
using plat::test::metre_grid;
using plat::test::number;
using plat::test::seen;
using plat::test::text;

namespace {

const plat::GdalSession gdal;

constexpr int64_t kSide = 300;

/// A town seen at two dates.
class Pair {
 public:
  explicit Pair(const Camera& before = {metre_grid(kSide, kSide), {}},
                const Camera& after = {metre_grid(kSide, kSide), {}}) {
    plat::test::write_scene(file("before.tif"), seen(town, false, before), before.grid);
    plat::test::write_scene(file("after.tif"), seen(town, true, after), after.grid);
  }
  std::string file(const std::string& name) const { return folder.file(name); }
  ChangeSummary run(const plat::ChangeOptions& options = change_options(),
                    const std::string& output = "out.gpkg") const {
    return plat::detect_change({file("before.tif"), file("after.tif")}, file(output), options,
                               BrightSegmenter(160, 32));
  }

  plat::test::TemporaryFolder folder;
  std::vector<DrawnHouse> town = drawn_town(kSide);
};

/// Each house has one change, of the kind drawn, and there are no others.
void check_as_drawn(const Pair& pair, const ChangeSummary& summary, const std::string& output = "out.gpkg",
                    bool exchanged = false) {
  const plat::FeatureLayer changes = changes_of(pair.file(output));
  BOOST_TEST(changes.features.size() == pair.town.size());
  for (const DrawnHouse& house : pair.town) {
    const auto found = plat::test::at_house(changes, house);
    BOOST_TEST_CONTEXT(house.kind << " at " << house.shown().min_x << ", " << house.shown().min_y) {
      BOOST_REQUIRE(found.size() == 1U);
      BOOST_TEST(text(*found.front(), "kind") == (exchanged ? plat::test::mirrored(house.kind) : house.kind));
    }
  }
  BOOST_TEST(summary.failed_tiles == 0);
}

/// The same with areas on the ground, to within a share.
void check_areas(const Pair& pair, double share, const std::string& output = "out.gpkg") {
  const plat::FeatureLayer changes = changes_of(pair.file(output));
  for (const DrawnHouse& house : pair.town) {
    const auto found = plat::test::at_house(changes, house);
    BOOST_REQUIRE(found.size() == 1U);
    const auto near = [&](const std::string& name, const Bounds& box) {
      const double truth = (box.max_x - box.min_x) * (box.max_y - box.min_y);
      BOOST_TEST(std::abs(number(*found.front(), name) - truth) <= share * truth,
                 name << " is " << number(*found.front(), name) << ", drawn " << truth);
    };
    near("area_before_m2", house.before);
    near("area_after_m2", house.after);
  }
}

bool mentions(const ChangeSummary& summary, const std::string& word) {
  return std::ranges::any_of(summary.warnings, [&](const std::string& t) { return t.find(word) != std::string::npos; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(change)

BOOST_AUTO_TEST_CASE(what_was_drawn_is_found_and_nothing_else) {
  const Pair pair;
  const ChangeSummary summary = pair.run();
  check_as_drawn(pair, summary);
  // UTM's pixels are 0.04 % too long here.
  check_areas(pair, 0.002);
  BOOST_TEST(!summary.scenes[1].shifted);
  BOOST_TEST(summary.warnings.empty());
  for (const ChangeKind kind :
       {ChangeKind::Appeared, ChangeKind::Vanished, ChangeKind::Grown, ChangeKind::Shrunk, ChangeKind::Unchanged}) {
    const auto drawn = std::ranges::count_if(pair.town, [&](const auto& h) { return h.kind == name_of(kind); });
    BOOST_TEST(summary.steps[0].total(kind).count == drawn);
    BOOST_TEST(drawn > 3);
  }
  BOOST_TEST(summary.steps[0].unsure == 0);
}

BOOST_AUTO_TEST_CASE(exchanged_scenes_give_mirrored_kinds) {
  const Pair pair;
  const ChangeSummary summary = plat::detect_change({pair.file("after.tif"), pair.file("before.tif")},
                                                    pair.file("out.gpkg"), change_options(), BrightSegmenter(160, 32));
  check_as_drawn(pair, summary, "out.gpkg", true);
}

BOOST_AUTO_TEST_CASE(a_shift_of_the_camera_is_taken_out) {
  for (const plat::Point shift : {plat::Point{0.3, -0.4}, {2.5, 1.25}, {-7, 9.6}, {20, -13.3}}) {
    BOOST_TEST_CONTEXT("shift " << shift.x << ", " << shift.y) {
      const Pair pair({metre_grid(kSide, kSide), {}}, {metre_grid(kSide, kSide), shift});
      const ChangeSummary summary = pair.run();
      BOOST_TEST(summary.scenes[1].shifted);
      const plat::Point found = summary.scenes[1].shift.field.at({150, 150});
      BOOST_TEST(std::hypot(found.x - shift.x, found.y - shift.y) < 0.1, found.x << ", " << found.y);
      check_as_drawn(pair, summary);
      check_areas(pair, 0.15);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_given_shift_is_taken_out_and_none_where_that_is_not_wanted) {
  const Pair pair({metre_grid(kSide, kSide), {}}, {metre_grid(kSide, kSide), {6, 5}});
  plat::ChangeOptions options = change_options();
  options.series.shift_px = plat::Point{6, 5};
  check_as_drawn(pair, pair.run(options));
  // Whole pixels: nothing is blurred.
  check_areas(pair, 0.002);
  options.series.shift_px.reset();
  options.series.align = false;
  const ChangeSummary as_they_lie = pair.run(options);
  BOOST_TEST(!as_they_lie.scenes[1].shifted);
  BOOST_TEST(as_they_lie.scenes[1].shift.field.largest() == 0);
}

BOOST_AUTO_TEST_CASE(scenes_may_differ_in_resolution_extent_and_crs) {
  const Grid grid = metre_grid(kSide, kSide);
  const Grid coarse{200, 200, {500000, 1.5, 0, 3000000, 0, -1.5}, plat::test::utm()};
  const Grid fine{500, 500, {500000, 0.6, 0, 3000000, 0, -0.6}, plat::test::utm()};
  const Grid wider{kSide + 61, kSide + 40, {499959.5, 1, 0, 3000021.3, 0, -1}, plat::test::utm()};
  const std::vector<std::pair<std::string, Grid>> others = {{"coarse", coarse},
                                                            {"fine", fine},
                                                            {"wider", wider},
                                                            {"mercator", plat::test::grid_in("EPSG:3857", grid, 1.1)},
                                                            {"degrees", plat::test::grid_in("EPSG:4326", grid, 9e-6)}};
  for (const auto& [name, other] : others) {
    for (const bool later : {true, false}) {
      BOOST_TEST_CONTEXT(name << (later ? " after" : " before")) {
        const Pair pair({later ? grid : other, {}}, {later ? other : grid, {}});
        const ChangeSummary summary = pair.run();
        BOOST_TEST(summary.scenes[1].shift.field.largest() < 0.3, summary.scenes[1].shift.text());
        check_as_drawn(pair, summary);
        check_areas(pair, 0.2);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(shifts_are_taken_out_on_any_grid) {
  const Grid grid = metre_grid(kSide, kSide);
  const Pair pair({grid, {}}, {plat::test::grid_in("EPSG:3857", grid, 0.8), {6, -4}});
  for (const auto on : {plat::SeriesGrid::First, plat::SeriesGrid::Last, plat::SeriesGrid::Finest}) {
    plat::ChangeOptions options = change_options();
    options.series.grid = on;
    check_as_drawn(pair, pair.run(options));
  }
}

BOOST_AUTO_TEST_CASE(the_grid_is_of_the_scene_asked_for) {
  const Grid fine{600, 600, {500000, 0.5, 0, 3000000, 0, -0.5}, plat::test::utm()};
  const Pair pair({metre_grid(kSide, kSide), {}}, {fine, {}});
  const auto width = [&](plat::SeriesGrid grid) {
    BrightSegmenter model(160, 32);
    model.edit().gsd_m.reset();
    plat::ChangeOptions options = change_options();
    options.series.grid = grid;
    const ChangeSummary summary =
        plat::detect_change({pair.file("before.tif"), pair.file("after.tif")}, pair.file("out.gpkg"), options, model);
    check_as_drawn(pair, summary);
    BOOST_TEST(summary.scenes[0].gsd_m == 1, boost::test_tools::tolerance(0.01));
    BOOST_TEST(summary.scenes[1].gsd_m == 0.5, boost::test_tools::tolerance(0.01));
    return summary.width;
  };
  BOOST_TEST(width(plat::SeriesGrid::First) == kSide);
  BOOST_TEST(width(plat::SeriesGrid::Last) == 600);
  BOOST_TEST(width(plat::SeriesGrid::Finest) == 600);
}

BOOST_AUTO_TEST_CASE(sixteen_bits_are_compared_with_eight) {
  const Pair pair;
  plat::RasterWriteOptions write;
  write.overwrite = true;
  plat::write_raster(pair.file("after.tif"), seen<uint16_t>(pair.town, true, {metre_grid(kSide, kSide), {}, 12}),
                     metre_grid(kSide, kSide), write);
  check_as_drawn(pair, pair.run());
}

BOOST_AUTO_TEST_CASE(the_same_bytes_come_from_any_number_of_threads) {
  const Pair pair({metre_grid(kSide, kSide), {}}, {metre_grid(kSide, kSide), {2.5, 1.25}});
  std::set<std::string> outputs, maps;
  for (const int threads : {1, 2, 4, 2}) {
    plat::ChangeOptions options = change_options(threads);
    options.maps = pair.file("maps.tif");
    pair.run(options);
    outputs.insert(plat::test::file_bytes(pair.file("out.gpkg")));
    maps.insert(plat::test::file_bytes(pair.file("maps.tif")));
  }
  BOOST_TEST(outputs.size() == 1U);
  BOOST_TEST(maps.size() == 1U);
}

BOOST_AUTO_TEST_CASE(layers_agree_by_their_ids) {
  const Pair pair;
  const ChangeSummary summary = pair.run();
  const std::string path = pair.file("out.gpkg");
  std::map<std::string, plat::FeatureLayer> objects;
  for (const std::string date : {"before", "after"}) objects[date] = changes_of(path, date);
  BOOST_TEST(static_cast<int64_t>(objects["before"].features.size()) == summary.scenes[0].objects);
  BOOST_TEST(static_cast<int64_t>(objects["after"].features.size()) == summary.scenes[1].objects);
  std::map<std::string, std::set<double>> used;
  for (const plat::Feature& change : changes_of(path).features) {
    for (const std::string date : {"before", "after"}) {
      const double id = number(change, date + "_id");
      if (id < 0) {
        BOOST_TEST(number(change, "area_" + date + "_m2") == 0);
        continue;
      }
      BOOST_TEST(used[date].insert(id).second, "object " << id << " is in two changes");
      const auto& features = objects[date].features;
      const auto object = std::ranges::find_if(features, [&](const auto& f) { return number(f, "id") == id; });
      BOOST_REQUIRE((object != features.end()));
      BOOST_TEST(number(*object, "area_m2") == number(change, "area_" + date + "_m2"));
      if (date == "after" || number(change, "after_id") < 0)
        BOOST_TEST((object->geometry.front().exterior == change.geometry.front().exterior));
    }
  }
  BOOST_TEST(used["before"].size() == objects["before"].features.size());
  BOOST_TEST(used["after"].size() == objects["after"].features.size());
}

BOOST_AUTO_TEST_CASE(other_formats_hold_the_changes_alone) {
  const Pair pair;
  for (const std::string output : {"out.geojson", "out.geojsonl", "out.fgb", "out.shp"}) {
    BOOST_TEST_CONTEXT(output) { check_as_drawn(pair, pair.run(change_options(), output), output); }
  }
}

BOOST_AUTO_TEST_CASE(other_colours_and_compression_are_no_change) {
  const Pair pair;
  auto image = seen(pair.town, false, {metre_grid(kSide, kSide), {}});
  constexpr double kGain[] = {0.9, 1.05, 0.8}, kOffset[] = {12, -5, 20};
  for (int64_t b = 0; b < 3; ++b) {
    for (uint8_t& v : image.band(b)) v = static_cast<uint8_t>(std::clamp(kGain[b] * v + kOffset[b], 0.0, 255.0));
  }
  plat::test::write_scene(pair.file("after.tif"), plat::through_jpeg(image, 60), metre_grid(kSide, kSide));
  const ChangeSummary summary = pair.run();
  BOOST_TEST(summary.steps[0].total(ChangeKind::Unchanged).count == summary.scenes[0].objects);
  BOOST_TEST(summary.scenes[0].objects == summary.scenes[1].objects);
  BOOST_TEST(!mentions(summary, "same pixels"));
}

BOOST_AUTO_TEST_CASE(a_shift_that_changes_over_the_scene_is_taken_out) {
  const Grid grid = metre_grid(512, 512);
  // The later scene's georeference is turned by a third of a degree and too small by 1 %.
  Camera camera{grid, {}};
  camera.grid.world_from_pixel = {500002, 1.01, 0.006, 2999999, 0.006, -1.01};
  Pair pair;
  pair.town = drawn_town(512);
  plat::test::write_scene(pair.file("before.tif"), seen(pair.town, false, {grid, {}}), grid);
  plat::test::write_scene(pair.file("after.tif"), seen(pair.town, true, camera), grid);
  plat::ChangeOptions options = change_options();
  options.series.shift.block = 128;
  const ChangeSummary summary = pair.run(options);
  BOOST_TEST((summary.scenes[1].shift.verdict == plat::ShiftVerdict::Smooth));
  BOOST_TEST(summary.scenes[1].shift.field.largest() > 5);
  for (const plat::Point at : {plat::Point{50, 50}, {256, 256}, {450, 100}}) {
    // What lies at a place of the grid is seen where the camera puts it.
    const plat::Point seen_at = camera.grid.world_from_pixel.inverse()(grid.world_from_pixel(at));
    const plat::Point found = summary.scenes[1].shift.field.at(at);
    BOOST_TEST(std::hypot(found.x - seen_at.x + at.x, found.y - seen_at.y + at.y) < 0.25);
  }
  check_as_drawn(pair, summary);
}

BOOST_AUTO_TEST_CASE(classes_are_told_apart_and_chosen) {
  Pair pair;
  BrightSegmenter model(160, 32);
  model.edit().classes = {{"first", {}}, {"second", {}}};
  // A class a band: the second has other houses, all of which go.
  auto before = seen(pair.town, false, {metre_grid(kSide, kSide), {}});
  auto after = seen(pair.town, true, {metre_grid(kSide, kSide), {}});
  std::ranges::fill(before.band(1), uint8_t{20});
  std::ranges::fill(after.band(1), uint8_t{20});
  for (int64_t r = 60; r < 70; ++r) std::fill_n(before.row(r, 1).begin() + 70, 20, uint8_t{240});
  plat::test::write_scene(pair.file("before.tif"), before, metre_grid(kSide, kSide));
  plat::test::write_scene(pair.file("after.tif"), after, metre_grid(kSide, kSide));
  for (const std::string wanted : {"", "first", "second"}) {
    BOOST_TEST_CONTEXT("classes: " << wanted) {
      plat::ChangeOptions options = change_options();
      if (!wanted.empty()) options.classes = {wanted};
      options.maps = pair.file("maps.tif");
      plat::detect_change({pair.file("before.tif"), pair.file("after.tif")}, pair.file("out.gpkg"), options, model);
      std::map<std::string, std::map<std::string, std::size_t>> kinds;
      for (const auto& change : changes_of(pair.file("out.gpkg")).features)
        ++kinds[text(change, "class")][text(change, "kind")];
      BOOST_TEST(kinds.size() == (wanted.empty() ? 2U : 1U));
      if (wanted != "second") BOOST_TEST(kinds["first"].size() == 5U);
      if (wanted != "first") BOOST_TEST((kinds["second"] == std::map<std::string, std::size_t>{{"vanished", 1}}));
      plat::RasterOptions last;
      last.bands = {wanted.empty() ? "2" : "1"};
      plat::RasterReader maps(options.maps, last);
      if (wanted != "first")
        BOOST_TEST(maps.read({80, 65, 1, 1}).pixels.at(0, 0) == 216, boost::test_tools::tolerance(0.01F));
      if (wanted != "first") BOOST_TEST(maps.read({10, 10, 1, 1}).pixels.at(0, 0) == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_other_map_nearly_shows_has_not_changed) {
  Pair pair;
  auto after = seen(pair.town, true, {metre_grid(kSide, kSide), {}});
  std::size_t dimmed = 0, vanished = 0;
  for (const DrawnHouse& house : pair.town) {
    if (house.kind != "vanished") continue;
    // Every second one is still there, but darker than what counts as a house.
    if (++vanished % 2 == 0) continue;
    const Bounds& box = house.before;
    plat::test::paint(after,
                      {std::llround(box.min_x), std::llround(box.min_y), std::llround(box.max_x - box.min_x),
                       std::llround(box.max_y - box.min_y)},
                      100);
    ++dimmed;
  }
  plat::test::write_scene(pair.file("after.tif"), after, metre_grid(kSide, kSide));
  plat::ChangeOptions options = change_options();
  const ChangeSummary held = pair.run(options);
  BOOST_TEST(dimmed > 1U);
  BOOST_TEST(held.steps[0].unsure == dimmed);
  BOOST_TEST(held.steps[0].total(ChangeKind::Vanished).count == vanished - dimmed);
  options.min_change_score = 0;
  BOOST_TEST(pair.run(options).steps[0].total(ChangeKind::Vanished).count == vanished);
  // There with 0.94, and not with 1 - 0.39: a change of 0.57.
  options.min_change_score = 0.4;
  BOOST_TEST(pair.run(options).steps[0].total(ChangeKind::Vanished).count == vanished);
}

BOOST_AUTO_TEST_CASE(a_part_of_the_scenes_is_compared_alone) {
  const Pair pair({metre_grid(kSide, kSide), {}}, {metre_grid(kSide, kSide), {2.5, 1.25}});
  plat::ChangeOptions options = change_options();
  options.series.first.bbox = Bounds{500040, 2999780, 500260, 2999960};
  const ChangeSummary summary = pair.run(options);
  BOOST_TEST(summary.width == 220);
  BOOST_TEST(summary.height == 180);
  // What the frame does not cut is as drawn.
  const plat::FeatureLayer changes = changes_of(pair.file("out.gpkg"));
  std::size_t whole = 0;
  for (const DrawnHouse& house : pair.town) {
    const Bounds &a = house.before, &b = house.after;
    const auto inside = [](const Bounds& h) {
      return h.max_x == 0 || (h.min_x > 43 && h.max_x < 257 && h.min_y > 43 && h.max_y < 217);
    };
    if (!inside(a) || !inside(b)) continue;
    ++whole;
    const auto found = plat::test::at_house(changes, house);
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST(text(*found.front(), "kind") == house.kind);
  }
  BOOST_TEST(whole > 8U);
  options.series.first.bbox = Bounds{87.0004, 27.1203, 87.0026, 27.1219};
  options.series.first.bbox_crs = plat::Crs::wgs84();
  BOOST_TEST(pair.run(options).width < kSide);
}

BOOST_AUTO_TEST_CASE(nothing_on_either_date_is_no_change) {
  Pair pair;
  pair.town.clear();
  for (const std::string name : {"before", "after"})
    plat::test::write_scene(pair.file(name + ".tif"), seen(pair.town, name == "after", {metre_grid(kSide, kSide), {}}),
                            metre_grid(kSide, kSide));
  const ChangeSummary summary = pair.run();
  BOOST_TEST(summary.scenes[0].objects + summary.scenes[1].objects == 0);
  for (const std::string layer : {"changes", "before", "after"})
    BOOST_TEST(changes_of(pair.file("out.gpkg"), layer).features.empty());
}

BOOST_AUTO_TEST_SUITE_END()
