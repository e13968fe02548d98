// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/geometry.hpp"
#include "geo/overlay.hpp"
#include "geo/rasterize.hpp"
#include "synthesis/demo.hpp"
#include "synthesis/pair.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

using plat::DrawnChange;

const plat::GdalSession gdal;

plat::SceneStyle quiet_style(plat::Region region = plat::Region::DenseTown) {
  plat::SceneStyle style;
  style.region = region;
  style.density = 0.8;
  style.noise = 0;
  return style;
}

/// The same town in the same light through the same sensor.
plat::PairOptions nothing_changes(const plat::SceneStyle& style) {
  plat::PairOptions options;
  options.appear = options.vanish = options.grow = options.shrink = 0;
  options.sun_azimuth_deg = style.sun_azimuth_deg;
  options.sun_elevation_deg = style.sun_elevation_deg;
  options.dryness = options.moved_cars = options.moved_trees = options.roof_tone = 0;
  options.gain = {1, 1, 1};
  options.offset = {0, 0, 0};
  options.gamma = 1;
  options.shift_px = {};
  options.noise = style.noise;
  return options;
}

int64_t count_of(const plat::DrawnPair& pair, DrawnChange change) {
  return std::count_if(pair.buildings.begin(), pair.buildings.end(),
                       [&](const plat::PairedBuilding& b) { return b.change == change; });
}

/// Mean difference of the grey values of both images in some outlines.
double difference_in(const plat::DrawnPair& pair, const std::vector<plat::MultiPolygon>& outlines) {
  const auto mask = plat::rasterize_mask(outlines, pair.before.width(), pair.before.height());
  double sum = 0;
  int64_t count = 0;
  for (int64_t r = 0; r < mask.height(); ++r) {
    for (int64_t c = 0; c < mask.width(); ++c) {
      if (mask.at(c, r) == 0) continue;
      sum += std::abs(pair.before.at(c, r, 1) - pair.after.at(c, r, 1));
      ++count;
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

/// The small displacement of b's content against a's, by least squares over gradients (Lucas and Kanade).
plat::Point displacement(const plat::Image<uint8_t>& a, const plat::Image<uint8_t>& b) {
  double xx = 0;
  double xy = 0;
  double yy = 0;
  double xt = 0;
  double yt = 0;
  for (int64_t r = 20; r < a.height() - 20; ++r) {
    for (int64_t c = 20; c < a.width() - 20; ++c) {
      const double gx = 0.25 * (a.at(c + 1, r) - a.at(c - 1, r) + b.at(c + 1, r) - b.at(c - 1, r));
      const double gy = 0.25 * (a.at(c, r + 1) - a.at(c, r - 1) + b.at(c, r + 1) - b.at(c, r - 1));
      const double t = a.at(c, r) - b.at(c, r);
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      xt += gx * t;
      yt += gy * t;
    }
  }
  const double determinant = xx * yy - xy * xy;
  return {(yy * xt - xy * yt) / determinant, (xx * yt - xy * xt) / determinant};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pair)

BOOST_AUTO_TEST_CASE(the_same_seed_draws_the_same_pair_and_another_seed_another) {
  const auto a = plat::draw_pair(160, 120, 5, {}, {});
  const auto b = plat::draw_pair(160, 120, 5, {}, {});
  const auto c = plat::draw_pair(160, 120, 6, {}, {});
  BOOST_TEST((a.before == b.before));
  BOOST_TEST((a.after == b.after));
  BOOST_TEST((a.before != c.before));
  BOOST_TEST((a.before != a.after));
  BOOST_TEST(a.after.width() == 160);
  BOOST_TEST(a.after.height() == 120);
  BOOST_REQUIRE(a.buildings.size() == b.buildings.size());
  for (std::size_t i = 0; i < a.buildings.size(); ++i) {
    BOOST_TEST((a.buildings[i].before == b.buildings[i].before));
    BOOST_TEST((a.buildings[i].after == b.buildings[i].after));
  }
}

BOOST_AUTO_TEST_CASE(where_nothing_changes_both_images_are_equal) {
  for (const double noise : {0.0, 2.0}) {
    plat::SceneStyle style = quiet_style();
    style.noise = noise;
    const auto pair = plat::draw_pair(256, 200, 3, style, nothing_changes(style));
    BOOST_TEST((pair.before == pair.after) == (noise == 0));
    BOOST_TEST(count_of(pair, DrawnChange::Unchanged) == static_cast<int64_t>(pair.buildings.size()));
  }
}

BOOST_AUTO_TEST_CASE(kinds_agree_with_outlines_and_areas) {
  plat::PairOptions options;
  options.appear = options.vanish = options.grow = options.shrink = 0.15;
  for (const double lean : {0.0, 0.1}) {
    plat::SceneStyle style = quiet_style();
    style.lean = lean;
    const auto pair = plat::draw_pair(600, 500, 11, style, options);
    int64_t id = 0;
    for (const plat::PairedBuilding& b : pair.buildings) {
      BOOST_TEST(b.id == ++id);
      BOOST_TEST(b.before.empty() == (b.change == DrawnChange::Appeared));
      BOOST_TEST(b.after.empty() == (b.change == DrawnChange::Vanished));
      const double pixel_m2 = pair.gsd_m * pair.gsd_m;
      BOOST_TEST(std::abs(b.area_before_m2 - plat::area(b.before) * pixel_m2) < 1e-9);
      BOOST_TEST(std::abs(b.area_after_m2 - plat::area(b.after) * pixel_m2) < 1e-9);
      const double larger = std::max(b.area_before_m2, b.area_after_m2);
      const double smaller = std::min(b.area_before_m2, b.area_after_m2);
      switch (b.change) {
        case DrawnChange::Appeared:
        case DrawnChange::Vanished: BOOST_TEST(b.iou == 0); break;
        case DrawnChange::Unchanged:
          BOOST_TEST((b.before == b.after));
          BOOST_TEST(b.iou == 1);
          break;
        case DrawnChange::Grown:
        case DrawnChange::Shrunk:
          BOOST_TEST((b.area_after_m2 > b.area_before_m2) == (b.change == DrawnChange::Grown));
          BOOST_TEST(larger - smaller > 8);
          // What stays keeps its place: the smaller outline lies in the larger one.
          BOOST_TEST(std::abs(b.iou - smaller / larger) < 1e-6);
          break;
      }
      const auto box = plat::bounds(b.after.empty() ? b.before : b.after);
      BOOST_TEST(box.min_x >= 0);
      BOOST_TEST(box.min_y >= 0);
      BOOST_TEST(box.max_x <= 600);
      BOOST_TEST(box.max_y <= 500);
    }
    for (const auto change : {DrawnChange::Appeared, DrawnChange::Vanished, DrawnChange::Grown, DrawnChange::Shrunk,
                              DrawnChange::Unchanged})
      BOOST_TEST(count_of(pair, change) > 3);
  }
}

BOOST_AUTO_TEST_CASE(counts_agree_with_the_shares_in_every_region) {
  plat::PairOptions options;
  options.appear = 0.2;
  options.vanish = 0.1;
  options.grow = 0.05;
  options.shrink = 0.05;
  for (const auto region : {plat::Region::Suburb, plat::Region::EuropeanTown, plat::Region::DenseTown,
                            plat::Region::Village, plat::Region::DryTown}) {
    const auto pair = plat::draw_pair(700, 700, 4, quiet_style(region), options);
    const auto all = static_cast<double>(pair.buildings.size());
    BOOST_TEST(all > 20);
    BOOST_TEST(count_of(pair, DrawnChange::Appeared) == std::llround(0.2 * all));
    BOOST_TEST(count_of(pair, DrawnChange::Vanished) == std::llround(0.1 * all));
    BOOST_TEST(count_of(pair, DrawnChange::Grown) == std::llround(0.05 * all));
    BOOST_TEST(count_of(pair, DrawnChange::Shrunk) == std::llround(0.05 * all));
  }
  options = nothing_changes({});
  options.vanish = 1;
  const auto razed = plat::draw_pair(200, 200, 4, quiet_style(), options);
  BOOST_TEST(count_of(razed, DrawnChange::Vanished) == static_cast<int64_t>(razed.buildings.size()));
}

BOOST_AUTO_TEST_CASE(the_images_differ_where_houses_come_or_go) {
  const plat::SceneStyle style = quiet_style();
  plat::PairOptions options = nothing_changes(style);
  options.appear = options.vanish = 0.1;
  const auto pair = plat::draw_pair(500, 500, 8, style, options);
  std::vector<plat::MultiPolygon> appeared;
  std::vector<plat::MultiPolygon> vanished;
  std::vector<plat::MultiPolygon> unchanged;
  for (const auto& b : pair.buildings) {
    if (b.change == DrawnChange::Appeared) appeared.push_back(b.after);
    if (b.change == DrawnChange::Vanished) vanished.push_back(b.before);
    if (b.change == DrawnChange::Unchanged) unchanged.push_back(b.after);
  }
  BOOST_TEST(difference_in(pair, appeared) > 20);
  BOOST_TEST(difference_in(pair, vanished) > 20);
  // Houses that come or go throw their shadows on neighbours.
  BOOST_TEST(difference_in(pair, unchanged) < 6);
}

BOOST_AUTO_TEST_CASE(the_after_image_is_displaced_by_the_shift_and_outlines_are_not) {
  plat::SceneStyle style = quiet_style();
  style.blur_px = 1.5;  // gradients over two pixels tell displacements well where edges are soft
  plat::PairOptions options = nothing_changes(style);
  const auto still = plat::draw_pair(300, 300, 2, style, options);
  options.shift_px = {3, -2};
  const auto whole = plat::draw_pair(300, 300, 2, style, options);
  BOOST_TEST((whole.before == still.before));
  int64_t different = 0;
  for (int64_t r = 20; r < 280; ++r) {
    for (int64_t c = 20; c < 280; ++c) different += whole.after.at(c + 3, r - 2) != still.after.at(c, r) ? 1 : 0;
  }
  BOOST_TEST(different == 0);

  options.shift_px = {2.7, -1.6};
  const auto between = plat::draw_pair(300, 300, 2, style, options);
  const auto found = displacement(whole.after, between.after);
  BOOST_TEST(std::abs(found.x + 0.3) < 0.05);
  BOOST_TEST(std::abs(found.y - 0.4) < 0.05);
  BOOST_REQUIRE(between.buildings.size() == still.buildings.size());
  for (std::size_t i = 0; i < still.buildings.size(); ++i) {
    BOOST_TEST((between.buildings[i].after == still.buildings[i].after));
  }
}

BOOST_AUTO_TEST_CASE(the_sensor_and_the_season_change_colours) {
  const plat::SceneStyle style = quiet_style();
  plat::PairOptions options = nothing_changes(style);
  options.gain = {1.2, 1, 0.8};
  options.offset = {0, 10, 0};
  const auto sensor = plat::draw_pair(100, 100, 2, style, options);
  for (int64_t i = 0; i < 100; ++i) {
    const auto expected = [&](int64_t band, double gain, double offset) {
      return std::clamp(std::lround(gain * sensor.before.at(i, i, band) + offset), 0L, 255L);
    };
    BOOST_TEST(sensor.after.at(i, i, 0) == expected(0, 1.2, 0));
    BOOST_TEST(sensor.after.at(i, i, 1) == expected(1, 1, 10));
    BOOST_TEST(sensor.after.at(i, i, 2) == expected(2, 0.8, 0));
  }
  options = nothing_changes(style);
  options.dryness = 1;
  const auto dry = plat::draw_pair(200, 200, 2, style, options);
  double redder = 0;
  for (int64_t r = 0; r < 200; ++r) {
    for (int64_t c = 0; c < 200; ++c) {
      redder += dry.after.at(c, r, 0) - dry.before.at(c, r, 0) - (dry.after.at(c, r, 1) - dry.before.at(c, r, 1));
    }
  }
  BOOST_TEST(redder > 0);
}

BOOST_AUTO_TEST_CASE(jpeg_costs_the_more_the_lower_its_quality) {
  plat::PairOptions options;
  const auto plain = plat::draw_pair(128, 128, 2, {}, options);
  const auto loss = [&](int quality) {
    options.jpeg_quality = quality;
    const auto pair = plat::draw_pair(128, 128, 2, {}, options);
    double sum = 0;
    for (std::size_t i = 0; i < plain.after.size(); ++i) sum += std::abs(pair.after.data()[i] - plain.after.data()[i]);
    return sum / static_cast<double>(plain.after.size());
  };
  const double high = loss(95);
  const double low = loss(40);
  BOOST_TEST(high > 0.1);
  BOOST_TEST(high < 4);
  BOOST_TEST(low > high);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused) {
  const auto refused = [](const auto& change) {
    plat::PairOptions options;
    change(options);
    BOOST_CHECK_THROW(plat::draw_pair(64, 64, 1, {}, options), plat::UsageError);
  };
  refused([](plat::PairOptions& o) { o.appear = -0.1; });
  refused([](plat::PairOptions& o) { o.appear = o.vanish = 0.6; });
  refused([](plat::PairOptions& o) { o.shift_px = {0, 12.5}; });
  refused([](plat::PairOptions& o) { o.shift_px = {NAN, 0}; });
  refused([](plat::PairOptions& o) { o.gamma = 0; });
  refused([](plat::PairOptions& o) { o.jpeg_quality = 101; });
  refused([](plat::PairOptions& o) { o.sun_elevation_deg = 5; });
  BOOST_CHECK_THROW(plat::draw_pair(0, 64, 1, {}, {}), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
