// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/forgetting_options.hpp"

#include "core/error.hpp"

namespace plat {

void ForgettingOptions::validate() const {
  const auto require = [](bool holds, const char* message) {
    if (!holds) throw UsageError(message);
  };
  require(l2_sp >= 0, "--l2-sp must be at least 0");
  require(wise >= 0 && wise <= 1, "--wise must lie in [0, 1]");
  require(distil >= 0, "--distil must be at least 0");
  require((distil > 0) == !distil_data.empty(),
          "--distil and --distil-data go together: the weight, and rasters on which the base is followed");
  require(replay_scenes.empty() == replay_labels.empty(), "--replay-scenes and --replay-labels go together");
  require(replay_share >= 0 && replay_share <= 1, "--replay-share must lie in [0, 1]");
  require(retain_objects >= 0, "--retain-objects must be at least 0");
  require(retain.empty() || retain_objects > 0, "--retain names what to measure on, and --retain-objects 0 forbids it");
}

}  // namespace plat
