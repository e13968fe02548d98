// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// What keeps a model that is trained further from forgetting what it could do. All need a model to start from.
struct ForgettingOptions {
  double l2_sp = 0;  ///< pulls what learns back to the base's values (L2-SP, Li et al. 2018), at least 0
  double wise =
      1;  ///< the model is this much of the tuned weights, the rest the base's (WiSE-FT, Wortsman et al. 2021), [0, 1]
  double distil = 0;                       ///< weight of the loss against the base's prompted masks, at least 0
  std::vector<std::string> distil_data;    ///< rasters or folders of them, without labels, on which these are compared
  std::vector<std::string> replay_scenes;  ///< rasters of what the base was trained on
  std::vector<std::string> replay_labels;  ///< and their labels
  double replay_share = 0.25;              ///< share of the crops that show them, in [0, 1]

  std::vector<std::string> retain;  ///< images and labels on which forgetting is measured; none: drawn shapes
  int64_t retain_objects = 64;      ///< objects on which it is measured, at least 0; 0: not at all

  bool replays() const { return !replay_scenes.empty(); }
  /// Whether the base's weights are needed while training or at its end.
  bool needs_base() const { return l2_sp > 0 || wise < 1 || distil > 0; }
  /// Throws UsageError naming the option.
  void validate() const;
};

}  // namespace plat
