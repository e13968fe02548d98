// SPDX-License-Identifier: Apache-2.0
#include "cli/extraction_arguments.hpp"

#include "core/memory.hpp"
#include "core/text.hpp"

#include <CLI/CLI.hpp>

namespace plat::cli {

void ExtractionArguments::apply_to(RunOptions& run, ObjectOptions& objects) const {
  if (!classes.empty()) objects.classes = split(classes, ',');
  run.ram_bytes = parse_memory(ram);
  run.precision = precision_of(precision);
  if (no_regularize) {
    objects.regularize = false;
  } else if (objects.regularize_m) {
    objects.regularize = true;
  }
}

void add_model_arguments(CLI::App& command, ExtractionArguments& arguments, RunOptions& run) {
  command.add_option("--model", run.model, "A model folder, the name of one that ships, or threshold (bright pixels)")
      ->default_str("buildings");
  command.add_option("--classes", arguments.classes, "Only these classes of the model, with commas between")
      ->default_str("all");
}

void add_object_arguments(CLI::App& command, ExtractionArguments& arguments, ObjectOptions& objects) {
  command.add_option("--tile-size", objects.tile_size, "Side of a tile in pixels at the model's resolution")
      ->default_str("the model's");
  command.add_option("--overlap", objects.overlap, "Least overlap of neighbouring tiles in pixels")
      ->default_str("the model's");
  command.add_option("--threshold", objects.threshold, "Probability from which a pixel belongs to a class, 0..1")
      ->default_str("the model's");
  command.add_option("--min-area", objects.min_area_m2, "Least area of an object in square metres")
      ->default_str("the model's");
  command.add_option("--min-score", objects.min_score, "Least mean probability of an object, 0..1")
      ->default_str("the model's");
  command
      .add_option("--close-gaps", objects.close_gap_m,
                  "Objects no farther apart come to share a line, in metres; 0: gaps stay")
      ->default_str("the model's");
  command
      .add_option("--regularize", objects.regularize_m, "Square the outlines; how far that may move a wall, in metres")
      ->default_str("2 pixels, if the model squares");
  command.add_flag("--no-regularize", arguments.no_regularize, "Only simplify outlines instead of squaring them");
  command
      .add_option("--simplify", objects.simplify_m,
                  "Where outlines are not squared: how far one may move, in metres; 0 keeps pixel edges")
      ->default_str("1.25 pixels");
}

void add_run_arguments(CLI::App& command, ExtractionArguments& arguments, RunOptions& run) {
  command.add_option("-j,--threads", run.threads, "Threads; 0: all processors")->capture_default_str();
  command
      .add_option("--ram", arguments.ram,
                  "Memory that the program may take: 2048 (MB), 2GB or 50%; what a wide scene needs beyond goes to "
                  "files in TMPDIR")
      ->capture_default_str();
  command.add_option("--device", run.device, "auto, cpu or cuda[:n]")->capture_default_str();
  command
      .add_option(
          "--precision", arguments.precision,
          "Numbers that the encoder multiplies: auto, float32, bfloat16 or float16 (graphics cards), int16 (CPUs)")
      ->capture_default_str();
  command.add_flag("--overwrite", run.overwrite, "Replace outputs that exist");
}

}  // namespace plat::cli
