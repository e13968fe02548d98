// SPDX-License-Identifier: Apache-2.0
#include "model/nn/int16_product.hpp"

#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

namespace {

using plat::nn::Activation;
using plat::nn::Int16Product;

// Of a few float32 operations on an exact sum.
constexpr double kRounding = 4e-7;

template <typename Value>
std::vector<Value> room(int64_t count) {
  return std::vector<Value>(static_cast<std::size_t>(count));
}

std::vector<float> random_floats(std::mt19937& random, int64_t count, double size) {
  std::normal_distribution<double> normal(0, size);
  auto values = room<float>(count);
  for (float& value : values) value = static_cast<float>(normal(random));
  return values;
}

/// A layer, packed; and its whole numbers, which it tells when it is asked for one input at a time.
struct Layer {
  Layer(std::mt19937& random, int64_t in, int64_t out, bool with_bias) : product{in, out} {
    weight = random_floats(random, in * out, 0.1);
    bias = random_floats(random, out, with_bias ? 1 : 0);
    if (out > 1) std::fill_n(weight.begin() + in, in, 0.0F);  // an output that does not depend on the input
    packed = room<int16_t>(product.weights_size());
    factors = room<float>(product.factors_size());
    product.pack(weight.data(), with_bias ? bias.data() : nullptr, packed.data(), factors.data());
    whole = room<int64_t>(in * out);
    for (int64_t k = 0; k < in; ++k) {
      auto one = room<int16_t>(product.row_size());
      one[static_cast<std::size_t>(k)] = 1;
      const auto answer = multiplied(one, {1.0F}, Activation::None);
      for (int64_t o = 0; o < out; ++o) {
        const auto at = static_cast<std::size_t>(o);
        const double step = static_cast<double>(factors[at]);
        const double number = step == 0 ? 0 : (static_cast<double>(answer[at]) - bias_of(o)) / step;
        whole[static_cast<std::size_t>(o * in + k)] = std::llround(number);
      }
    }
  }

  std::vector<float> multiplied(const std::vector<int16_t>& numbers, const std::vector<float>& scales,
                                Activation activation) const {
    auto result = room<float>(std::ssize(scales) * product.out);
    std::fill(result.begin(), result.end(), std::numeric_limits<float>::quiet_NaN());
    product.multiply(numbers.data(), scales.data(), std::ssize(scales), packed.data(), factors.data(), activation,
                     result.data());
    return result;
  }

  double bias_of(int64_t o) const { return static_cast<double>(bias[static_cast<std::size_t>(o)]); }
  int64_t whole_of(int64_t o, int64_t k) const { return whole[static_cast<std::size_t>(o * product.in + k)]; }

  Int16Product product;
  std::vector<float> weight, bias, factors;
  std::vector<int16_t> packed;
  std::vector<int64_t> whole;
};

/// Calls check(random, in, out, rows) for sizes with every remainder that the kernels treat apart.
template <typename Check>
void for_sizes(const Check& check) {
  if (!Int16Product::available()) {
    plat::test::skip("this processor has no AVX2: the precision int16 is refused");
    return;
  }
  std::mt19937 random(7);
  for (const int64_t in : {1, 2, 7, 16, 31, 200}) {
    for (const int64_t out : {1, 5, 16, 33}) {
      for (const int64_t rows : {1, 2, 3, 4, 5, 6, 13}) {
        BOOST_TEST_CONTEXT(in << " to " << out << ", " << rows << " rows") { check(random, in, out, rows); }
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(int16_product)

BOOST_AUTO_TEST_CASE(sums_are_those_of_whole_numbers, PLAT_IF_PRESENT) {
  for_sizes([](std::mt19937& random, int64_t in, int64_t out, int64_t rows) {
    const Layer layer(random, in, out, false);
    std::uniform_int_distribution<int> any(-layer.product.activation_limit(), layer.product.activation_limit());
    auto numbers = room<int16_t>(rows * layer.product.row_size());
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < in; ++k) {
        numbers[static_cast<std::size_t>(r * layer.product.row_size() + k)] = static_cast<int16_t>(any(random));
      }
    }
    const std::vector<float> scales(static_cast<std::size_t>(rows), 0.25F);
    const auto result = layer.multiplied(numbers, scales, Activation::None);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < out; ++o) {
        int64_t sum = 0;
        for (int64_t k = 0; k < in; ++k) {
          sum += numbers[static_cast<std::size_t>(r * layer.product.row_size() + k)] * layer.whole_of(o, k);
        }
        const double wanted =
            0.25 * static_cast<double>(sum) * static_cast<double>(layer.factors[static_cast<std::size_t>(o)]);
        const double ours = static_cast<double>(result[static_cast<std::size_t>(r * out + o)]);
        BOOST_REQUIRE_SMALL(ours - wanted, kRounding * std::abs(wanted) + 1e-30);
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(no_activations_make_a_sum_overflow, PLAT_IF_PRESENT) {
  for_sizes([](std::mt19937& random, int64_t in, int64_t out, int64_t) {
    const Layer layer(random, in, out, false);
    for (int64_t o = 0; o < out; ++o) {
      // The largest activations, each with its weight's sign.
      auto numbers = room<int16_t>(layer.product.row_size());
      int64_t sum = 0;
      for (int64_t k = 0; k < in; ++k) {
        const int64_t whole = layer.whole_of(o, k), limit = layer.product.activation_limit();
        numbers[static_cast<std::size_t>(k)] = static_cast<int16_t>(whole < 0 ? -limit : limit);
        sum += limit * std::abs(whole);
      }
      BOOST_TEST(sum <= std::numeric_limits<int32_t>::max());
      const double wanted = static_cast<double>(sum) * static_cast<double>(layer.factors[static_cast<std::size_t>(o)]);
      const double ours =
          static_cast<double>(layer.multiplied(numbers, {1.0F}, Activation::None)[static_cast<std::size_t>(o)]);
      BOOST_REQUIRE_SMALL(ours - wanted, kRounding * wanted + 1e-30);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_layer_differs_from_its_formula_by_no_more_than_rounding_explains, PLAT_IF_PRESENT) {
  for_sizes([](std::mt19937& random, int64_t in, int64_t out, int64_t rows) {
    const Layer layer(random, in, out, true);
    auto x = random_floats(random, rows * in, 2);
    x[0] *= 30;  // transformers have such values
    if (rows > 1) std::fill_n(x.begin() + in, in, 0.0F);
    auto numbers = std::vector<int16_t>(static_cast<std::size_t>(rows * layer.product.row_size()), int16_t{99});
    auto scales = room<float>(rows);
    layer.product.quantize(x.data(), rows, numbers.data(), scales.data());
    const auto plain = layer.multiplied(numbers, scales, Activation::None);
    const auto active = layer.multiplied(numbers, scales, Activation::Gelu);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < out; ++o) {
        // Numbers are off by half a step of theirs at most.
        const double x_off = 0.5001 * static_cast<double>(scales[static_cast<std::size_t>(r)]);
        const double w_off = 0.5001 * static_cast<double>(layer.factors[static_cast<std::size_t>(o)]);
        double wanted = layer.bias_of(o), size = std::abs(wanted), bound = 0;
        for (int64_t k = 0; k < in; ++k) {
          const double a = static_cast<double>(x[static_cast<std::size_t>(r * in + k)]);
          const double b = static_cast<double>(layer.weight[static_cast<std::size_t>(o * in + k)]);
          wanted += a * b;
          size += std::abs(a * b);
          bound += std::abs(a) * w_off + std::abs(b) * x_off + x_off * w_off;
        }
        const auto at = static_cast<std::size_t>(r * out + o);
        const double ours = static_cast<double>(plain[at]);
        BOOST_REQUIRE_SMALL(ours - wanted, bound + kRounding * size);
        const double gelu = 0.5 * ours * std::erfc(-ours / std::sqrt(2.0));
        BOOST_REQUIRE_SMALL(static_cast<double>(active[at]) - gelu, 3e-7 * std::max(1.0, std::abs(ours)));
      }
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
