// SPDX-License-Identifier: Apache-2.0
#include "cli/train_data_arguments.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "training/train_options.hpp"

#include <CLI/CLI.hpp>

#include <vector>

namespace plat::cli {

void TrainDataArguments::apply(TrainOptions& options) const {
  if (!bands.empty()) options.data.bands = split(bands, ',');
  if (!val_bbox_crs.empty()) options.data.val_bbox_crs = Crs::from_text(val_bbox_crs);
  if (val_bbox.empty()) return;
  const std::vector<double> box = parse_numbers(val_bbox, "--val-bbox");
  if (box.size() != 4) throw UsageError("--val-bbox needs four numbers: xmin,ymin,xmax,ymax");
  options.data.val_bbox = Bounds{box[0], box[1], box[2], box[3]};
}

void add_train_data_arguments(CLI::App& command, TrainOptions& options, TrainDataArguments& arguments) {
  const std::string group = "Data";
  command.add_option("--scenes", options.data.scenes, "Rasters, or folders of rasters")
      ->required()
      ->group(group)
      ->type_name("PATH ...");
  command.add_option("--labels", options.data.labels, "Vector files with the true objects, in any CRS")
      ->required()
      ->group(group)
      ->type_name("FILE ...");
  command
      .add_option("--gsd", options.gsd_m,
                  "Ground sample distance of the model in metres (default: that of --init, else 0.3)")
      ->group(group);
  command.add_option("--bands", arguments.bands, "Three bands by number or role, for example red,green,blue")->group(group);
  command.add_option("--class", options.class_name, "What the objects are")->capture_default_str()->group(group);
  command.add_option("--drawn", options.drawn_share, "Share of the crops that show drawn scenes")
      ->capture_default_str()
      ->group(group);
  command.add_option("--val-bbox", arguments.val_bbox, "Area kept out of training for validation: xmin,ymin,xmax,ymax")
      ->group(group);
  command.add_option("--val-bbox-crs", arguments.val_bbox_crs, "CRS of --val-bbox (default: each scene's)")->group(group);
  command
      .add_option("--val-fraction", options.data.val_fraction,
                  "Without --val-bbox: share of the area kept out, in blocks")
      ->capture_default_str()
      ->group(group);
  command.add_option("--val-block", options.data.val_block_m, "Side of those blocks in metres")
      ->capture_default_str()
      ->group(group);
}

}  // namespace plat::cli
