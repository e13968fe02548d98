// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/extract_plan.hpp"
#include "postprocess/stitcher.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// Watches the stitched maps for results that look like a mistake. Not thread-safe.
class ResultChecks {
 public:
  explicit ResultChecks(const std::vector<ClassPlan>& classes);
  void add(const MapBlock& block);
  /// Pixels of the scene that have data and a result.
  int64_t valid_pixels() const { return valid_pixels_; }
  /// One sentence for each oddity, given how many objects were written.
  std::vector<std::string> warnings(int64_t objects) const;

 private:
  struct ClassState {
    ClassPlan plan;
    float lowest = 2;
    float highest = -1;
    int64_t above = 0;  ///< pixels from the extent threshold on
  };
  std::vector<ClassState> classes_;
  int64_t valid_pixels_ = 0;
};

}  // namespace plat
