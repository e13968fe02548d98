// SPDX-License-Identifier: Apache-2.0
#include "bright_segmenter.hpp"
#include "core/error.hpp"
#include "extract_world.hpp"
#include "geo/gdal_session.hpp"
#include "pipeline/change.hpp"
#include "pipeline/change/pair_scaling.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <tuple>
#include <vector>

using plat::Image;
using plat::Normalization;
using plat::test::TemporaryFolder;

namespace {

const plat::GdalSession gdal;
constexpr int64_t kSide = 200;

/// Uneven ground with roofs, too dull to be sure of in less light; some stand at one date only.
Image<uint8_t> roofs(bool later) {
  std::mt19937 random(8);
  Image<uint8_t> scene(kSide, kSide, 3);
  for (int64_t r = 0; r < kSide; ++r) {
    for (int64_t c = 0; c < kSide; ++c) {
      const double hill = 35 + 15 * std::sin(0.11 * static_cast<double>(c)) * std::cos(0.07 * static_cast<double>(r));
      for (int64_t b = 0; b < 3; ++b) {
        scene.at(c, r, b) =
            static_cast<uint8_t>(hill + static_cast<double>(8 * b + static_cast<int64_t>(random() % 9)));
      }
    }
  }
  int64_t n = 0;
  for (int64_t row = 12; row + 20 < kSide; row += 30) {
    for (int64_t col = 12; col + 20 < kSide; col += 30, ++n) {
      if (n % 7 == (later ? 3 : 5)) continue;
      plat::test::paint(scene, {col, row, 10 + n % 5, 9 + n % 4}, static_cast<uint8_t>(184 + 9 * (n % 8)));
    }
  }
  return scene;
}

Image<uint8_t> dimmed(Image<uint8_t> scene, double gain, double offset) {
  for (std::size_t i = 0; i < scene.size(); ++i) {
    scene.data()[i] = static_cast<uint8_t>(std::lround(gain * static_cast<double>(scene.data()[i]) + offset));
  }
  return scene;
}

/// Each change as its kind and its areas.
using Told = std::vector<std::tuple<std::string, double, double>>;

struct World {
  TemporaryFolder dir;
  std::string before = dir.file("before.tif");
  std::string after = dir.file("after.tif");
  std::string output = dir.file("changes.geojson");
  plat::ChangeSummary summary{};

  World() {
    write(before, roofs(false));
    write(after, roofs(true));
  }
  void write(const std::string& path, const Image<uint8_t>& scene) const {
    plat::test::write_scene(path, scene, plat::test::metre_grid(scene.width(), scene.height()));
  }
  Told changes(Normalization normalize, int threads = 1) {
    plat::ChangeOptions options;
    options.normalize = normalize;
    options.series.align = false;
    options.threads = threads;
    options.simplify_m = 0;
    options.regularize = false;
    options.overwrite = true;
    options.ram_bytes = int64_t{8} << 30;
    options.preview = dir.file("changes.png");
    summary = plat::detect_change({before, after}, output, options, plat::test::BrightSegmenter());
    Told told;
    for (const plat::Feature& feature : plat::read_features(output, "").features) {
      told.emplace_back(std::get<std::string>(*feature.find("kind")), plat::test::number(feature, "area_before_m2"),
                        plat::test::number(feature, "area_after_m2"));
    }
    std::ranges::sort(told);
    return told;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(pair_scaling)

BOOST_AUTO_TEST_CASE(less_light_changes_nothing) {
  World world;
  const Told plain = world.changes(Normalization::None);
  BOOST_TEST(plain.size() > 20);
  BOOST_TEST(world.summary.steps[0].total(plat::ChangeKind::Appeared).count > 2);
  BOOST_TEST(world.summary.steps[0].total(plat::ChangeKind::Vanished).count > 2);
  world.write(world.after, dimmed(roofs(true), 0.6, 40));
  BOOST_TEST((world.changes(Normalization::None) != plain));
  BOOST_TEST((world.changes(Normalization::IrMad) == plain));
  BOOST_TEST_REQUIRE(world.summary.scenes[1].radiometry.has_value());
  const plat::RadiometricFit& fit = *world.summary.scenes[1].radiometry;
  BOOST_TEST_REQUIRE(fit.bands.size() == 3);
  for (const plat::BandAgreement& band : fit.bands) {
    // Whole numbers leave half a unit.
    BOOST_TEST(std::abs(band.gain - 1 / 0.6) < 0.02);
    BOOST_TEST(std::abs(band.offset + 40 / 0.6) < 2);
    BOOST_TEST(band.rmse_after < 2);
  }
  BOOST_TEST((world.changes(Normalization::Auto) == plain));
}

BOOST_AUTO_TEST_CASE(the_result_is_that_of_one_thread) {
  World world;
  world.write(world.after, dimmed(roofs(true), 0.7, 30));
  for (const auto normalize : {Normalization::IrMad, Normalization::Histogram}) {
    const Told told = world.changes(normalize);
    const std::string bytes = plat::test::file_bytes(world.output),
                      picture = plat::test::file_bytes(world.dir.file("changes.png"));
    BOOST_TEST((world.changes(normalize, 2) == told));
    BOOST_TEST((plat::test::file_bytes(world.output) == bytes));
    BOOST_TEST((plat::test::file_bytes(world.dir.file("changes.png")) == picture));
  }
}

BOOST_AUTO_TEST_CASE(the_sample_is_a_lattice_of_what_both_show) {
  const TemporaryFolder dir;
  Image<uint8_t> before(300, 50, 1, 100), after(300, 50, 1, 50);
  for (int64_t r = 0; r < 50; ++r) {
    for (int64_t c = 0; c < 300; ++c) before.at(c, r) = static_cast<uint8_t>(1 + c % 200);
    for (int64_t c = 0; c < 30; ++c) before.at(c, r) = 0;
    for (int64_t c = 270; c < 300; ++c) after.at(c, r) = 0;
  }
  plat::test::write_scene(dir.file("b.tif"), before, plat::test::metre_grid(300, 50), 0);
  plat::test::write_scene(dir.file("a.tif"), after, plat::test::metre_grid(300, 50), 0);
  plat::RasterOptions first;
  first.bands = {"1"};
  plat::RasterReader b(dir.file("b.tif"), first), a(dir.file("a.tif"), first);
  const plat::PixelPairs all = plat::sample_pairs(b, a);
  BOOST_TEST(all.size() == 240 * 50);
  BOOST_TEST(std::ranges::count(all.values, 0.0F) == 0);
  const plat::PixelPairs some = plat::sample_pairs(b, a, 600);
  BOOST_TEST(some.size() > 350);
  BOOST_TEST(some.size() <= 600);
  BOOST_TEST((plat::sample_pairs(b, a, 600).values == some.values));
}

BOOST_AUTO_TEST_CASE(the_scene_after_is_shown_as_the_one_before) {
  World world;
  world.write(world.after, dimmed(roofs(false), 0.6, 40));
  plat::RasterReader before(world.before), after(world.after);
  for (const auto wanted : {Normalization::Histogram, Normalization::IrMad}) {
    const plat::Scaling own = plat::default_scaling(before);
    const plat::MatchedScaling matched = plat::match_scaling(before, own, after, wanted);
    Image<float> b = before.read(before.grid().window()).pixels, a = after.read(after.grid().window()).pixels;
    own.apply(b);
    matched.scaling.apply(a);
    double squares = 0;
    for (std::size_t i = 0; i < b.size(); ++i) squares += std::pow(static_cast<double>(a.data()[i] - b.data()[i]), 2);
    BOOST_TEST(std::sqrt(squares / static_cast<double>(b.size())) < 2);
  }
  const plat::MatchedScaling plain = plat::match_scaling(before, {}, after, Normalization::None);
  BOOST_TEST(plain.scaling.curves.empty());
  BOOST_TEST((plain.fit.used == Normalization::None));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_normalized_is_an_error_only_when_asked_for) {
  const TemporaryFolder dir;
  const Image<uint8_t> small(12, 12, 3, 90);
  plat::test::write_scene(dir.file("b.tif"), small, plat::test::metre_grid(12, 12));
  plat::RasterReader before(dir.file("b.tif")), after(dir.file("b.tif"));
  BOOST_CHECK_EXCEPTION(plat::match_scaling(before, {}, after, Normalization::IrMad), plat::DataError,
                        [](const plat::DataError& error) {
                          const std::string text = error.what();
                          return text.find("only 144 of the pixels") != std::string::npos &&
                                 text.find("Pass --normalize none.") != std::string::npos;
                        });
  const plat::MatchedScaling scaling = plat::match_scaling(before, {}, after, Normalization::Auto);
  BOOST_TEST((scaling.fit.used == Normalization::None));
  BOOST_TEST(scaling.fit.text().find("none (only 144") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
