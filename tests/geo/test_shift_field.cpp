// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/shift_field.hpp"
#include "tests/geo/landscape.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <optional>

using plat::Point;
using plat::RasterBlock;
using plat::RasterOptions;
using plat::RasterReader;
using plat::ShiftField;
using plat::Window;
using plat::test::kNorthUp;
using plat::test::kRotated;
using plat::test::landscape;
using plat::test::view;

namespace {

const plat::GdalSession gdal;

/// A field with something in every term up to its degree.
ShiftField field_of(int degree, int64_t width, int64_t height) {
  ShiftField field{width, height, degree, {}, {}};
  const std::array<double, ShiftField::kTerms> dx{2.3, 0.8, -0.6, 0.5, -0.3, 0.4}, dy{-1.4, -0.5, 0.7, 0.2, 0.6, -0.4};
  for (std::size_t i = 0; i < ShiftField::kTermsOfDegree[static_cast<std::size_t>(degree)]; ++i) {
    field.dx[i] = dx[i];
    field.dy[i] = dy[i];
  }
  return field;
}

RasterReader shifted_reader(const std::string& path, const plat::Grid& grid, const std::optional<ShiftField>& shift) {
  RasterOptions options;
  options.bands = {"1"};
  options.target_grid = grid;
  options.shift = shift;
  return RasterReader(path, options);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shift_field)

BOOST_AUTO_TEST_CASE(a_translation_is_the_same_everywhere) {
  const ShiftField field = ShiftField::translation(300, 200, {3, -4});
  for (const Point at : {Point{0, 0}, {150, 100}, {300, 200}, {-50, 900}}) BOOST_TEST((field.at(at) == Point{3, -4}));
  BOOST_TEST(field.largest() == 5);
  BOOST_TEST(ShiftField().largest() == 0);
}

BOOST_AUTO_TEST_CASE(an_affine_field_is_its_affine_transform) {
  for (const int degree : {0, 1}) {
    const ShiftField field = field_of(degree, 320, 170);
    const plat::Affine affine = field.affine();
    for (const Point at : {Point{0, 0}, {320, 0}, {17.5, 160}, {-40, 200}}) {
      const Point shift = field.at(at), moved = affine(at);
      BOOST_TEST(std::hypot(moved.x - at.x - shift.x, moved.y - at.y - shift.y) < 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_largest_shift_of_an_affine_field_is_at_a_corner) {
  ShiftField field{100, 100, 1, {0, 3, 0}, {0, 0, 4}};
  BOOST_TEST(field.largest() == 5);
  // Terms above the degree do not count.
  field.degree = 0;
  BOOST_TEST(field.largest() == 0);
}

BOOST_AUTO_TEST_CASE(a_shift_of_whole_pixels_moves_the_image_and_changes_no_value) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("s.tif");
  plat::test::write_fixture(path, view(90, 70, kNorthUp));
  const plat::Grid grid = RasterReader(path).grid();
  RasterReader plain = shifted_reader(path, grid, std::nullopt);
  for (const Point shift : {Point{0, 0}, {5, 0}, {0, -3}, {-7, 11}}) {
    RasterReader moved = shifted_reader(path, grid, ShiftField::translation(90, 70, shift));
    RasterReader copy = moved.clone();
    const auto dx = static_cast<int64_t>(shift.x), dy = static_cast<int64_t>(shift.y);
    for (const Window& window : {Window{0, 0, 90, 70}, Window{20, 15, 40, 30}, Window{-5, 60, 30, 20}}) {
      const RasterBlock expected = plain.read({window.col + dx, window.row + dy, window.width, window.height});
      for (RasterReader* reader : {&moved, &copy}) {
        const RasterBlock block = reader->read(window);
        for (int64_t r = 0; r < window.height; ++r) {
          for (int64_t c = 0; c < window.width; ++c) {
            const bool inside = grid.window().col <= window.col + c && window.col + c < 90 && window.row + r < 70;
            BOOST_TEST_REQUIRE(block.valid.at(c, r) == (inside ? expected.valid.at(c, r) : 0));
            if (block.valid.at(c, r) != 0) BOOST_TEST_REQUIRE(block.pixels.at(c, r) == expected.pixels.at(c, r));
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(any_smooth_shift_shows_what_lies_so_much_farther) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("s.tif");
  for (const plat::Affine& transform : {kNorthUp, kRotated}) {
    plat::test::write_fixture(path, view(120, 110, transform));
    const plat::Grid grid = RasterReader(path).grid();
    for (const int degree : {0, 1, 2}) {
      const ShiftField field = field_of(degree, grid.width, grid.height);
      RasterReader reader = shifted_reader(path, grid, field);
      for (const Window& window : {grid.window(), Window{40, 30, 37, 41}}) {
        const RasterBlock block = reader.read(window);
        int64_t seen = 0;
        double worst = 0;
        for (int64_t r = 0; r < window.height; ++r) {
          for (int64_t c = 0; c < window.width; ++c) {
            const Point at{static_cast<double>(window.col + c) + 0.5, static_cast<double>(window.row + r) + 0.5};
            const Point shift = field.at(at);
            const Point world = grid.world_from_pixel({at.x + shift.x, at.y + shift.y});
            const Point source = transform.inverse()(world);
            // At the file's edges pixels are weighted that are not there.
            if (source.x < 2 || source.y < 2 || source.x > 118 || source.y > 108) continue;
            BOOST_TEST_REQUIRE(block.valid.at(c, r) == 1);
            const double truth = landscape(world);
            worst = std::max(worst, std::abs(static_cast<double>(block.pixels.at(c, r)) - truth));
            ++seen;
          }
        }
        BOOST_TEST(seen > window.pixel_count() / 3);
        // The steepest slope is 9 a pixel; a mean of neighbours is 0.4 off at the tops of the waves.
        BOOST_TEST(worst < 0.6, "degree " << degree << ": " << worst);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(reduced_reads_are_shifted_alike) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("s.tif");
  plat::test::write_fixture(path, view(160, 120, kNorthUp));
  const plat::Grid grid = RasterReader(path).grid();
  RasterReader plain = shifted_reader(path, grid, std::nullopt);
  RasterReader moved = shifted_reader(path, grid, ShiftField::translation(160, 120, {8, -4}));
  const RasterBlock expected = plain.read_reduced({48, 36, 80, 60}, 20, 15);
  const RasterBlock block = moved.read_reduced({40, 40, 80, 60}, 20, 15);
  for (std::size_t i = 0; i < block.pixels.size(); ++i)
    BOOST_TEST_REQUIRE(std::abs(block.pixels.data()[i] - expected.pixels.data()[i]) < 1e-3);
}

BOOST_AUTO_TEST_SUITE_END()
