// SPDX-License-Identifier: Apache-2.0
// real_tiles_check FOLDER: imports FOLDER/sam.pth, asks it what FOLDER/reference.safetensors asked of the reference, and
// compares masks and scores.
#include "core/memory.hpp"
#include "model/files/safetensors.hpp"
#include "model/import/import_model.hpp"
#include "model/prompt_segmenter.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

namespace {

constexpr double kLeastIou = 0.999;
constexpr double kMostScore = 1e-3;

/// A tensor of the reference, as numbers in a row.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<float> values;
  bool there() const { return !shape.empty(); }
  /// The part with this first index.
  const float* at(int64_t i) const { return values.data() + i * static_cast<int64_t>(values.size()) / shape[0]; }
};

Numbers read(const plat::SafetensorsFile& file, const std::string& name) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) return {};
  if (found->second.type != plat::TensorType::Int64) return {found->second.shape, plat::float_values(found->second)};
  Numbers numbers{found->second.shape, {}};
  const auto* whole = reinterpret_cast<const int64_t*>(found->second.bytes.data());
  for (std::size_t i = 0; i < found->second.bytes.size() / sizeof(int64_t); ++i) {
    numbers.values.push_back(static_cast<float>(whole[i]));
  }
  return numbers;
}

/// Bilinear, as both sides enlarge masks: positions are those of pixel centres.
float enlarged(const float* logits, int64_t side, int64_t col, int64_t row) {
  const auto place = [&](int64_t pixel, int64_t& low, int64_t& high) {
    const double x = std::max(0.0, (static_cast<double>(pixel) + 0.5) / 4 - 0.5);
    low = static_cast<int64_t>(x);
    high = std::min(low + 1, side - 1);
    return static_cast<float>(x - static_cast<double>(low));
  };
  int64_t left = 0, right = 0, top = 0, bottom = 0;
  const float x = place(col, left, right), y = place(row, top, bottom);
  const float upper = logits[top * side + left] * (1 - x) + logits[top * side + right] * x;
  const float lower = logits[bottom * side + left] * (1 - x) + logits[bottom * side + right] * x;
  return upper * (1 - y) + lower * y;
}

struct Agreement {
  double worst_iou = 1, mean_iou = 0, worst_score = 0, mean_share = 0;
  int64_t masks = 0;
};

void compare(const plat::PromptMask& ours, const float* logits, int64_t side, float score, Agreement& agreement) {
  int64_t common = 0, either = 0;
  for (int64_t r = 0; r < ours.probability.height(); ++r) {
    for (int64_t c = 0; c < ours.probability.width(); ++c) {
      const bool a = ours.probability.at(c, r) > 0.5F, b = enlarged(logits, side, c, r) > 0;
      common += a && b ? 1 : 0;
      either += a || b ? 1 : 0;
    }
  }
  const double iou = either == 0 ? 1 : static_cast<double>(common) / static_cast<double>(either);
  agreement.worst_iou = std::min(agreement.worst_iou, iou);
  agreement.mean_iou += iou;
  agreement.mean_share += static_cast<double>(either) / static_cast<double>(ours.probability.size());
  agreement.worst_score = std::max(agreement.worst_score, std::abs(ours.iou - static_cast<double>(score)));
  ++agreement.masks;
}

/// The reference's masks in the order that PromptTile::segment gives them in.
std::vector<int64_t> order_of(const float* scores, int64_t count, bool one_point) {
  std::vector<int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin() + 1, order.end(), [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  if (one_point) std::rotate(order.begin(), order.begin() + 1, order.end());
  return order;
}

bool compare_kind(const plat::SafetensorsFile& file, const std::string& kind, const plat::PromptTile& tile) {
  const Numbers points = read(file, kind + ".points"), labels = read(file, kind + ".labels");
  const Numbers boxes = read(file, kind + ".boxes"), masks = read(file, kind + ".masks");
  const Numbers logits = read(file, kind + ".logits"), scores = read(file, kind + ".iou");
  const int64_t count = logits.shape.at(0), alternatives = logits.shape.at(1), side = logits.shape.at(2);
  std::vector<plat::Prompt> prompts;
  for (int64_t i = 0; i < count; ++i) {
    plat::Prompt& prompt = prompts.emplace_back();
    for (int64_t n = 0; points.there() && n < points.shape[1]; ++n) {
      prompt.points.push_back({points.at(i)[2 * n], points.at(i)[2 * n + 1], labels.at(i)[n] == 1});
    }
    if (boxes.there()) prompt.box = plat::BoxPrompt{boxes.at(i)[0], boxes.at(i)[1], boxes.at(i)[2], boxes.at(i)[3]};
    if (!masks.there()) continue;
    prompt.mask = plat::Image<float>(masks.shape[2], masks.shape[1]);
    std::copy_n(masks.at(i), prompt.mask.size(), prompt.mask.data());
  }
  const bool one_point = points.there() && points.shape[1] == 1 && !boxes.there() && !masks.there();
  const auto answers = tile.segment(prompts, /*alternatives=*/true);
  Agreement agreement;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<int64_t> order = order_of(scores.at(i), alternatives, one_point);
    for (std::size_t m = 0; m < order.size(); ++m) {
      compare(answers[static_cast<std::size_t>(i)].at(m), logits.at(i) + order[m] * side * side, side,
              scores.at(i)[order[m]], agreement);
    }
  }
  const auto all = static_cast<double>(agreement.masks);
  const bool good = agreement.worst_iou >= kLeastIou && agreement.worst_score <= kMostScore;
  std::printf("%-16s%3lld masks of %4.1f %% of the tile, IoU %.5f at least, %.6f on average, scores within %.1e%s\n",
              kind.c_str(), static_cast<long long>(agreement.masks), 100 * agreement.mean_share / all,
              agreement.worst_iou, agreement.mean_iou / all, agreement.worst_score, good ? "" : "  TOO FAR");
  return good;
}

int run(const std::string& folder) {
  plat::import_model(folder + "/sam.pth", folder + "/model");
  const auto model = plat::open_prompt_segmenter(folder + "/model", "cpu");
  const plat::SafetensorsFile file(folder + "/reference.safetensors");
  const Numbers image = read(file, "image");
  plat::Image<float> pixels(image.shape.at(2), image.shape.at(1), image.shape.at(0));
  std::copy(image.values.begin(), image.values.end(), pixels.data());
  const auto start = std::chrono::steady_clock::now();
  const auto tile = model->embed(pixels);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("plat's encoder %.1f s on one thread\n", seconds.count());
  bool good = true;
  for (const auto& [name, tensor] : file.tensors()) {
    if (!name.ends_with(".logits")) continue;
    good = compare_kind(file, name.substr(0, name.size() - std::string(".logits").size()), *tile) && good;
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: real_tiles_check FOLDER\n");
    return 2;
  }
  plat::keep_freed_pages();
  try {
    return run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
