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
#include <set>

using plat::ChangeKind;
using plat::ChangeSummary;
using plat::Feature;
using plat::FeatureLayer;
using plat::test::at_house;
using plat::test::BrightSegmenter;
using plat::test::change_options;
using plat::test::changes_of;
using plat::test::DrawnHouse;
using plat::test::metre_grid;
using plat::test::number;
using plat::test::seen;
using plat::test::text;

namespace {

const plat::GdalSession gdal;

constexpr int64_t kSide = 300;

/// The drawn town at four dates: it changes between the first and the second, one house that stands is under cloud on the third.
struct Series {
  plat::test::TemporaryFolder folder;
  std::vector<DrawnHouse> town = plat::test::drawn_town(kSide);
  std::vector<std::string> scenes = {file("a.tif"), file("b.tif"), file("c.tif"), file("d.tif")};

  Series() {
    write("a.tif", seen(town, false, {metre_grid(kSide, kSide), {}}));
    write("b.tif", seen(town, true, {metre_grid(kSide, kSide), {2.5, 1.25}}));
    plat::Image<uint8_t> clouded = seen(town, true, {metre_grid(kSide, kSide), {}});
    const plat::Bounds& box = cloudy().after;
    plat::test::paint(clouded,
                      {std::llround(box.min_x) - 4, std::llround(box.min_y) - 4,
                       std::llround(box.max_x - box.min_x) + 8, std::llround(box.max_y - box.min_y) + 8},
                      0);
    write("c.tif", clouded, 0);
    write("d.tif", seen(town, true, {metre_grid(kSide, kSide), {-7, 4.6}}));
  }
  std::string file(const std::string& name) const { return folder.file(name); }
  const DrawnHouse& cloudy() const { return town[2]; }
  void write(const std::string& name, const plat::Image<uint8_t>& scene,
             const std::optional<double>& nodata = std::nullopt) const {
    plat::RasterWriteOptions options;
    options.nodata = nodata;
    options.overwrite = true;
    plat::write_raster(file(name), scene, metre_grid(kSide, kSide), options);
  }
  ChangeSummary run(const plat::ChangeOptions& options = change_options(),
                    const std::string& output = "out.gpkg") const {
    return plat::detect_change(scenes, file(output), options, BrightSegmenter(160, 32));
  }
  FeatureLayer layer(const std::string& name) const { return changes_of(file("out.gpkg"), name); }
  FeatureLayer step(int64_t wanted) const {
    FeatureLayer changes = layer("changes");
    std::erase_if(changes.features, [&](const Feature& f) { return number(f, "step") != static_cast<double>(wanted); });
    return changes;
  }
};

bool says(const ChangeSummary& summary, const std::string& word) {
  return std::ranges::any_of(summary.warnings, [&](const std::string& t) { return t.find(word) != std::string::npos; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(change_series)

BOOST_AUTO_TEST_CASE(each_step_tells_what_was_drawn) {
  const Series series;
  BOOST_TEST(series.cloudy().kind == "unchanged");
  const ChangeSummary summary = series.run();
  BOOST_REQUIRE(summary.steps.size() == 3U);
  BOOST_REQUIRE(summary.scenes.size() == 4U);
  for (const std::size_t k : {1U, 3U}) BOOST_TEST(summary.scenes[k].shifted);
  const FeatureLayer first = series.step(1), second = series.step(2), third = series.step(3);
  for (const DrawnHouse& house : series.town) {
    const auto found = at_house(first, house);
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST(text(*found.front(), "kind") == house.kind);
    if (house.kind == "vanished") continue;
    DrawnHouse standing = house;
    standing.before = house.after;
    const std::string expected = &house == &series.cloudy() ? "unknown" : "unchanged";
    for (const FeatureLayer* layer : {&second, &third}) {
      const auto later = at_house(*layer, standing);
      BOOST_REQUIRE(later.size() == 1U);
      BOOST_TEST(text(*later.front(), "kind") == expected);
    }
  }
  BOOST_TEST(summary.steps[1].total(ChangeKind::Unknown).count == 1);
  BOOST_TEST(text(first.features.front(), "date_before") == "a");
  BOOST_TEST(text(third.features.front(), "date_after") == "d");
}

BOOST_AUTO_TEST_CASE(objects_keep_their_id_through_the_series) {
  const Series series;
  const ChangeSummary summary = series.run();
  const FeatureLayer tracks = series.layer("tracks"), objects = series.layer("objects");
  BOOST_TEST(static_cast<int64_t>(tracks.features.size()) == summary.tracks.count);
  BOOST_TEST(tracks.features.size() == series.town.size());
  std::map<std::string, int64_t> kinds;
  for (const DrawnHouse& house : series.town) {
    ++kinds[house.kind];
    DrawnHouse last = house;
    if (house.kind != "vanished") last.before = house.after;
    const auto found = at_house(tracks, last);
    BOOST_REQUIRE(found.size() == 1U);
    const Feature& track = *found.front();
    BOOST_TEST(number(track, "first_seen") == (house.kind == "appeared" ? 2 : 1));
    BOOST_TEST(number(track, "last_seen") == (house.kind == "vanished" ? 1 : 4));
    BOOST_TEST(text(track, "begun") == (house.kind == "appeared" ? "appeared" : ""));
    BOOST_TEST(text(track, "ended") == (house.kind == "vanished" ? "vanished" : ""));
    const int64_t scenes = house.kind == "vanished"                                 ? 1
                           : house.kind == "appeared" || &house == &series.cloudy() ? 3
                                                                                    : 4;
    BOOST_TEST(number(track, "scenes") == static_cast<double>(scenes));
    std::set<double> dates;
    for (const Feature& object : objects.features) {
      if (number(object, "id") == number(track, "id")) BOOST_TEST(dates.insert(number(object, "scene")).second);
    }
    BOOST_TEST(static_cast<int64_t>(dates.size()) == scenes);
  }
  BOOST_TEST(summary.tracks.begun == kinds["appeared"]);
  BOOST_TEST(summary.tracks.ended == kinds["vanished"]);
  // The one under cloud is there on three of the four.
  BOOST_TEST(summary.tracks.unclear == 1);
  BOOST_TEST(summary.tracks.throughout == summary.tracks.count - kinds["appeared"] - kinds["vanished"] - 1);
  for (const Feature& change : series.layer("changes").features) {
    const double before = number(change, "before_id"), after = number(change, "after_id");
    if (before >= 0 && after >= 0) BOOST_TEST(before == after);
  }
}

BOOST_AUTO_TEST_CASE(a_pair_of_the_series_gives_the_same_step) {
  const Series series;
  series.run();
  std::vector<std::string> of_series;
  for (const Feature& change : series.step(1).features) of_series.push_back(text(change, "kind"));
  plat::detect_change({series.scenes[0], series.scenes[1]}, series.file("pair.gpkg"), change_options(),
                      BrightSegmenter(160, 32));
  std::vector<std::string> of_pair;
  for (const Feature& change : changes_of(series.file("pair.gpkg")).features) of_pair.push_back(text(change, "kind"));
  BOOST_TEST(of_series == of_pair, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_same_bytes_come_from_any_number_of_threads) {
  const Series series;
  std::set<std::string> outputs, maps;
  for (const int threads : {1, 2, 4}) {
    plat::ChangeOptions options = change_options(threads);
    options.maps = series.file("maps.tif");
    options.preview = series.file("out.png");
    series.run(options);
    outputs.insert(plat::test::file_bytes(series.file("out.gpkg")));
    maps.insert(plat::test::file_bytes(options.maps));
  }
  BOOST_TEST(outputs.size() == 1U);
  BOOST_TEST(maps.size() == 1U);
  plat::RasterReader reader(series.file("maps.tif"));
  BOOST_TEST(reader.info().band_names.size() == 3U);
  const plat::Bounds& box = series.cloudy().after;
  const plat::RasterBlock at = reader.read({std::llround(box.min_x) + 3, std::llround(box.min_y) + 3, 1, 1});
  // Under cloud on the third date: the first step is known, the others are not.
  BOOST_TEST(at.pixels.at(0, 0, 0) < 30);
  BOOST_TEST(at.pixels.at(0, 0, 1) == 255);
  BOOST_TEST(at.pixels.at(0, 0, 2) == 255);
}

BOOST_AUTO_TEST_CASE(objects_of_a_series_come_from_layers) {
  const Series series;
  const auto write_objects = [&](const std::string& name, bool later) {
    plat::FeatureWriter writer(series.file(name), plat::test::utm(), {}, {true, ""});
    for (const DrawnHouse& house : series.town) {
      const plat::Bounds& b = later ? house.after : house.before;
      if (b.max_x <= b.min_x) continue;
      writer.write(
          {{plat::to_polygon(plat::Bounds{500000 + b.min_x, 3000000 - b.max_y, 500000 + b.max_x, 3000000 - b.min_y})},
           {}});
    }
    writer.close();
  };
  write_objects("before.gpkg", false);
  write_objects("after.gpkg", true);
  plat::ChangeOptions options = change_options();
  for (const std::string name : {"before.gpkg", "after.gpkg", "after.gpkg", "after.gpkg"})
    options.objects.push_back({series.file(name), ""});
  const ChangeSummary summary = series.run(options);
  for (const ChangeKind kind : {ChangeKind::Appeared, ChangeKind::Vanished, ChangeKind::Grown, ChangeKind::Shrunk}) {
    const auto drawn = std::ranges::count_if(series.town, [&](const auto& h) { return h.kind == name_of(kind); });
    BOOST_TEST(summary.steps[0].total(kind).count == drawn);
    for (const std::size_t k : {1U, 2U}) BOOST_TEST(summary.steps[k].total(kind).count == 0);
  }
  options.objects.pop_back();
  BOOST_CHECK_THROW(series.run(options), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(what_is_odd_about_a_series_is_told) {
  Series series;
  plat::ChangeOptions options = change_options();
  options.series.shift_px = plat::Point{1, 1};
  BOOST_CHECK_THROW(series.run(options), plat::UsageError);
  std::filesystem::copy_file(series.file("c.tif"), series.file("e.tif"));
  series.scenes = {series.file("a.tif"), series.file("c.tif"), series.file("e.tif")};
  BOOST_TEST(says(series.run(), "show the same pixels"));
  series.scenes.push_back(series.file("a.tif"));
  BOOST_CHECK_THROW(series.run(), plat::UsageError);
  series.scenes = {series.file("a.tif")};
  BOOST_CHECK_THROW(series.run(), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(scenes_of_a_series_need_not_cover_one_another) {
  Series series;
  // The second covers the left half, the third the right one; they meet in the first.
  const plat::Grid left = metre_grid(160, kSide);
  const plat::Grid right{160, kSide, {500140, 1, 0, 3000000, 0, -1}, plat::test::utm()};
  plat::test::write_scene(series.file("b.tif"), seen(series.town, true, {left, {}}), left);
  plat::test::write_scene(series.file("c.tif"), seen(series.town, true, {right, {}}), right);
  series.scenes.pop_back();
  const ChangeSummary summary = series.run();
  BOOST_TEST(summary.width == kSide);
  const FeatureLayer first = series.step(1);
  for (const DrawnHouse& house : series.town) {
    const auto drawn = [](const plat::Bounds& box) { return box.max_x > 0; };
    const double from = drawn(house.before) ? house.before.min_x : house.after.min_x;
    const double to = drawn(house.after) ? house.after.max_x : house.before.max_x;
    if (to > 145 && from < 175) continue;
    const auto found = at_house(first, house);
    const bool seen_again = to < 160;
    BOOST_REQUIRE(found.size() == (!seen_again && house.kind == "appeared" ? 0U : 1U));
    if (!found.empty()) BOOST_TEST(text(*found.front(), "kind") == (seen_again ? house.kind : "unknown"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
