// SPDX-License-Identifier: Apache-2.0
#include "model/prompt_segmenter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace plat {

std::vector<PointMask> PromptTile::segment_points(std::span<const PointPrompt> points, double min_iou) const {
  std::vector<Prompt> prompts;
  for (const PointPrompt& point : points) prompts.push_back({{point}, {}});
  std::vector<std::vector<PromptMask>> answers = segment(prompts, true);
  std::vector<PointMask> masks;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    // Of several, the last is the one that prompts with one meaning get.
    if (answers[i].size() > 1) answers[i].pop_back();
    for (PromptMask& answer : answers[i]) {
      if (!(answer.iou > min_iou)) continue;
      Image<float> logits = std::move(answer.probability);
      std::transform(logits.data(), logits.data() + logits.size(), logits.data(), [](float p) {
        const float inside = std::clamp(p, 1e-7F, 1 - 1e-7F);
        return std::log(inside / (1 - inside));
      });
      masks.push_back({i, answer.iou, std::move(logits)});
    }
  }
  return masks;
}

}  // namespace plat
