// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/measure_model.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "model/segmenter.hpp"
#include "pipeline/evaluation/evaluate.hpp"
#include "pipeline/extract.hpp"

#include <memory>

namespace plat {

MeasuredModel measure_model(const std::string& model, const std::vector<KeptOutFiles>& ground,
                            const MeasureOptions& options) {
  MeasuredModel sum;
  ExtractOptions extraction;
  const std::unique_ptr<Segmenter> segmenter = open_segmenter(model, options.device, extraction.precision);
  extraction.raster = options.raster;
  extraction.overwrite = true;
  extraction.threads = options.threads;
  extraction.ram_bytes = options.ram_bytes > 0 ? options.ram_bytes : total_memory();
  // One image of thousands is not worth a line.
  extraction.quiet = true;
  for (const KeptOutFiles& files : ground) {
    extraction.raster.gsd_m = files.georeferenced ? std::nullopt : options.image_gsd_m;
    try {
      extract(files.image, files.found, extraction, *segmenter);
    } catch (const PartialExtractError& error) {
      log_warning(error.what());
    }
    EvaluateOptions rating;
    rating.compare.rounds = 0;
    rating.scene = files.image;
    rating.area = files.area;
    if (files.own_labels) rating.truth_layer = options.truth_layer;
    const Comparison comparison = evaluate(files.found, files.labels, rating).comparison;
    sum.pixels += comparison.pixels;
    sum.objects += comparison.objects;
  }
  return sum;
}

}  // namespace plat
