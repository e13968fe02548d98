// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <string>
#include <vector>

namespace plat::test {

/// The largest difference between a result of ours and the reference, over the reference's largest magnitude.
struct Difference {
  std::string what;
  double relative = 0;
  bool same_shape = false;
};

/// Runs a network on the inputs of a safetensors file made by make_fixtures.py or full_size.py and compares with what
/// the reference made of them. The file has `pixels` or `embedding`, `prompt0.points` … and `expected.…`.
std::vector<Difference> compare_with_reference(nn::Sam& sam, const std::string& fixture);

}  // namespace plat::test
