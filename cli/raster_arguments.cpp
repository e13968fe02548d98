// SPDX-License-Identifier: Apache-2.0
#include "cli/raster_arguments.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <CLI/CLI.hpp>

#include <vector>

namespace plat::cli {

RasterOptions RasterArguments::options() const {
  RasterOptions options;
  if (!bands.empty()) {
    for (const std::string& band : split(bands, ',')) options.bands.push_back(trim(band));
  }
  options.gsd_m = gsd_m;
  options.nodata = nodata;
  if (!bbox.empty()) {
    const std::vector<double> box = parse_numbers(bbox, "--bbox");
    if (box.size() != 4) throw UsageError("--bbox: four numbers are needed, xmin,ymin,xmax,ymax.");
    if (!(box[0] < box[2] && box[1] < box[3])) {
      throw UsageError("--bbox: the box is empty; write xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax.");
    }
    options.bbox = Bounds{box[0], box[1], box[2], box[3]};
  }
  if (!bbox_crs.empty()) {
    if (bbox.empty()) throw UsageError("--bbox-crs: means nothing without --bbox.");
    options.bbox_crs = Crs::from_text(bbox_crs);
  }
  if (!assign_crs.empty()) options.assign_crs = Crs::from_text(assign_crs);
  return options;
}

void add_raster_arguments(CLI::App& command, RasterArguments& arguments) {
  command.add_option("--bands", arguments.bands, "Bands by number from 1 or by role, as 4,3,2 or red,green,blue")
      ->default_str("the model's, by role, else the first");
  command.add_option("--gsd", arguments.gsd_m, "Ground sample distance in metres to work at")
      ->default_str("the model's, else the scene's");
  command.add_option("--nodata", arguments.nodata, "Value that means no data in every band")->default_str("the file's");
  command.add_option("--bbox", arguments.bbox, "Only this part of the scene: xmin,ymin,xmax,ymax")->default_str("all");
  command.add_option("--bbox-crs", arguments.bbox_crs, "CRS of --bbox, as EPSG:4326")->default_str("the scene's");
  command.add_option("--assign-crs", arguments.assign_crs, "CRS of a scene that names none, or a wrong one")
      ->default_str("the file's");
}

}  // namespace plat::cli
