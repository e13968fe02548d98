// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "evaluation/counts.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// How much a predicted object and a true one, named by their positions, have in common.
struct Overlap {
  int64_t predicted = 0;
  int64_t truth = 0;
  double iou = 0;  ///< intersection over union, in (0, 1]
};

/// Which predicted object found which true one.
struct Matching {
  std::vector<int64_t> truth_of_predicted;  ///< position of the true object, or -1 for a false positive
  std::vector<int64_t> predicted_of_truth;  ///< position of the predicted object, or -1 for a false negative
  std::vector<double> iou_of_predicted;     ///< the best IoU that was still free for each predicted object
  std::vector<double> iou_of_truth;         ///< the best IoU of each true object with any predicted one

  ObjectCounts counts() const;
};

/// SpaceNet's matching: the predicted objects, in `order`, each take the free true object with the largest IoU if it is
/// above `iou` (strictly, as SpaceNet's code has it); ties go to the true object that comes first. Below an IoU of 0.5
/// the result depends on the order, above it only where true or predicted objects overlap among themselves.
/// `order` empty means by position. Overlaps may come in any order.
Matching match_greedily(int64_t predicted, int64_t truth, std::vector<Overlap> overlaps, double iou,
                        std::span<const int64_t> order = {});

/// Matches the objects of two label images (0 = background, any other value one object) by ascending label. Objects
/// below `min_area_px` are left out on both sides. Throws DataError when the sizes differ.
ObjectCounts match_labels(const Image<int32_t>& predicted, const Image<int32_t>& truth, double iou = 0.5,
                          int64_t min_area_px = 1);

}  // namespace plat
