// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace plat {

/// Where the parts of what is to be published lie.
struct PublishSource {
  std::string model;                   ///< folder of the model, or of the adapter where that is what was named
  std::optional<std::string> adapter;  ///< folder of the adapter that a run left beside its model
  std::string metrics;                 ///< metrics.jsonl of the run; may be absent
  std::string training;                ///< training.json; may be absent
  std::string default_output;          ///< where a folder for the Hub goes unless told otherwise
};

/// Finds them from the folder of a run, of a model or of an adapter, or the name of a model that ships. Throws ModelError.
PublishSource find_publish_source(const std::string& named);

}  // namespace plat
