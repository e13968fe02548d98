// SPDX-License-Identifier: Apache-2.0
#include "change/shift.hpp"
#include "core/error.hpp"
#include "synthesis/pair.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <random>

using plat::BlockPair;
using plat::Image;
using plat::MeasuredShift;
using plat::Point;
using plat::ShiftVerdict;
using plat::Window;

namespace {

/// Hills of many sizes: smooth between pixels, so that they can be looked at anywhere.
class Ground {
 public:
  explicit Ground(unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> unit(0, 1);
    for (int i = 0; i < 60; ++i) {
      const double length = 6 + 60 * unit(random);
      const double angle = 2 * M_PI * unit(random);
      waves_.push_back({2 * M_PI / length * std::cos(angle), 2 * M_PI / length * std::sin(angle),
                        2 * M_PI * unit(random), length / 20});
    }
  }
  float operator()(double x, double y) const {
    double sum = 0;
    for (const auto& [kx, ky, phase, height] : waves_) sum += 2 * height * std::cos(kx * x + ky * y + phase);
    return static_cast<float>(sum);
  }

 private:
  struct Wave {
    double kx, ky, phase, height;
  };
  std::vector<Wave> waves_;
};

/// Two dates of one ground: after shows at p + shift(p) what before shows at p, in other light.
struct World {
  Image<float> before;
  Image<float> after;
  Image<uint8_t> valid;

  World(int64_t size, const std::function<Point(double, double)>& from_after, unsigned seed = 1)
      : before(size, size), after(size, size), valid(size, size, 1, 1) {
    const Ground ground(seed);
    std::mt19937 random(seed + 1);
    std::normal_distribution<float> noise(0, 0.5F);
    for (int64_t r = 0; r < size; ++r) {
      for (int64_t c = 0; c < size; ++c) {
        const double x = static_cast<double>(c) + 0.5, y = static_cast<double>(r) + 0.5;
        const Point shift = from_after(x, y);
        before.at(c, r) = ground(x, y) + noise(random);
        after.at(c, r) = 0.6F * ground(x - shift.x, y - shift.y) + 20 + noise(random);
      }
    }
  }

  std::optional<BlockPair> read(const Window& b, const Window& a) const {
    BlockPair pair{Image<float>(b.width, b.height), Image<float>(b.width, b.height), Image<uint8_t>(b.width, b.height)};
    for (int64_t r = 0; r < b.height; ++r) {
      for (int64_t c = 0; c < b.width; ++c) {
        const int64_t ac = a.col + c, ar = a.row + r;
        const bool inside = ac >= 0 && ar >= 0 && ac < after.width() && ar < after.height();
        pair.valid.at(c, r) = inside && valid.at(b.col + c, b.row + r) != 0 ? 1 : 0;
        pair.before.at(c, r) = before.at(b.col + c, b.row + r);
        pair.after.at(c, r) = inside ? after.at(ac, ar) : 0;
      }
    }
    return pair;
  }

  MeasuredShift measure(const plat::ShiftOptions& options = {}) const {
    return plat::measure_shift(
        before.width(), before.height(), [this](const Window& b, const Window& a) { return read(b, a); }, options);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(shift)

BOOST_AUTO_TEST_CASE(translations_are_found_between_pixels_and_far_away) {
  for (const Point shift : {Point{0, 0}, {0.3, -0.45}, {2.31, -1.4}, {-7.75, 11.2}, {20, 0.5}, {-28.4, 29.1}}) {
    const World world(420, [&](double, double) { return shift; });
    const MeasuredShift found = world.measure();
    BOOST_TEST_CONTEXT(shift.x << ", " << shift.y << ": " << found.text()) {
      BOOST_TEST((found.verdict == ShiftVerdict::Translation));
      BOOST_TEST(std::abs(found.field.at({200, 200}).x - shift.x) < 0.1);
      BOOST_TEST(std::abs(found.field.at({200, 200}).y - shift.y) < 0.1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_rotation_and_a_bend_are_smooth_fields) {
  const double angle = 0.2 * M_PI / 180;
  const auto turn = [&](double x, double y) { return Point{-angle * (y - 500) + 3.2, angle * (x - 500) - 1.1}; };
  const auto bend = [&](double x, double y) {
    return Point{4e-6 * (x - 400) * (x - 400) * 2, 3e-6 * (x - 500) * (y - 500) * 2 - 5};
  };
  for (const auto& [field, degree] : {std::pair<std::function<Point(double, double)>, int>{turn, 1}, {bend, 2}}) {
    const World world(1000, field);
    plat::ShiftOptions options;
    options.block = 160;
    const MeasuredShift found = world.measure(options);
    BOOST_TEST_CONTEXT(found.text()) {
      BOOST_TEST((found.verdict == ShiftVerdict::Smooth));
      BOOST_TEST(found.field.degree == degree);
      for (const Point at : {Point{60, 60}, {500, 500}, {940, 80}, {900, 940}}) {
        BOOST_TEST(std::abs(found.field.at(at).x - field(at.x, at.y).x) < 0.15);
        BOOST_TEST(std::abs(found.field.at(at).y - field(at.x, at.y).y) < 0.15);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(half_of_the_ground_may_have_changed) {
  World world(900, [](double, double) { return Point{3.4, 5.2}; });
  const Ground other(77);
  for (int64_t r = 0; r < 900; ++r) {
    for (int64_t c = 0; c < 430; ++c) world.after.at(c, r) = other(static_cast<double>(c), static_cast<double>(r));
  }
  const MeasuredShift found = world.measure();
  BOOST_TEST_CONTEXT(found.text()) {
    BOOST_TEST((found.verdict == ShiftVerdict::Translation));
    BOOST_TEST(std::abs(found.field.at({0, 0}).x - 3.4) < 0.06);
    BOOST_TEST(std::abs(found.field.at({0, 0}).y - 5.2) < 0.06);
  }
}

BOOST_AUTO_TEST_CASE(patches_moved_at_random_have_no_pattern) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(-14, 14);
  std::vector<Point> of_cell(64);
  for (Point& p : of_cell) p = {unit(random), unit(random)};
  const World world(1000, [&](double x, double y) {
    return of_cell[static_cast<std::size_t>(static_cast<int>(y / 125) * 8 + static_cast<int>(x / 125))];
  });
  plat::ShiftOptions options;
  options.block = 128;
  const MeasuredShift found = world.measure(options);
  BOOST_TEST_CONTEXT(found.text()) {
    BOOST_TEST((found.verdict == ShiftVerdict::Contradictory));
    BOOST_TEST(found.field.largest() == 0);
  }
}

BOOST_AUTO_TEST_CASE(ground_without_structure_tells_nothing) {
  World world(500, [](double, double) { return Point{3, 3}; });
  std::mt19937 random(5);
  std::normal_distribution<float> noise(100, 2);
  for (int64_t r = 0; r < 500; ++r) {
    for (int64_t c = 0; c < 500; ++c) {
      world.before.at(c, r) = noise(random);
      world.after.at(c, r) = noise(random);
    }
  }
  BOOST_TEST((world.measure().verdict == ShiftVerdict::Unmeasured));
  for (float& v : std::span(world.after.data(), world.after.size())) v = 7;
  BOOST_TEST((world.measure().verdict == ShiftVerdict::Unmeasured));
  const World tiny(20, [](double, double) { return Point{0, 0}; });
  BOOST_TEST((tiny.measure().verdict == ShiftVerdict::Unmeasured));
}

BOOST_AUTO_TEST_CASE(ground_that_repeats_itself_is_left_to_the_blocks_that_do_not) {
  // Equal roofs 16 pixels apart everywhere but in one corner; the shift is more than half of that.
  const Ground ground(3);
  const Point shift{9.5, 0.4};
  World world(1000, [&](double, double) { return shift; });
  const auto look = [&](double x, double y) {
    if (x > 560 && y > 560) return ground(x, y);
    return static_cast<float>(40 * std::cos(x * 2 * M_PI / 16) * std::cos(y * 2 * M_PI / 16));
  };
  for (int64_t r = 0; r < 1000; ++r) {
    for (int64_t c = 0; c < 1000; ++c) {
      const double x = static_cast<double>(c), y = static_cast<double>(r);
      world.before.at(c, r) = look(x, y);
      world.after.at(c, r) = look(x - shift.x, y - shift.y);
    }
  }
  const MeasuredShift found = world.measure();
  BOOST_TEST_CONTEXT(found.text()) {
    BOOST_TEST(std::abs(found.field.at({0, 0}).x - shift.x) < 0.15);
    BOOST_TEST(std::abs(found.field.at({0, 0}).y - shift.y) < 0.15);
  }
}

BOOST_AUTO_TEST_CASE(drawn_towns_are_measured_to_a_seventh_of_a_pixel) {
  for (const uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    plat::PairOptions options;
    options.shift_px = {2.3 + static_cast<double>(seed), -1.4 * static_cast<double>(seed)};
    const plat::DrawnPair pair = plat::draw_pair(700, 700, seed, plat::SceneStyle{}, options);
    World world(700, [](double, double) { return Point{0, 0}; });
    for (int64_t r = 0; r < 700; ++r) {
      for (int64_t c = 0; c < 700; ++c) {
        float before = 0, after = 0;
        for (int64_t b = 0; b < 3; ++b) {
          before += pair.before.at(c, r, b);
          after += pair.after.at(c, r, b);
        }
        world.before.at(c, r) = before;
        world.after.at(c, r) = after;
      }
    }
    const MeasuredShift found = world.measure();
    BOOST_TEST_CONTEXT(options.shift_px.x << ", " << options.shift_px.y << ": " << found.text()) {
      BOOST_TEST(std::abs(found.field.at({350, 350}).x - options.shift_px.x) < 0.15);
      BOOST_TEST(std::abs(found.field.at({350, 350}).y - options.shift_px.y) < 0.15);
    }
  }
}

BOOST_AUTO_TEST_CASE(options_are_checked) {
  const World world(64, [](double, double) { return Point{0, 0}; });
  for (const auto& wrong : {plat::ShiftOptions{.block = 32}, {.overlap = 256}, {.least_peak = 0}, {.largest = 0}}) {
    BOOST_CHECK_THROW(world.measure(wrong), plat::UsageError);
  }
}

BOOST_AUTO_TEST_SUITE_END()
