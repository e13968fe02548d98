// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_mask.hpp"

#include "pipeline/prompts/prompt_in_tile.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace plat {
namespace {

/// The probabilities whose logits are 1 and -1.
const float kHigh = 1 / (1 + std::exp(-1.0F));
const float kLow = 1 / (1 + std::exp(1.0F));
/// A part of the mask in a box counts when it has this share of the largest one: trees split a roof into a few large parts,
/// noise into many small ones.
constexpr double kSpeck = 0.1;

/// 4-connected parts of the pixels that are 1: 0 elsewhere, else 1..count in order of first pixel.
struct Components {
  Image<int32_t> ids;
  int32_t count = 0;
};

Components connected_components(const Image<int32_t>& labels) {
  Components out{Image<int32_t>(labels.width(), labels.height())};
  std::vector<std::pair<int64_t, int64_t>> open;
  const auto visit = [&](int64_t col, int64_t row) {
    if (col < 0 || row < 0 || col >= labels.width() || row >= labels.height()) return;
    if (labels.at(col, row) == 0 || out.ids.at(col, row) != 0) return;
    out.ids.at(col, row) = out.count;
    open.emplace_back(col, row);
  };
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      if (labels.at(col, row) == 0 || out.ids.at(col, row) != 0) continue;
      ++out.count;
      visit(col, row);
      while (!open.empty()) {
        const auto [c, r] = open.back();
        open.pop_back();
        visit(c + 1, r);
        visit(c - 1, r);
        visit(c, r + 1);
        visit(c, r - 1);
      }
    }
  }
  return out;
}

struct Part {
  int64_t pixels = 0;
  int64_t in_box = 0;
  bool pointed_at = false;
};

double stability_of(const Image<float>& probability) {
  int64_t inner = 0;
  int64_t outer = 0;
  for (const float p : probability.band(0)) {
    inner += p > kHigh ? 1 : 0;
    outer += p > kLow ? 1 : 0;
  }
  return outer == 0 ? 0 : static_cast<double>(inner) / static_cast<double>(outer);
}

std::vector<Part> measure(const Components& components, const Prompt& prompt) {
  const std::optional<BoxPrompt> frame = frame_of(prompt, components.ids.width(), components.ids.height());
  std::vector<Part> parts(static_cast<std::size_t>(components.count) + 1);
  const Image<int32_t>& ids = components.ids;
  for (int64_t row = 0; row < ids.height(); ++row) {
    const auto y = static_cast<double>(row);
    const bool row_in_box = frame && y >= frame->top && y <= frame->bottom;
    for (int64_t col = 0; col < ids.width(); ++col) {
      const int32_t id = ids.at(col, row);
      if (id == 0) continue;
      Part& part = parts[static_cast<std::size_t>(id)];
      ++part.pixels;
      const auto x = static_cast<double>(col);
      if (row_in_box && x >= frame->left && x <= frame->right) ++part.in_box;
    }
  }
  for (const PointPrompt& point : prompt.points) {
    if (!point.object) continue;
    const auto col = static_cast<int64_t>(std::llround(point.col));
    const auto row = static_cast<int64_t>(std::llround(point.row));
    if (col < 0 || row < 0 || col >= ids.width() || row >= ids.height()) continue;
    parts[static_cast<std::size_t>(ids.at(col, row))].pointed_at = true;
  }
  return parts;
}

/// Which parts stay, by number.
std::vector<bool> choose(const std::vector<Part>& parts) {
  std::vector<bool> kept(parts.size(), false);
  const auto mostly_in_box = [](const Part& part) { return 2 * part.in_box > part.pixels; };
  int64_t largest_in_box = 0;
  std::size_t largest = 1;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (mostly_in_box(parts[i])) largest_in_box = std::max(largest_in_box, parts[i].pixels);
    if (parts[i].pixels > parts[largest].pixels) largest = i;
  }
  bool any = false;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool large = static_cast<double>(parts[i].pixels) >= kSpeck * static_cast<double>(largest_in_box);
    kept[i] = parts[i].pointed_at || (mostly_in_box(parts[i]) && large);
    any = any || kept[i];
  }
  if (!any && parts.size() > 1) kept[largest] = true;
  return kept;
}

/// Fills holes of a few valid pixels in the object.
void fill_pinholes(Image<int32_t>& labels, const Image<uint8_t>& valid) {
  Image<int32_t> outside(labels.width(), labels.height());
  for (std::size_t i = 0; i < outside.size(); ++i) outside.data()[i] = labels.data()[i] == 0 ? 1 : 0;
  const Components holes = connected_components(outside);
  std::vector<int64_t> pixels(static_cast<std::size_t>(holes.count) + 1);
  std::vector<bool> keep(pixels.size(), false);
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      const auto id = static_cast<std::size_t>(holes.ids.at(col, row));
      ++pixels[id];
      const bool edge = col == 0 || row == 0 || col + 1 == labels.width() || row + 1 == labels.height();
      if (edge || valid.at(col, row) == 0) keep[id] = true;
    }
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto id = static_cast<std::size_t>(holes.ids.data()[i]);
    if (id != 0 && !keep[id] && pixels[id] <= kLargestFilledHole) labels.data()[i] = 1;
  }
}

}  // namespace

std::optional<PromptObject> object_of_mask(const PromptMask& mask, const Prompt& prompt, const Image<uint8_t>& valid,
                                           const Window& tile, const Window& scene) {
  const Image<float>& probability = mask.probability;
  Image<int32_t> labels(probability.width(), probability.height());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels.data()[i] = probability.data()[i] > 0.5F && valid.data()[i] != 0 ? 1 : 0;
  }
  const Components components = connected_components(labels);
  if (components.count == 0) return std::nullopt;
  const std::vector<bool> kept = choose(measure(components, prompt));
  Window box{labels.width(), labels.height(), 0, 0};
  int64_t last_col = -1;
  int64_t last_row = -1;
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      const bool inside = kept[static_cast<std::size_t>(components.ids.at(col, row))];
      labels.at(col, row) = inside ? 1 : 0;
      if (!inside) continue;
      box.col = std::min(box.col, col);
      box.row = std::min(box.row, row);
      last_col = std::max(last_col, col);
      last_row = std::max(last_row, row);
    }
  }
  box.width = last_col - box.col + 1;
  box.height = last_row - box.row + 1;

  PromptObject object;
  object.stability = stability_of(probability);
  object.cut = (box.col == 0 && tile.col > scene.col) || (box.row == 0 && tile.row > scene.row) ||
               (box.col_end() == labels.width() && tile.col_end() < scene.col_end()) ||
               (box.row_end() == labels.height() && tile.row_end() < scene.row_end());
  object.patch.window = {tile.col + box.col, tile.row + box.row, box.width, box.height};
  object.patch.labels = crop(labels, box);
  fill_pinholes(object.patch.labels, crop(valid, box));
  object.patch.count = 1;
  object.patch.score = {mask.iou};
  return object;
}

}  // namespace plat
