// SPDX-License-Identifier: Apache-2.0
#include "model/nn/placed_attention.hpp"

#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using plat::nn::PlacedAttention;

// Sums of a few thousand float32 products against double.
constexpr double kTolerance = 2e-5;
// Queries and keys in steps of 1/5792 of their largest value at 64 channels: scores are off by a few thousandths.
constexpr double kInt16Tolerance = 8e-3;

struct Case {
  int64_t rows, cols, real_rows, real_cols, head_dim;
};

std::vector<float> random_floats(std::mt19937& random, int64_t count, double size) {
  std::normal_distribution<double> normal(0, size);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(normal(random));
  return values;
}

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// The largest difference between the kernel and the formula written out; tokens hold query, key and value.
double worst_difference(const Case& c, bool padded_with_bias, bool int16_scores) {
  std::mt19937 random(1);
  PlacedAttention attention;
  attention.rows = c.rows;
  attention.cols = c.cols;
  attention.real_rows = c.real_rows;
  attention.real_cols = c.real_cols;
  attention.head_dim = c.head_dim;
  attention.int16_scores = int16_scores;
  attention.scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
  attention.token_stride = 3 * c.head_dim;
  attention.row_stride = (c.real_cols + 1) * attention.token_stride;
  attention.out_token_stride = c.head_dim;
  attention.out_row_stride = c.real_cols * c.head_dim;
  const int64_t tokens = c.real_rows * c.real_cols;
  const auto all = random_floats(random, c.real_rows * attention.row_stride, 1.5);
  const auto row_table = random_floats(random, (2 * c.rows - 1) * c.head_dim, 0.3);
  const auto col_table = random_floats(random, (2 * c.cols - 1) * c.head_dim, 0.3);
  const auto pad = random_floats(random, 2 * c.head_dim, padded_with_bias ? 1 : 0);

  const auto room = [](int64_t size) { return std::vector<float>(static_cast<std::size_t>(size), NAN); };
  auto tables = room(attention.tables_size()), packed = room(attention.packed_size());
  auto scratch = room(attention.scratch_size()), out = room(tokens * c.head_dim);
  attention.pack_tables(row_table.data(), col_table.data(), tables.data());
  attention.pack_keys(all.data() + c.head_dim, all.data() + 2 * c.head_dim, padded_with_bias ? pad.data() : nullptr,
                      padded_with_bias ? pad.data() + c.head_dim : nullptr, packed.data());
  for (int64_t block = 0; block < attention.blocks(); ++block) {
    attention.attend(block, all.data(), tables.data(), packed.data(), scratch.data(), out.data());
  }

  double worst = 0;
  const auto token = [&](int64_t row, int64_t col) {
    return all.data() + row * attention.row_stride + col * attention.token_stride;
  };
  for (int64_t q = 0; q < tokens; ++q) {
    const int64_t row = q / c.real_cols, col = q % c.real_cols;
    std::vector<double> sums(static_cast<std::size_t>(c.head_dim), 0.0);
    double total = 0;
    for (int64_t i = 0; i < c.rows; ++i) {
      for (int64_t j = 0; j < c.cols; ++j) {
        const bool real = i < c.real_rows && j < c.real_cols;
        const float* key = real ? token(i, j) + c.head_dim : pad.data();
        const double score =
            static_cast<double>(attention.scale) * dot(token(row, col), key, c.head_dim) +
            dot(token(row, col), &row_table[static_cast<std::size_t>((row - i + c.rows - 1) * c.head_dim)],
                c.head_dim) +
            dot(token(row, col), &col_table[static_cast<std::size_t>((col - j + c.cols - 1) * c.head_dim)], c.head_dim);
        const double weight = std::exp(score);
        total += weight;
        for (int64_t k = 0; k < c.head_dim; ++k) {
          sums[static_cast<std::size_t>(k)] += weight * static_cast<double>(key[c.head_dim + k]);
        }
      }
    }
    for (int64_t k = 0; k < c.head_dim; ++k) {
      const double ours = static_cast<double>(out[static_cast<std::size_t>(q * c.head_dim + k)]);
      const double difference = std::abs(ours - sums[static_cast<std::size_t>(k)] / total);
      worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    }
  }
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(placed_attention)

BOOST_AUTO_TEST_CASE(the_kernel_computes_the_formula_on_windows_images_and_padding, PLAT_IF_PRESENT) {
  if (!PlacedAttention::available()) {
    plat::test::skip("this processor has no AVX2: torch's own operations do the kernel's work");
    return;
  }
  const std::vector<Case> cases = {{14, 14, 14, 14, 64}, {14, 14, 8, 14, 64},  {14, 14, 8, 8, 80},  {1, 1, 1, 1, 16},
                                   {5, 9, 5, 9, 16},     {30, 20, 30, 20, 32}, {3, 300, 3, 300, 16}};
  for (const Case& c : cases) {
    BOOST_TEST_CONTEXT(c.rows << " x " << c.cols << ", real " << c.real_rows << " x " << c.real_cols) {
      BOOST_TEST(worst_difference(c, true, false) < kTolerance);
      BOOST_TEST(worst_difference(c, false, false) < kTolerance);
      const double in_int16 = std::max(worst_difference(c, true, true), worst_difference(c, false, true));
      BOOST_TEST(in_int16 < kInt16Tolerance);
      // Where a token attends to itself alone, no score matters.
      if (c.rows * c.cols > 1) BOOST_TEST(in_int16 > 0.1 * kTolerance);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
