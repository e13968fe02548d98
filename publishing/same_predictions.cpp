// SPDX-License-Identifier: Apache-2.0
#include "publishing/same_predictions.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "model/files/model_folder.hpp"
#include "model/prompt_segmenter.hpp"
#include "model/segmenter.hpp"
#include "synthesis/demo.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

namespace plat {
namespace {

[[noreturn]] void differ(const std::string& before, const std::string& after, const std::string& what) {
  throw ModelError(after + ": " + what + " differs from that of " + before +
                   "; nothing was published. The copy is damaged, or the model changed meanwhile: try again");
}

/// Image's own comparison calls numbers equal that are not the same bits.
bool same_bits(const Image<float>& a, const Image<float>& b) {
  return a.width() == b.width() && a.height() == b.height() && a.bands() == b.bands() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void require_numbers(const Image<float>& image, const std::string& folder) {
  if (!std::all_of(image.data(), image.data() + image.size(), [](float v) { return std::isfinite(v); })) {
    throw ModelError(folder + ": its results are no numbers; the training went wrong or the weights are damaged");
  }
}

bool same_text(const ModelDescription& a, const ModelDescription& b) {
  const auto same_class = [](const ClassDescription& x, const ClassDescription& y) {
    const InstanceThresholds &s = x.thresholds, &t = y.thresholds;
    return x.name == y.name && x.squared == y.squared && s.extent == t.extent &&
           s.boundary_weight == t.boundary_weight && s.smoothing_px == t.smoothing_px &&
           s.seed_contrast == t.seed_contrast && s.min_score == t.min_score && s.min_area_m2 == t.min_area_m2 &&
           s.close_gap_px == t.close_gap_px;
  };
  return a.architecture == b.architecture && a.gsd_m == b.gsd_m && a.bands == b.bands && a.mean == b.mean &&
         a.deviation == b.deviation && a.tile_size == b.tile_size && a.overlap == b.overlap &&
         std::equal(a.classes.begin(), a.classes.end(), b.classes.begin(), b.classes.end(), same_class);
}

struct Results {
  std::optional<Image<float>> maps;
  std::vector<std::vector<PromptMask>> masks;
};

/// One network in memory at a time: they may be large.
Results results_of(const std::string& folder, const Image<float>& tile, bool has_classes) {
  Results results;
  if (has_classes) {
    results.maps = open_segmenter(folder, "cpu")->segment(tile);
    require_numbers(*results.maps, folder);
  }
  throw_if_cancelled();
  const auto side = static_cast<double>(tile.width());
  const std::vector<Prompt> prompts = {{.points = {{side / 2, side / 2, true}}, .box = std::nullopt},
                                       {.points = {}, .box = BoxPrompt{side / 4, side / 4, side * 3 / 4, side / 2}}};
  const auto segmenter = open_prompt_segmenter(folder, "cpu");
  results.masks = segmenter->embed(tile)->segment(prompts, true);
  for (const auto& masks : results.masks) {
    for (const PromptMask& mask : masks) require_numbers(mask.probability, folder);
  }
  throw_if_cancelled();
  return results;
}

}  // namespace

ComparedPredictions require_same_predictions(const std::string& before, const std::string& after) {
  const ModelDescription first = read_model_folder(before).description, second = read_model_folder(after).description;
  if (!same_text(first, second)) differ(before, after, kConfigFile + std::string(" or ") + kPreprocessorFile);
  const DemoOptions drawing;
  const Image<float> tile = draw_scene(first.tile_size, first.tile_size, drawing.seed, demo_style(drawing)).pixels;
  const bool has_classes = !first.classes.empty();
  const Results a = results_of(before, tile, has_classes), b = results_of(after, tile, has_classes);

  ComparedPredictions compared{.tile_size = first.tile_size};
  if (has_classes) {
    if (!same_bits(*a.maps, *b.maps)) differ(before, after, "a class map on a drawn tile");
    compared.class_maps = a.maps->bands();
  }
  for (std::size_t prompt = 0; prompt < a.masks.size(); ++prompt) {
    const auto same = [](const PromptMask& x, const PromptMask& y) {
      return x.iou == y.iou && same_bits(x.probability, y.probability);
    };
    if (!std::ranges::equal(a.masks[prompt], b.masks.at(prompt), same)) {
      differ(before, after, "the mask of a prompt on a drawn tile");
    }
    compared.prompt_masks += static_cast<int64_t>(a.masks[prompt].size());
  }
  return compared;
}

}  // namespace plat
