// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "model/masks/automatic_masks.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace plat::test {

/// What segment-anything's generator found in an image with some options.
struct AutomaticCase {
  AutomaticMaskOptions options;
  std::vector<AutomaticMask> masks;  ///< without crops
};

/// The image and the cases, by name, of a safetensors file that automatic_masks.py wrote.
struct AutomaticReference {
  Image<float> image;
  std::map<std::string, AutomaticCase> cases;
};
AutomaticReference read_automatic_reference(const std::string& path);

/// How two lists of masks agree: pairs of one mask each, with an IoU of at least 0.95.
struct Agreement {
  std::size_t expected = 0;
  std::size_t found = 0;
  std::size_t matched = 0;
  double worst_iou = 1;        ///< of the pairs' masks
  double worst_estimate = 0;   ///< largest difference of the pairs' estimates
  double worst_stability = 0;  ///< the same of their stabilities
  double share() const;        ///< of the longer list that is matched
};
Agreement compare(const std::vector<AutomaticMask>& expected, const std::vector<AutomaticMask>& found);

}  // namespace plat::test
