// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "tests/pipeline/bright_segmenter.hpp"
#include "tests/pipeline/change_world.hpp"
#include "tests/support/quiet.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

using plat::ChangeKind;
using plat::ChangeSummary;
using plat::Grid;
using plat::test::BrightSegmenter;
using plat::test::change_options;
using plat::test::changes_of;
using plat::test::DrawnHouse;
using plat::test::metre_grid;
using plat::test::seen;
using plat::test::text;

namespace {

const plat::GdalSession gdal;

constexpr int64_t kSide = 200;

/// Two scenes of a town, drawn by each case.
struct Scenes {
  plat::test::TemporaryFolder folder;
  std::vector<DrawnHouse> town = plat::test::drawn_town(kSide);

  std::string file(const std::string& name) const { return folder.file(name); }
  plat::Image<uint8_t> before(const Grid& grid = metre_grid(kSide, kSide)) const {
    return seen(town, false, {grid, {}});
  }
  plat::Image<uint8_t> after(const Grid& grid = metre_grid(kSide, kSide)) const { return seen(town, true, {grid, {}}); }
  void write(const std::string& name, const plat::Image<uint8_t>& scene, const plat::RasterWriteOptions& given = {},
             const Grid& grid = metre_grid(kSide, kSide)) const {
    plat::RasterWriteOptions options = given;
    options.overwrite = true;
    plat::write_raster(file(name), scene, grid, options);
  }
  void write_both() const {
    write("before.tif", before());
    write("after.tif", after());
  }
  ChangeSummary run(const plat::ChangeOptions& options = change_options(),
                    const BrightSegmenter& model = BrightSegmenter(160, 32),
                    const std::string& output = "out.gpkg") const {
    return plat::detect_change({file("before.tif"), file("after.tif")}, file(output), options, model);
  }
  /// Writes the outlines of a date as a layer.
  void write_objects(const std::string& name, bool later, const plat::Crs& crs,
                     const std::string& class_name = "") const {
    std::vector<plat::Field> fields;
    if (!class_name.empty()) fields.push_back({"class", plat::FieldType::Text});
    plat::FeatureWriter writer(file(name), crs, fields, {true, ""});
    for (const DrawnHouse& house : town) {
      const plat::Bounds& b = later ? house.after : house.before;
      if (b.max_x <= b.min_x) continue;
      plat::MultiPolygon outline = {
          plat::to_polygon(plat::Bounds{500000 + b.min_x, 3000000 - b.max_y, 500000 + b.max_x, 3000000 - b.min_y})};
      if (!crs.same_as(plat::test::utm())) outline = plat::CrsTransform(plat::test::utm(), crs)(outline);
      plat::Feature feature{outline, {}};
      if (!class_name.empty()) feature.attributes.push_back({"class", class_name});
      writer.write(feature);
    }
    writer.close();
  }
  std::string kind_at(const DrawnHouse& house) const {
    const plat::FeatureLayer changes = changes_of(file("out.gpkg"));
    const auto found = plat::test::at_house(changes, house);
    return found.size() == 1 ? text(*found.front(), "kind") : std::to_string(found.size()) + " changes";
  }
  void check_as_drawn() const {
    BOOST_TEST(changes_of(file("out.gpkg")).features.size() == town.size());
    for (const DrawnHouse& house : town) BOOST_TEST(kind_at(house) == house.kind);
  }
};

bool mentions(const std::vector<std::string>& texts, const std::string& word) {
  return std::ranges::any_of(texts, [&](const std::string& t) { return t.find(word) != std::string::npos; });
}

/// The error's sentence has these words.
auto says(const std::vector<std::string>& words) {
  return [words](const plat::Error& error) {
    const std::string message = error.what();
    const bool all = std::ranges::all_of(words, [&](const auto& w) { return message.find(w) != std::string::npos; });
    BOOST_TEST(all, message);
    return all;
  };
}

void blacken(plat::Image<uint8_t>& scene, const plat::Bounds& box) {
  plat::test::paint(scene,
                    {static_cast<int64_t>(box.min_x) - 3, static_cast<int64_t>(box.min_y) - 3,
                     static_cast<int64_t>(box.max_x - box.min_x) + 6, static_cast<int64_t>(box.max_y - box.min_y) + 6},
                    0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(change_inputs)

BOOST_AUTO_TEST_CASE(what_a_date_does_not_show_is_unknown) {
  const Scenes scenes;
  plat::RasterWriteOptions nodata;
  nodata.nodata = 0;
  for (const bool later : {true, false}) {
    plat::Image<uint8_t> before = scenes.before(), after = scenes.after();
    const std::vector<const DrawnHouse*> hidden = {&scenes.town[0], &scenes.town[2], &scenes.town[later ? 3 : 1]};
    for (const DrawnHouse* house : hidden) blacken(later ? after : before, house->shown());
    scenes.write("before.tif", before, nodata);
    scenes.write("after.tif", after, nodata);
    const ChangeSummary summary = scenes.run();
    BOOST_TEST(summary.steps[0].total(ChangeKind::Unknown).count == 3);
    const plat::FeatureLayer changes = changes_of(scenes.file("out.gpkg"));
    for (const DrawnHouse* house : hidden) {
      const auto found = plat::test::at_house(changes, *house);
      BOOST_REQUIRE(found.size() == 1U);
      BOOST_TEST(text(*found.front(), "kind") == "unknown");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_date_that_shows_nothing_is_refused) {
  const Scenes scenes;
  scenes.write_both();
  plat::RasterWriteOptions nodata;
  nodata.nodata = 0;
  const plat::Image<uint8_t> nothing(kSide, kSide, 3);
  plat::ChangeOptions options = change_options();
  options.series.shift_px = plat::Point{1e9, 0};
  BOOST_CHECK_EXCEPTION(scenes.run(options), plat::DataError, says({"after.tif: no pixel has data", "--shift"}));
  scenes.write("after.tif", nothing, nodata);
  BOOST_CHECK_EXCEPTION(scenes.run(), plat::DataError, says({"after.tif: no pixel has data"}));
  scenes.write("before.tif", nothing, nodata);
  scenes.write("after.tif", scenes.after());
  BOOST_CHECK_EXCEPTION(scenes.run(), plat::DataError, says({"before.tif: no pixel has data"}));
  BOOST_TEST(!std::filesystem::exists(scenes.file("out.gpkg")));
}

BOOST_AUTO_TEST_CASE(what_is_cut_by_the_edge_of_the_common_ground_is_no_change) {
  Scenes scenes;
  scenes.town = {{{60, 60, 80, 75}, {60, 60, 80, 75}, "unchanged"},
                 {{90, 100, 110, 115}, plat::test::kNoHouse, "vanished"},  // half of it lies beyond the later scene
                 {plat::test::kNoHouse, {90, 130, 110, 145}, "appeared"}};
  scenes.write("before.tif", scenes.before());
  const Grid narrow = metre_grid(100, kSide);
  scenes.write("after.tif", scenes.after(narrow), {}, narrow);
  const ChangeSummary summary = scenes.run();
  BOOST_TEST(summary.width == 100);
  BOOST_TEST(summary.steps[0].total(ChangeKind::Unchanged).count == 1);
  BOOST_TEST(summary.steps[0].total(ChangeKind::Unknown).count == 2);
}

BOOST_AUTO_TEST_CASE(scenes_that_cannot_be_laid_on_one_another_are_refused) {
  const Scenes scenes;
  scenes.write_both();
  Grid elsewhere = metre_grid(kSide, kSide);
  elsewhere.world_from_pixel.x0 += 5000;
  scenes.write("after.tif", scenes.after(), {}, elsewhere);
  BOOST_CHECK_EXCEPTION(scenes.run(), plat::DataError, says({"before.tif", "after.tif", "share no ground"}));
  Grid unplaced = metre_grid(kSide, kSide);
  unplaced.crs = {};
  scenes.write("after.tif", scenes.after(), {}, unplaced);
  BOOST_CHECK_EXCEPTION(scenes.run(), plat::DataError, says({"after.tif: names no CRS", "--assign-crs"}));
  plat::ChangeOptions options = change_options();
  options.series.later.assign_crs = plat::test::utm();
  scenes.run(options);
  scenes.check_as_drawn();
  const std::string before = scenes.file("before.tif");
  BOOST_CHECK_EXCEPTION(plat::detect_change({before, before}, scenes.file("x.gpkg"), options, BrightSegmenter()),
                        plat::UsageError, says({"both"}));
  std::filesystem::create_symlink(before, scenes.file("link.tif"));
  BOOST_CHECK_THROW(
      plat::detect_change({before, scenes.file("link.tif")}, scenes.file("x.gpkg"), options, BrightSegmenter()),
      plat::UsageError);
  BOOST_TEST(!std::filesystem::exists(scenes.file("x.gpkg")));
}

BOOST_AUTO_TEST_CASE(scenes_without_any_georeference_are_compared_pixel_by_pixel) {
  const Scenes scenes;
  const Grid pixels{kSide, kSide, {0, 1, 0, 0, 0, 1}, {}};
  scenes.write("before.tif", scenes.before(), {}, pixels);
  scenes.write("after.tif", scenes.after(), {}, pixels);
  const ChangeSummary summary = scenes.run();
  for (const ChangeKind kind : {ChangeKind::Appeared, ChangeKind::Vanished, ChangeKind::Grown, ChangeKind::Shrunk}) {
    BOOST_TEST(summary.steps[0].total(kind).count ==
               std::ranges::count_if(scenes.town, [&](const auto& h) { return h.kind == name_of(kind); }));
  }
  BOOST_CHECK_EXCEPTION(scenes.run(change_options(), BrightSegmenter(160, 32), "out.geojson"), plat::DataError,
                        says({"CRS"}));
}

BOOST_AUTO_TEST_CASE(the_same_pixels_twice_are_told) {
  const Scenes scenes;
  scenes.write("before.tif", scenes.before());
  scenes.write("after.tif", scenes.before());
  const ChangeSummary summary = scenes.run();
  BOOST_TEST(mentions(summary.warnings, "show the same pixels"));
  BOOST_TEST(summary.steps[0].total(ChangeKind::Unchanged).count == summary.scenes[0].objects);
}

BOOST_AUTO_TEST_CASE(scenes_in_the_wrong_order_are_told) {
  const Scenes scenes;
  const auto warned = [&](const std::string& first, const std::string& second) {
    plat::RasterWriteOptions before, after;
    before.taken = first;
    after.taken = second;
    scenes.write("before.tif", scenes.before(), before);
    scenes.write("after.tif", scenes.after(), after);
    const ChangeSummary summary = scenes.run();
    return mentions(summary.warnings, "exchange them");
  };
  BOOST_TEST(warned("2024:02:11 09:40:00", "2023:12:30 09:40:00"));
  BOOST_TEST(!warned("2023:12:30 09:40:00", "2024:02:11 09:40:00"));
  BOOST_TEST(!warned("2024:02:11 09:40:00", ""));
  // The later scene has a STAC item, which says less than TIFF's tag does.
  const auto item = [&](const std::string& text) { std::ofstream(scenes.file("after.json")) << text; };
  item(R"({"stac_version": "1.0.0", "properties": {"datetime": "2023-01-01T10:00:00Z"}})");
  BOOST_TEST(warned("2024:02:11 09:40:00", ""));
  // The day alone is no earlier than an hour of it.
  item(R"({"stac_version": "1.0.0", "properties": {"datetime": "2024-02-11"}})");
  BOOST_TEST(!warned("2024:02:11 09:40:00", ""));
  item(R"({"stac_version": "1.0.0", "properties": {"datetime": null, "start_datetime": "2020-01-01T00:00:00Z"}})");
  BOOST_TEST(warned("2024:02:11 09:40:00", ""));
  for (const std::string odd : {"{", "[]", R"({"stac_version": 1, "properties": 3})", "\xff\xfe", ""}) {
    item(odd);
    BOOST_TEST(!warned("2024:02:11 09:40:00", ""));
  }
}

BOOST_AUTO_TEST_CASE(an_item_beside_a_scene_is_not_replaced) {
  const Scenes scenes;
  scenes.write_both();
  const std::string item = R"({"stac_version": "1.0.0", "properties": {"datetime": "2023-01-01T10:00:00Z"}})";
  std::ofstream(scenes.file("after.json")) << item;
  BOOST_CHECK_EXCEPTION(scenes.run(change_options(), BrightSegmenter(160, 32), "after.json"), plat::UsageError,
                        says({"after.json", "is what is read"}));
  BOOST_TEST(plat::test::file_bytes(scenes.file("after.json")) == item);
}

BOOST_AUTO_TEST_CASE(shifts_that_contradict_one_another_are_refused) {
  Scenes scenes;
  scenes.town = plat::test::drawn_town(512);
  const Grid grid = metre_grid(512, 512);
  scenes.write("before.tif", scenes.before(grid), {}, grid);
  plat::Image<uint8_t> after(512, 512, 3);
  const std::vector<plat::Point> shifts = {{3, -9},  {-8, 5},  {11, 0}, {-4, -2}, {7, 8},   {0, -6},
                                           {-11, 9}, {5, 3},   {-2, 7}, {9, -10}, {-6, -5}, {2, 11},
                                           {-10, 1}, {6, -12}, {-1, 4}, {12, -3}};
  for (int64_t n = 0; n < 16; ++n) {
    const plat::Window block{n % 4 * 128, n / 4 * 128, 128, 128};
    const auto image = seen(scenes.town, true, {grid.sub(block), shifts[static_cast<std::size_t>(n)]});
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < 128; ++r)
        std::ranges::copy(image.row(r, b), after.row(block.row + r, b).begin() + block.col);
    }
  }
  scenes.write("after.tif", after, {}, grid);
  plat::ChangeOptions options = change_options();
  options.series.shift.block = 128;
  BOOST_CHECK_EXCEPTION(scenes.run(options), plat::DataError, says({"disagree", "--no-align", "--shift"}));
  options.series.align = false;
  scenes.run(options);
}

BOOST_AUTO_TEST_CASE(small_blocks_are_matched_too) {
  const Scenes scenes;
  scenes.write_both();
  plat::ChangeOptions options = change_options();
  options.series.shift.block = 64;
  scenes.run(options);
  scenes.check_as_drawn();
}

BOOST_AUTO_TEST_CASE(objects_come_from_layers_in_any_crs) {
  const Scenes scenes;
  scenes.write_both();
  scenes.write_objects("before.geojson", false, plat::Crs::from_text("EPSG:4326"));
  scenes.write_objects("after.gpkg", true, plat::Crs::from_text("EPSG:3857"));
  plat::ChangeOptions options = change_options();
  options.objects = {{scenes.file("before.geojson"), ""}, {scenes.file("after.gpkg"), ""}};
  const ChangeSummary summary = scenes.run(options);
  scenes.check_as_drawn();
  BOOST_TEST(summary.tiles == 0);
  options.maps = scenes.file("maps.tif");
  BOOST_CHECK_EXCEPTION(scenes.run(options), plat::UsageError, says({"--maps"}));
  options.maps.clear();
  options.objects.pop_back();
  BOOST_CHECK_EXCEPTION(scenes.run(options), plat::UsageError, says({"2 scenes", "1 layer", "--objects"}));
  options.objects.push_back(options.objects.front());
  BOOST_TEST(scenes.run(options).steps[0].total(ChangeKind::Unchanged).count > 0);
}

BOOST_AUTO_TEST_CASE(objects_of_layers_on_missing_ground_are_unknown) {
  const Scenes scenes;
  plat::RasterWriteOptions nodata;
  nodata.nodata = 0;
  plat::Image<uint8_t> after = scenes.after();
  blacken(after, scenes.town[3].before);
  scenes.write("before.tif", scenes.before());
  scenes.write("after.tif", after, nodata);
  scenes.write_objects("before.gpkg", false, plat::test::utm(), "house");
  scenes.write_objects("after.gpkg", true, plat::test::utm(), "house");
  plat::ChangeOptions options = change_options();
  options.objects = {{scenes.file("before.gpkg"), ""}, {scenes.file("after.gpkg"), ""}};
  scenes.run(options);
  BOOST_TEST(scenes.town[3].kind == "vanished");
  BOOST_TEST(scenes.kind_at(scenes.town[3]) == "unknown");
  BOOST_TEST(scenes.kind_at(scenes.town[1]) == "appeared");
  BOOST_TEST(text(changes_of(scenes.file("out.gpkg")).features.front(), "class") == "house");
}

BOOST_AUTO_TEST_CASE(both_scenes_need_the_bands_of_the_model) {
  const Scenes scenes;
  scenes.write_both();
  for (const bool later : {true, false}) {
    for (const plat::SeriesGrid grid : {plat::SeriesGrid::First, plat::SeriesGrid::Last}) {
      plat::ChangeOptions options = change_options();
      options.series.grid = grid;
      (later ? options.series.later : options.series.first).bands = {"1"};
      BOOST_CHECK_EXCEPTION(scenes.run(options), plat::UsageError, says({"bands", "3", "not 1"}));
    }
  }
}

BOOST_AUTO_TEST_CASE(tiles_that_fail_leave_unknown_ground_and_a_partial_run) {
  const Scenes scenes;
  scenes.write_both();
  // A grey that is nowhere else, beside the first house and on the later date alone.
  plat::Image<uint8_t> after = scenes.after();
  plat::test::paint(after, {30, 22, 1, 1}, 111);
  scenes.write("after.tif", after);
  BrightSegmenter model(64, 16);
  model.before = [&](const plat::Image<float>& pixels) {
    if (std::ranges::count(pixels.band(0), 111.0F) > 0) throw std::runtime_error("broken");
  };
  try {
    scenes.run(change_options(), model);
    BOOST_ERROR("the run is not whole");
  } catch (const plat::PartialChangeError& partial) {
    BOOST_TEST(partial.summary().failed_tiles > 0);
    BOOST_TEST(partial.summary().failed_tiles < partial.summary().tiles);
    // What the broken tiles would have shown is missing on both dates, so that nothing appears or vanishes there.
    BOOST_TEST(partial.summary().steps[0].total(ChangeKind::Unknown).count <= 2);
  }
  const std::string kind = scenes.kind_at(scenes.town[0]);
  BOOST_TEST((kind == "unknown" || kind == "0 changes"), kind);
}

BOOST_AUTO_TEST_SUITE_END()
