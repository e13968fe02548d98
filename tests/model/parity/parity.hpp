// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace plat::test {

/// A result of ours and what the reference made of the same input.
struct Result {
  std::string what;
  at::Tensor ours;
  at::Tensor expected;
};

/// Runs a network on the inputs of a safetensors file made by make_fixtures.py or full_size.py. The file has `pixels` or
/// `embedding`, `prompt0.points` … and `expected.…`.
std::vector<Result> run_on_fixture(nn::Sam& sam, const std::string& fixture);

/// The largest difference between a result of ours and the reference, over the reference's largest magnitude.
struct Difference {
  std::string what;
  double relative = 0;
  bool same_shape = false;
};

/// Compares what a network makes of the inputs of such a file with what the reference made of them.
std::vector<Difference> compare_with_reference(nn::Sam& sam, const std::string& fixture);

/// How far rounding alone may move each of those results, in the same order and unit: the most that they change, over several
/// draws, when each weight is moved by no more than its last bit. Sums in another order round about as much.
std::vector<double> rounding_response(nn::Sam& sam, const std::string& fixture);

}  // namespace plat::test
