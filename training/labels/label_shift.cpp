// SPDX-License-Identifier: Apache-2.0
#include "training/labels/label_shift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace plat {
namespace {

constexpr int64_t kLeastPoints = 300;  // about ten houses
constexpr int64_t kSide = 2 * kShiftReach + 1;
constexpr int64_t kPeak = 3;            // pixels around a peak that belong to it
constexpr double kLeastConfidence = 4;  // deviations; labels that fit nowhere reach 3.6, real ones 4.2 and more
constexpr double kMostRivalry = 0.8;

/// The slope of the image at a pixel, along columns and rows (Sobel, all bands together).
Point slope(const Image<uint8_t>& image, int64_t col, int64_t row) {
  Point sum;
  for (int64_t b = 0; b < image.bands(); ++b) {
    const auto at = [&](int64_t c, int64_t r) { return static_cast<double>(image.at(col + c, row + r, b)); };
    const double right = at(1, -1) + 2 * at(1, 0) + at(1, 1);
    const double left = at(-1, -1) + 2 * at(-1, 0) + at(-1, 1);
    const double low = at(-1, 1) + 2 * at(0, 1) + at(1, 1);
    const double top = at(-1, -1) + 2 * at(0, -1) + at(1, -1);
    sum.x += right - left;
    sum.y += low - top;
  }
  return sum;
}

/// Adds what one place on an outline with the unit normal `across` says.
void add_place(const LabelledScene& scene, const Point& place, const Point& across, ShiftSurface& surface) {
  const Image<uint8_t>& image = scene.pyramid.front();
  const double x = place.x - 0.5;
  const double y = place.y - 0.5;
  const auto col = static_cast<int64_t>(std::floor(x));
  const auto row = static_cast<int64_t>(std::floor(y));
  constexpr int64_t kBorder = kShiftReach + 2;
  if (col < kBorder || row < kBorder || col + kBorder + 1 >= image.width() || row + kBorder + 1 >= image.height())
    return;
  if (!is_labelled(scene.use.at(col, row))) return;
  std::array<std::array<double, kSide + 1>, kSide + 1> edges{};
  for (int64_t r = 0; r <= kSide; ++r) {
    for (int64_t c = 0; c <= kSide; ++c) {
      const Point s = slope(image, col + c - kShiftReach, row + r - kShiftReach);
      // The root keeps a few hard edges, those of shadows above all, from deciding alone.
      edges[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] =
          std::sqrt(std::abs(s.x * across.x + s.y * across.y));
    }
  }
  const double fx = x - static_cast<double>(col);
  const double fy = y - static_cast<double>(row);
  for (std::size_t r = 0; r < static_cast<std::size_t>(kSide); ++r) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(kSide); ++c) {
      surface.sum.at(static_cast<int64_t>(c), static_cast<int64_t>(r)) +=
          (edges[r][c] * (1 - fx) + edges[r][c + 1] * fx) * (1 - fy) +
          (edges[r + 1][c] * (1 - fx) + edges[r + 1][c + 1] * fx) * fy;
    }
  }
  ++surface.points;
}

void add_ring(const LabelledScene& scene, const Ring& ring, double step, ShiftSurface& surface) {
  double wait = step / 2;  // length until the next place
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& from = ring[i];
    const Point& to = ring[(i + 1) % ring.size()];
    const double length = std::hypot(to.x - from.x, to.y - from.y);
    if (!(length > 0)) continue;
    const Point along = {(to.x - from.x) / length, (to.y - from.y) / length};
    for (; wait < length; wait += step) {
      add_place(scene, {from.x + along.x * wait, from.y + along.y * wait}, {-along.y, along.x}, surface);
    }
    wait -= length;
  }
}

/// Offset of a parabola's top from the middle of three values.
double top_of(double before, double middle, double after) {
  const double bend = before - 2 * middle + after;
  return bend < 0 ? std::clamp((before - after) / 2 / bend, -0.5, 0.5) : 0;
}

}  // namespace

void ShiftSurface::add(const ShiftSurface& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] += other.sum.data()[i];
  points += other.points;
}

ShiftSurface shift_surface(const LabelledScene& scene, double places) {
  double length = 0;
  for (const MultiPolygon& object : scene.objects) {
    for (const Polygon& part : object) length += perimeter(part);
  }
  const double step = std::max(1.0, length / places);
  ShiftSurface surface;
  for (const MultiPolygon& object : scene.objects) {
    for (const Polygon& part : object) {
      add_ring(scene, part.exterior, step, surface);
      for (const Ring& hole : part.holes) add_ring(scene, hole, step, surface);
    }
  }
  return surface;
}

LabelShift best_shift(const ShiftSurface& surface) {
  LabelShift shift;
  if (surface.points == 0) return shift;
  const Image<double>& s = surface.sum;
  const auto top = std::max_element(s.data(), s.data() + s.size()) - s.data();
  const int64_t col = top % kSide;
  const int64_t row = top / kSide;
  double sum = 0;
  double squares = 0;
  double count = 0;
  double next = -std::numeric_limits<double>::infinity();
  for (int64_t r = 0; r < kSide; ++r) {
    for (int64_t c = 0; c < kSide; ++c) {
      if (std::max(std::abs(c - col), std::abs(r - row)) <= kPeak) continue;
      const double value = s.at(c, r);
      sum += value;
      squares += value * value;
      ++count;
      // Only a top of its own rivals the peak, not the peak's flank.
      bool is_top = true;
      for (int64_t k = 0; k < 9 && is_top; ++k) {
        const int64_t nc = std::clamp<int64_t>(c + k % 3 - 1, 0, kSide - 1);
        const int64_t nr = std::clamp<int64_t>(r + k / 3 - 1, 0, kSide - 1);
        is_top = s.at(nc, nr) <= value;
      }
      if (is_top) next = std::max(next, value);
    }
  }
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  const double height = s.at(col, row) - mean;
  if (!(deviation > 0) || !(height > 0)) return shift;
  shift.confidence = height / deviation;
  shift.rivalry = std::max(0.0, next - mean) / height;
  const bool inside = col > 0 && row > 0 && col + 1 < kSide && row + 1 < kSide;
  shift.col = static_cast<double>(col - kShiftReach);
  shift.row = static_cast<double>(row - kShiftReach);
  if (inside) {
    shift.col += top_of(s.at(col - 1, row), s.at(col, row), s.at(col + 1, row));
    shift.row += top_of(s.at(col, row - 1), s.at(col, row), s.at(col, row + 1));
  }
  shift.clear =
      inside && surface.points >= kLeastPoints && shift.confidence >= kLeastConfidence && shift.rivalry <= kMostRivalry;
  return shift;
}

void move_labels(LabelledScene& scene, double col, double row) {
  const auto move = [col, row](Ring& ring) {
    for (Point& p : ring) p = {p.x + col, p.y + row};
  };
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    for (Polygon& part : scene.objects[i]) {
      move(part.exterior);
      for (Ring& hole : part.holes) move(hole);
    }
    scene.object_bounds[i] = bounds(scene.objects[i]);
  }
}

}  // namespace plat
