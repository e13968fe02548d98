// SPDX-License-Identifier: Apache-2.0
#include "publishing/publish_source.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/model_folder.hpp"
#include "pipeline/model_path.hpp"

#include <filesystem>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kTraining = "training.json";

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error);
}

}  // namespace

PublishSource find_publish_source(const std::string& named) {
  fs::path root = fs::path(named).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();
  const fs::path model = root / "model", adapter = root / "adapter";
  if (is_there(model / kConfigFile)) {
    PublishSource source{.model = model.string(),
                         .adapter = std::nullopt,
                         .metrics = (root / kMetrics).string(),
                         .training = (model / kTraining).string(),
                         .default_output = (root / "hub").string()};
    if (is_there(adapter / kAdapterWeightsFile)) source.adapter = adapter.string();
    return source;
  }
  if (is_there(root / kMetrics) && !is_there(root / kWeightsFile) && !is_there(root / kAdapterWeightsFile)) {
    throw ModelError(root.string() + ": the run has no model yet; let plat train go on with --resume to its end");
  }
  const fs::path found = find_model(root.string());
  if (found == "threshold") throw UsageError("threshold is a rule, not a model folder; there is nothing to publish");
  // A model or an adapter that still lies in its run is described by the run's figures.
  fs::path run = found;
  if (!is_there(run / kMetrics)) run = found.parent_path();
  fs::path training = found / kTraining;
  if (!is_there(training)) training = run / "model" / kTraining;
  return {.model = found.string(),
          .adapter = is_there(found / "adapter" / kAdapterWeightsFile) ? std::optional((found / "adapter").string())
                                                                       : std::nullopt,
          .metrics = (run / kMetrics).string(),
          .training = training.string(),
          .default_output = found.filename().string() + "-hub"};
}

}  // namespace plat
