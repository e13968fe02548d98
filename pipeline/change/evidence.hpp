// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "pipeline/change/dated_objects.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace plat {

/// A change less probable than this is none, whatever the objects of its class need.
inline constexpr double kLeastChangeScore = 0.5;

/// Lets the maps have their say about changes that were found by outlines: what is sure on one date needs little on the other to be still
/// there. The score of a change becomes its probability: that an object is there on one date (its score) and is not on the other (1 less
/// the mean of that date's map where only the first has an outline). What is less probable than `least` becomes Unchanged. Unset: the
/// least score of the class's objects (`least_scores`), at least kLeastChangeScore; 0, and where there are no maps: nothing is done.
/// Returns how many became Unchanged.
int64_t weigh_evidence(ObjectChanges& found, const DatedObjects& before, const DatedObjects& after,
                       const std::vector<double>& least_scores, const ChangeRules& rules,
                       const std::optional<double>& least);

}  // namespace plat
