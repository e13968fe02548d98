// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/detail/common_ground.hpp"
#include "change/object_changes.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat::detail {

/// Which objects belong together. Objects of both dates are numbered in a row: first those before, then those after.
struct ChangeGroups {
  int64_t count = 0;                 ///< groups
  std::vector<int64_t> group;        ///< of each object, numbered by first object
  std::vector<uint8_t> is_fragment;  ///< of each object: it counts to a larger one
  std::vector<int64_t> successor;    ///< as in ObjectChanges
  std::vector<int64_t> predecessor;  ///< as in ObjectChanges
};

/// Groups objects as the rules say. `ground` holds all pairs that share any.
ChangeGroups group_objects(const ObjectStore& before, const ObjectStore& after, std::span<const CommonGround> ground,
                           const ChangeRules& rules);

}  // namespace plat::detail
