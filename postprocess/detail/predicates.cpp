// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/predicates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace plat::detail {
namespace {

// A sum of doubles that do not overlap, smallest first (Shewchuk 1997): its sign is that of its largest term.
class ExactSum {
 public:
  void add(double value) {
    for (std::size_t i = 0; i < size_; ++i) {
      const double sum = terms_[i] + value;
      const double part = sum - value;
      terms_[i] = (terms_[i] - part) + (value - (sum - part));
      value = sum;
    }
    terms_[size_++] = value;
  }
  // The product of two doubles, or its negative.
  void add_product(double a, double b, double sign) {
    const double product = a * b;
    add(sign * std::fma(a, b, -product));
    add(sign * product);
  }
  int sign() const {
    for (std::size_t i = size_; i > 0; --i) {
      if (terms_[i - 1] != 0) return terms_[i - 1] > 0 ? 1 : -1;
    }
    return 0;
  }

 private:
  std::array<double, 12> terms_{};
  std::size_t size_ = 0;
};

// The determinant written out: ax by - ax cy - cx by - ay bx + ay cx + cy bx.
int exact_side(const Point& a, const Point& b, const Point& c) {
  ExactSum sum;
  sum.add_product(a.x, b.y, 1);
  sum.add_product(a.x, c.y, -1);
  sum.add_product(c.x, b.y, -1);
  sum.add_product(a.y, b.x, -1);
  sum.add_product(a.y, c.x, 1);
  sum.add_product(c.y, b.x, 1);
  return sum.sign();
}

bool within(const Point& a, const Point& b, const Point& c) {
  return std::min(a.x, b.x) <= c.x && c.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= c.y &&
         c.y <= std::max(a.y, b.y);
}

}  // namespace

int side_of(const Point& a, const Point& b, const Point& c) {
  const double left = (a.x - c.x) * (b.y - c.y);
  const double right = (a.y - c.y) * (b.x - c.x);
  const double determinant = left - right;
  // Shewchuk's bound on the rounding of the expression above, (3 + 16 e) e.
  constexpr double kBound = 3.3306690738754716e-16;
  if (std::abs(determinant) > kBound * (std::abs(left) + std::abs(right))) return determinant > 0 ? 1 : -1;
  return exact_side(a, b, c);
}

Contact contact(const Point& a, const Point& b, const Point& c, const Point& d) {
  if (std::max(a.x, b.x) < std::min(c.x, d.x) || std::max(c.x, d.x) < std::min(a.x, b.x) ||
      std::max(a.y, b.y) < std::min(c.y, d.y) || std::max(c.y, d.y) < std::min(a.y, b.y)) {
    return Contact::None;
  }
  const int side_c = side_of(a, b, c);
  const int side_d = side_of(a, b, d);
  if (side_c * side_d > 0) return Contact::None;
  const int side_a = side_of(c, d, a);
  const int side_b = side_of(c, d, b);
  if (side_a * side_b > 0) return Contact::None;
  if (side_a != 0 && side_b != 0 && side_c != 0 && side_d != 0) return Contact::Crossing;
  if (side_c == 0 && side_d == 0) {
    // On one line: they share one point only where an end of one is an end of the other and both lead away from it.
    int ends_inside = 0;
    for (const Point& p : {a, b}) ends_inside += within(c, d, p) && p != c && p != d;
    for (const Point& p : {c, d}) ends_inside += within(a, b, p) && p != a && p != b;
    if (ends_inside > 0) return Contact::Overlap;
    const bool same = (a == c && b == d) || (a == d && b == c);
    if (same) return Contact::Overlap;
    return a == c || a == d || b == c || b == d ? Contact::Point : Contact::None;
  }
  return Contact::Point;
}

}  // namespace plat::detail
