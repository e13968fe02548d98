// SPDX-License-Identifier: Apache-2.0
#include "training/model_results.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/staged_path.hpp"
#include "model/nn/weights.hpp"
#include "training/forgetting/measure_forgetting.hpp"
#include "training/start_model.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace plat::nn {
namespace {

/// Puts the figures that users get themselves in the place of validation's. A run is not lost for want of them.
void measure(const TrainingPlan& plan, const RunFolder& folder, const std::string& model, const TrainState& state,
             TrainSummary& summary) {
  if (!plan.options.measure || plan.data.kept_out.empty()) return;
  enter_phase(plan.options, "measuring");
  try {
    const ValidationFigures found =
        plan.options.measure(model, kept_out_files(plan.data.kept_out, folder.validation()));
    folder.add_figures(state.step, state.seconds, found, true);
    summary.pixel_iou = found.pixel_iou;
    summary.object_f1 = found.object_f1;
    summary.by_extraction = true;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    log_warning(std::string("the figures are those of validation, as extraction failed: ") + error.what());
  }
}

}  // namespace

TrainSummary write_model(TrainingPlan& plan, const std::vector<LabelledScene>& scenes, const Validator& validator,
                         const RunFolder& folder, int threads, TrainState& state) {
  const TrainOptions& options = plan.options;
  const bool mixed = options.forgetting.wise < 1;
  if (options.keep == "best" && std::filesystem::exists(folder.best())) {
    // The last weights may be better still.
    validator.validate(state, true);
    load_weights(*state.average, folder.best());
  }
  if (mixed) {
    enter_phase(options, "mixing");
    mix_with_base(state, options.forgetting.wise);
  }
  if (options.tune_thresholds != "none") {
    enter_phase(options, "tuning");
    plan.model.description.classes.front().thresholds = validator.tune(state, scenes).thresholds;
  }
  TrainSummary summary;
  summary.steps = state.step;
  summary.seconds = state.seconds;
  summary.loss = state.loss;
  summary.model = folder.model();
  if (!options.method.is_full()) summary.adapter = folder.adapter();
  summary.parameters = plan.memory.parameters;
  summary.learned = plan.memory.learned;
  summary.estimated_bytes = plan.memory.total();
  if (validator.has_areas()) {
    const ValidationFigures result = validator.validate(state, !mixed);
    summary.pixel_iou = result.pixel_iou;
    summary.object_f1 = result.object_f1;
  }
  for (Sam* network : {&state.network, &state.average}) (*network)->to(at::kCPU);
  // Both folders get their names once whole.
  enter_phase(options, "writing");
  StagedPath whole(folder.model(), StagedPath::Kind::Folder);
  std::optional<StagedPath> adapter;
  if (!options.method.is_full()) adapter.emplace(folder.adapter(), StagedPath::Kind::Folder);
  write_results(state, plan.model, options, whole.path(), adapter ? adapter->path() : "");
  write_whole_file(whole.path() + "/training.json", to_json(without_folders(options)) + "\n");
  measure(plan, folder, whole.path(), state, summary);
  if (measures_forgetting(options)) {
    enter_phase(options, "forgetting");
    summary.forgetting = measure_forgetting(options, whole.path(), threads);
    for (const std::string& line : lines_of(*summary.forgetting)) log_info(line);
  }
  enter_phase(options, "writing");
  const std::string card = model_card(plan.model, options, summary, plan.data.summary);
  write_whole_file(whole.path() + "/README.md", card);
  if (adapter) {
    write_whole_file(adapter->path() + "/README.md", card);
    adapter->commit();
    enter_phase(options, "writing");
  }
  whole.commit();
  enter_phase(options, "writing");
  folder.write_report(summary);
  return summary;
}

}  // namespace plat::nn
