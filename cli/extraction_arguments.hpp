// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/object_options.hpp"
#include "pipeline/scene_run.hpp"

#include <string>

namespace CLI {
class App;
}

namespace plat::cli {

/// The options of verbs that extract a model's objects, where the user writes them otherwise than the run takes them.
struct ExtractionArguments {
  std::string classes;
  std::string ram = "50%";
  std::string precision = "auto";
  bool no_regularize = false;

  /// Puts what they mean into the options. Throws UsageError for what has no meaning.
  void apply_to(RunOptions& run, ObjectOptions& objects) const;
};

/// Declares --model and --classes.
void add_model_arguments(CLI::App& command, ExtractionArguments& arguments, RunOptions& run);
/// Declares how the model's maps become polygons: --tile-size to --simplify.
void add_object_arguments(CLI::App& command, ExtractionArguments& arguments, ObjectOptions& objects);
/// Declares --threads, --ram, --device, --precision and --overwrite.
void add_run_arguments(CLI::App& command, ExtractionArguments& arguments, RunOptions& run);

}  // namespace plat::cli
