// SPDX-License-Identifier: Apache-2.0
#include "evaluation/counts.hpp"

#include "core/error.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace plat {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

Rates make_rates(int64_t tp, int64_t fp, int64_t fn) {
  // F1 straight from the counts: 2 P R / (P + R) without its rounding and its division by zero.
  return {ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn), ratio(tp, tp + fp + fn)};
}

template <typename A, typename B>
void check_same_size(const Image<A>& a, const Image<B>& b, const char* what) {
  if (a.width() == b.width() && a.height() == b.height()) return;
  throw DataError(std::string("the prediction has ") + std::to_string(a.width()) + " x " + std::to_string(a.height()) +
                  " pixels but the " + what + " " + std::to_string(b.width()) + " x " + std::to_string(b.height()) +
                  "; bring both to one grid");
}

}  // namespace

void PixelCounts::add(const Image<uint8_t>& predicted, const Image<uint8_t>& truth) {
  add(predicted, truth, Image<uint8_t>(predicted.width(), predicted.height(), 1, 1));
}

void PixelCounts::add(const Image<uint8_t>& predicted, const Image<uint8_t>& truth, const Image<uint8_t>& valid) {
  check_same_size(predicted, truth, "truth");
  check_same_size(predicted, valid, "validity mask");
  std::array<int64_t, 4> counts{};  // index: 2 * predicted + true
  const auto p = predicted.band(0);
  const auto t = truth.band(0);
  const auto v = valid.band(0);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const std::size_t cell = (p[i] != 0 ? 2u : 0u) + (t[i] != 0 ? 1u : 0u);
    counts[cell] += v[i] != 0 ? 1 : 0;
  }
  true_negatives += counts[0];
  false_negatives += counts[1];
  false_positives += counts[2];
  true_positives += counts[3];
}

PixelCounts& PixelCounts::operator+=(const PixelCounts& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  false_negatives += other.false_negatives;
  true_negatives += other.true_negatives;
  return *this;
}

Rates PixelCounts::rates() const { return make_rates(true_positives, false_positives, false_negatives); }

ObjectCounts& ObjectCounts::operator+=(const ObjectCounts& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  false_negatives += other.false_negatives;
  return *this;
}

Rates ObjectCounts::rates() const { return make_rates(true_positives, false_positives, false_negatives); }

}  // namespace plat
