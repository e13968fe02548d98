// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "training/data/training_data.hpp"
#include "training/forgetting/forgetting_options.hpp"
#include "training/forgetting/forgetting_report.hpp"
#include "training/method_options.hpp"
#include "training/samples/crop_sampler.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How the parts of the loss weigh against each other; all at least 0.
struct LossOptions {
  double extent = 1.0;
  double boundary = 1.0;
  double distance = 2.0;
  double auxiliary = 0.3;          ///< coarse maps inside the network
  double boundary_positive = 2.0;  ///< weight of boundary pixels against others
  double prompt = 0.3;             ///< masks for point and box prompts
  int64_t prompts_per_crop = 4;
  double prompt_share = 1.0;  ///< share of the batches in which prompts are trained, in [0, 1]
};

/// AdamW with linear warm-up and a cosine to a hundredth of the rate.
struct OptimizerOptions {
  std::optional<double> learning_rate;  ///< highest rate, > 0; unset: 1.5e-3 from random weights, 3e-4 from a model
  std::optional<double>
      encoder_rate;            ///< the image encoder's share of the rate, > 0; unset: 0.3 with an `encoder`, else 1
  double weight_decay = 0.05;  ///< of weights; biases, norms, tokens and embeddings do not decay
  double beta1 = 0.9;          ///< in [0, 1)
  double beta2 = 0.99;         ///< in [0, 1)
  int64_t warmup_steps = 100;
  double clip_norm = 1.0;  ///< largest norm of all gradients, > 0
  double average = 0.998;  ///< decay of the moving average of the weights, which is what is kept, in [0, 1)
};

/// How a model does on the ground kept out for validation.
struct ValidationFigures {
  double pixel_iou = 0;
  double object_f1 = 0;  ///< at IoU 0.5
  double object_precision = 0;
  double object_recall = 0;
  int64_t true_objects = 0;
};

/// Everything that decides a training run.
struct TrainOptions {
  std::string output;  ///< folder of the run
  TrainingDataOptions data;
  std::optional<double> gsd_m;  ///< ground sample distance of the model, metres; unset: that of `init`, else 0.3
  CropOptions crop;             ///< its gsd_m is that of the model
  LossOptions loss;
  OptimizerOptions optimizer;
  MethodOptions method;
  ForgettingOptions forgetting;
  std::string class_name = "building";
  std::string model_name = "model";  ///< what the model calls itself
  std::string init;                  ///< model folder to start from; empty: random weights
  std::string encoder;               ///< model folder whose image encoder a new network is built around; empty: none
  std::string architecture;          ///< model folder (or its config.json) whose network is built; empty: the small one
  double drawn_share = 0;            ///< share of the crops that show drawn scenes (synthesis/scene.hpp), in [0, 1]
  int64_t batch = 8;                 ///< crops a step, a multiple of `parts`
  int parts = 2;                     ///< pieces of a batch that are computed side by side, one thread each, at least 1
  std::optional<int64_t> steps;      ///< how long to train: steps (reproducible),
  std::optional<double> minutes;     ///< or minutes, validation included
  int64_t validate_every = 500;      ///< steps between validations, at least 1
  int64_t patience = 0;              ///< validations without a better one after which a run ends; 0: it never does
  int64_t save_every = 250;          ///< steps between checkpoints, at least 1
  int64_t log_every = 20;            ///< steps between lines of the metrics file, at least 1
  std::string keep = "last";   ///< the weights that become the model: "last" or "best" (by object F1 in validation)
  bool half_precision = true;  ///< store the model's weights as float16
  std::vector<std::string> attribution;  ///< lines that name the training data and its licence, for the model card
  std::string licence = "apache-2.0";    ///< of the model
  // What the model says of its class; unset: as `init` does, else the default.
  std::optional<bool> squared;        ///< whether outlines are squared
  std::optional<double> close_gap_m;  ///< objects no farther apart come to share a line, >= 0
  std::optional<double> min_area_m2;  ///< smaller objects are dropped, >= 0
  std::string tune_thresholds =
      "none";  ///< where the instance thresholds are chosen: "training", "validation" or "none"
  uint64_t seed = 1;
  int threads = 0;  ///< of the network, more than `parts` are of no use; 0: all
  int workers = 1;  ///< threads that prepare samples, at least 1
  bool overwrite = false;
  bool resume = false;   ///< go on from the run's last checkpoint
  bool dry_run = false;  ///< read the data, report, and stop
  Progress progress;
  /// Called as each phase of the run begins, some more than once: data, steps, validation, saving, mixing, tuning, writing,
  /// measuring, forgetting. May be empty; what it throws ends the run.
  std::function<void(const std::string&)> on_phase;
  /// Measures the model that the run leaves, in a folder, on the ground kept out, as `plat extract` and `plat evaluate` do
  /// (pipeline/evaluation/measure_model.hpp), which training itself cannot call. Empty: the figures are those of validation.
  std::function<ValidationFigures(const std::string& model, const std::vector<KeptOutFiles>& ground)> measure;
  /// Throws UsageError naming the option.
  void validate() const;
};

/// How a run ended.
struct TrainSummary {
  int64_t steps = 0;
  double seconds = 0;               ///< of training, over all resumed parts
  std::string model;                ///< folder of the model
  std::string adapter;              ///< folder of the adapter; empty where all of the network was trained
  int64_t parameters = 0;           ///< of the network
  int64_t learned = 0;              ///< of these
  int64_t estimated_bytes = 0;      ///< memory of the whole program, estimated before the start
  double loss = 0;                  ///< smoothed
  std::optional<double> pixel_iou;  ///< of the kept weights on the validation area
  std::optional<double> object_f1;
  bool by_extraction = false;                  ///< whether TrainOptions::measure gave both
  std::optional<ForgettingReport> forgetting;  ///< where the run began with a model
  std::string data;                            ///< of a dry run: the report on the data as JSON
};

/// The same options with folders taken off the paths: what others may read of them.
TrainOptions without_folders(TrainOptions options);

/// The options as JSON text, in groups, as they stand in the run's config.json; paths and budgets included.
std::string to_json(const TrainOptions& options);

}  // namespace plat
