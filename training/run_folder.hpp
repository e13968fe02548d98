// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/staged_path.hpp"
#include "model/files/model_folder.hpp"
#include "training/train_options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace plat {

/// The folder of a training run and the names in it. A run that replaces another lies under a name of its own until it has a
/// checkpoint, and the other stays as it is until then.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  std::string config() const { return path_ + "/config.json"; }
  std::string data() const { return path_ + "/data.txt"; }
  std::string data_json() const { return path_ + "/data.json"; }
  std::string validation() const { return path_ + "/validation"; }
  std::string metrics() const { return path_ + "/metrics.jsonl"; }
  std::string report() const { return path_ + "/report.json"; }
  std::string checkpoint() const { return path_ + "/last.pt"; }
  std::string best() const { return path_ + "/best.safetensors"; }
  std::string adapter() const { return path_ + "/adapter"; }
  std::string embeddings() const { return path_ + "/embeddings"; }
  std::string model() const { return path_ + "/model"; }

  /// Whether a new run may be made here, or there is one with the same options to resume (budget, threads and the like may
  /// differ); changes nothing. Throws UsageError, IoError.
  void check(const TrainOptions& options) const;
  /// Makes the folder for a new run, or notes the options of one that goes on. Throws as check() does.
  void open(const TrainOptions& options);
  /// Whether there is anything to go on from, be it damaged.
  bool has_begun() const;
  /// Whether an earlier run still has the name of this one.
  bool waits() const { return staged_ != nullptr; }
  /// Puts this run, which has a checkpoint, in the place of the earlier one in one step; what others than `plat train` laid
  /// there goes along. Throws IoError, and then the earlier run is as it was.
  void replace_earlier();
  /// Writes what the data is, for people and for programs, and the ground that is kept out.
  void write_data(const TrainingData& data) const;
  /// Takes lines of steps after `step`, and of validations after step `validated`, out of the metrics: a resumed run writes
  /// them again.
  void rewind_metrics(int64_t step, int64_t validated) const;
  /// Adds one JSON object to the metrics.
  void add_metrics(const std::string& json_line) const;
  /// Adds the figures of a validation to the metrics; `by_extraction`: those of the model that the run leaves.
  void add_figures(int64_t step, double seconds, const ValidationFigures& figures, bool by_extraction) const;
  /// Writes the run's figures for programs.
  void write_report(const TrainSummary& summary) const;

 private:
  std::string path_;
  std::string earlier_;                 ///< the folder that the run replaces, while it waits
  std::unique_ptr<StagedPath> staged_;  ///< while it waits
};

/// The model card: what the model is for, its data, figures and limits.
std::string model_card(const ModelFolder& model, const TrainOptions& options, const TrainSummary& summary,
                       const std::vector<std::string>& data_report);

}  // namespace plat
