// SPDX-License-Identifier: Apache-2.0
#include "cli/train_data_arguments.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "training/train_options.hpp"

#include <CLI/CLI.hpp>

#include <vector>

namespace plat::cli {
namespace {

std::vector<PathValue> path_values(const std::vector<std::string>& texts, const char* option) {
  std::vector<PathValue> values;
  for (const std::string& text : texts) values.push_back(parse_path_value(text, option));
  return values;
}

}  // namespace

void TrainDataArguments::apply(TrainOptions& options) const {
  if (!bands.empty()) options.data.bands = split(bands, ',');
  if (!class_values.empty()) options.data.class_values = split(class_values, ',');
  if (!assign_crs.empty()) options.data.assign_crs = Crs::from_text(assign_crs);
  if (!labels_crs.empty()) options.data.labels_crs = Crs::from_text(labels_crs);
  if (!val_bbox_crs.empty()) options.data.val_bbox_crs = Crs::from_text(val_bbox_crs);
  options.data.rules.weights = path_values(weights, "--weight");
  options.data.rules.label_margins = path_values(label_margins, "--label-margin");
  if (val_bbox.empty()) return;
  const std::vector<double> box = parse_numbers(val_bbox, "--val-bbox");
  if (box.size() != 4) throw UsageError("--val-bbox needs four numbers: xmin,ymin,xmax,ymax");
  options.data.val_bbox = Bounds{box[0], box[1], box[2], box[3]};
}

void add_train_data_arguments(CLI::App& command, TrainOptions& options, TrainDataArguments& arguments) {
  const std::string group = "Data";
  command
      .add_option("data", options.data.data,
                  "Images and their labels: folders, rasters, layers, masks, COCO or VIA annotations, a STAC item or "
                  "catalogue, a list of image,labels; mixed at will")
      ->type_name("PATH");
  command
      .add_option("--scenes", options.data.scenes,
                  "Rasters, or folders of rasters, that are images whatever their names")
      ->group(group)
      ->type_name("PATH ...");
  command
      .add_option("--labels", options.data.labels, "Layers or masks that count wherever they lie on these, in any CRS")
      ->group(group)
      ->type_name("FILE ...");
  command
      .add_option("--gsd", options.gsd_m,
                  "Ground sample distance of the model in metres (default: that of --init, else 0.3)")
      ->group(group);
  command.add_option("--bands", arguments.bands, "Three bands by number or role, for example red,green,blue")
      ->group(group);
  command
      .add_option("--image-gsd", options.data.image_gsd_m, "Size of a pixel in metres of images without georeference")
      ->group(group);
  command.add_option("--assign-crs", arguments.assign_crs, "CRS of images that name none, or a wrong one")
      ->group(group);
  command.add_option("--labels-crs", arguments.labels_crs, "CRS of layers that name none")->group(group);
  command.add_option("--layer", options.data.layer, "Layer of the label files, where they have several")->group(group);
  command.add_option("--class", options.class_name, "What the objects are; of labels that tell classes, the one taken")
      ->capture_default_str()
      ->group(group);
  command.add_option("--class-attribute", options.data.class_attribute, "Attribute of the layers that tells classes")
      ->group(group);
  command
      .add_option("--class-values", arguments.class_values,
                  "Classes that are taken, with commas between: values of that attribute, COCO categories, mask values")
      ->group(group);
  command
      .add_flag("--fix-shift", options.data.fix_shift, "Move labels where they are clearly shifted against the images")
      ->group(group);
  command
      .add_option("--weight", arguments.weights,
                  "Crops of images at or below a path are drawn so many times as often as their area says; repeatable, "
                  "of several for one image that of the deepest path counts")
      ->group(group)
      ->type_name("PATH=W");
  command
      .add_option("--label-margin", arguments.label_margins,
                  "Labels of images at or below a path are rough: pixels nearer than so many metres to an outline, on "
                  "either side, do not count in the losses of the maps; repeatable")
      ->group(group)
      ->type_name("PATH=M");
  command
      .add_option("--incomplete", options.data.rules.incomplete,
                  "Labels of images at or below these paths miss objects: background farther than 3 m from all objects "
                  "does not count in the losses; repeatable")
      ->group(group)
      ->type_name("PATH");
  command
      .add_option("--negatives", options.data.negatives.paths,
                  "Images without any object, or folders of them: grassland, water, forest. All their pixels are "
                  "background for training, none for validation. Imagery coarser than twice the model's resolution is "
                  "shown at its own pixels, as texture rather than blur; of large images the middle is held, 4096 "
                  "pixels each way at most")
      ->group(group)
      ->type_name("PATH");
  command.add_option("--negatives-share", options.data.negatives.share, "Share of the crops that show these")
      ->capture_default_str()
      ->needs("--negatives")
      ->group(group);
  command.add_option("--drawn", options.drawn_share, "Share of the crops that show drawn scenes")
      ->capture_default_str()
      ->group(group);
  command.add_option("--val-bbox", arguments.val_bbox, "Area kept out of training for validation: xmin,ymin,xmax,ymax")
      ->group(group);
  command.add_option("--val-bbox-crs", arguments.val_bbox_crs, "CRS of --val-bbox (default: each scene's)")
      ->group(group);
  command
      .add_option(
          "--leave-out", options.data.rules.leave_out,
          "Images at or below these paths, a city say, are kept out of training whole, for validation, whatever "
          "--val-fraction and --val-bbox say of the others; --val-fraction 0 keeps out nothing else")
      ->group(group)
      ->type_name("PATH");
  command
      .add_option("--val-fraction", options.data.val_fraction,
                  "Without --val-bbox: share of the area kept out, in blocks on the ground")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--val-block", options.data.val_block_m,
                  "Largest side of those blocks in metres; small data gets smaller ones")
      ->capture_default_str()
      ->group(group);
}

}  // namespace plat::cli
