// SPDX-License-Identifier: Apache-2.0
#include "training/run_folder.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

namespace plat {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

/// "All weights were", or how many.
std::string learned_part(const TrainOptions& options, const TrainSummary& summary) {
  if (options.method.is_full()) return "All weights were";
  return format("%.3g", static_cast<double>(summary.learned) / 1e6) + " of " +
         format("%.4g", static_cast<double>(summary.parameters) / 1e6) + " million weights (`--method " +
         options.method.method + "`) were";
}

/// What the weights were before.
std::string start_of(const TrainOptions& options) {
  const auto named = [](const std::string& folder) {
    return "`" + std::filesystem::path(folder).filename().string() + "`";
  };
  if (!options.init.empty()) return "the model " + named(options.init);
  if (!options.encoder.empty())
    return "the image encoder " + named(options.encoder) + ", the rest from random numbers,";
  return "random numbers";
}

}  // namespace

std::string model_card(const ModelFolder& model, const TrainOptions& options, const TrainSummary& summary,
                       const std::vector<std::string>& data_report) {
  const ModelDescription& about = model.description;
  std::ostringstream card;
  card << "---\nlicense: " << about.licence
       << "\nlibrary_name: plat\npipeline_tag: image-segmentation\ntags:\n- remote-sensing\n"
       << "- segment-anything\n- " << options.class_name << "\n---\n# " << about.name << "\n\n"
       << "A small Segment Anything network (SAM) that maps one class, *" << options.class_name
       << "*, in satellite and aerial imagery, and answers point and box prompts. Use it with `plat extract --model "
          "FOLDER`.\n\n"
       << "- Input: red, green and blue at " << format("%.3f", about.gsd_m.value_or(0))
       << " m a pixel; `plat` resamples and scales any scene to that.\n"
       << "- Output: for each pixel the probability of the class, the probability of an object's boundary, and the "
          "distance to the boundary.\n\n";
  card << "## Training data\n\n";
  for (const std::string& line : about.training_data) card << "- " << line << "\n";
  if (options.drawn_share > 0) {
    card << "- " << format("%.0f", 100 * options.drawn_share)
         << " % of the crops show scenes that plat itself drew (synthesis/scene.hpp): no rights of others.\n";
  }
  card << "\nWhat the run read:\n\n";
  for (const std::string& line : data_report) card << "- " << line << "\n";
  card << "\n## Training\n\n"
       << learned_part(options, summary) << " trained from " << start_of(options)
       << " with `plat train`: " << summary.steps << " steps of " << options.batch << " crops of " << options.crop.size
       << " x " << options.crop.size << " pixels, " << format("%.0f", summary.seconds / 60) << " minutes, seed "
       << options.seed << ". The options are in `training.json`.\n";
  if (summary.pixel_iou && summary.object_f1) {
    card << "\n## Figures\n\nOn the validation area, which training never saw, "
         << (summary.by_extraction ? "by `plat extract` and `plat evaluate`" : "at the model's resolution")
         << ": pixel IoU " << format("%.3f", *summary.pixel_iou) << ", object F1 at IoU 0.5 "
         << format("%.3f", *summary.object_f1) << ".\n";
    if (options.keep == "best")
      card << "The weights are the best of several on this very area, so the figures are a little too good.\n";
    if (options.tune_thresholds == "validation")
      card << "The thresholds that tell objects apart were chosen on this very area, so the figures are a little too "
              "good.\n";
    if (options.tune_thresholds == "training")
      card << "The thresholds that tell objects apart were chosen on the training area.\n";
  }
  if (summary.forgetting) card << "\n## What the base could do\n\n" << to_markdown(*summary.forgetting);
  card << "\n## Limits\n\n"
       << "- The figures hold for imagery like the training data's. Other regions, roofs, seasons, view angles and "
          "sensors give less; measure with\n"
       << "  `plat evaluate` on labels of your own, and train on them with `plat train --init`.\n"
       << "- Labels drawn by volunteers have errors of a metre and objects missing; the model repeats what they do.\n"
       << "- Small objects are missed most often, and those that touch may come out "
          "as one.\n";
  return card.str();
}

}  // namespace plat
