// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/pair.hpp"
#include "synthesis/plan.hpp"
#include "synthesis/random.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace plat::detail {

/// Independent random numbers for each purpose, so that one option changes nothing but its own matter.
enum class Purpose : uint64_t { Fate = 1, Form, Vacant, Tone, Cars, Trees, Noise };
inline uint64_t seed_of(uint64_t seed, Purpose purpose, std::size_t index = 0) {
  return mix_bits(mix_bits(seed + static_cast<uint64_t>(purpose)) + index);
}

/// A house with its fate; `part` is what stands of it at the date when it is smaller.
struct House {
  Building whole;
  std::optional<Building> part;
  DrawnChange fate = DrawnChange::Unchanged;
  bool visible = false;  ///< more of it than a sliver is in the image
  bool inside = false;   ///< all of it is

  /// What stands at a date; null: nothing.
  const Building* at(bool after) const {
    if (fate == (after ? DrawnChange::Vanished : DrawnChange::Appeared)) return nullptr;
    return fate == (after ? DrawnChange::Shrunk : DrawnChange::Grown) ? &*part : &whole;
  }
};

/// Decides which of the visible houses change, by how much they change at least where they are extended or reduced.
/// Building and tearing down come singly, by rows and by blocks.
void decide_fates(std::vector<House>& houses, double least_m2, uint64_t seed, const PairOptions& options);

}  // namespace plat::detail
