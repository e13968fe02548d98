// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_store.hpp"
#include "core/progress.hpp"

#include <cstdint>
#include <vector>

namespace plat::detail {

/// An object of each date, by position, and the area that both cover.
struct CommonGround {
  int64_t before = 0;
  int64_t after = 0;
  double area = 0;
};

/// All pairs of one class that share ground, by ascending before and after; the same for any number of threads. What
/// is shared below a part in 10^9 of the smaller object is rounding, and left out. Throws Cancelled.
std::vector<CommonGround> find_common_ground(const ObjectStore& before, const ObjectStore& after,
                                             const Progress& progress);

}  // namespace plat::detail
