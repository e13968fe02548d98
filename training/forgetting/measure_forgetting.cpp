// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/measure_forgetting.hpp"

#include "core/cancel.hpp"
#include "model/files/model_folder.hpp"
#include "model/prompt_segmenter.hpp"
#include "training/forgetting/retained_objects.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace plat {
namespace {

constexpr std::size_t kWays = kPromptWays.size();
using Ious = std::array<double, kWays>;

/// IoU of a mask with an object in the window that both models see. The mask's pixel (0, 0) is the tile's (`at`, `at`).
double iou(const Image<float>& mask, int64_t at, const RetainedTile& tile, int32_t label) {
  int64_t both = 0, either = 0;
  for (int64_t row = tile.margin(); row < tile.margin() + tile.inner; ++row) {
    for (int64_t col = tile.margin(); col < tile.margin() + tile.inner; ++col) {
      const bool found = mask.at(col - at, row - at) > 0.5F, truth = tile.labels.at(col, row) == label;
      both += found && truth ? 1 : 0;
      either += found || truth ? 1 : 0;
    }
  }
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

Prompt moved(Prompt prompt, double by) {
  for (PointPrompt& point : prompt.points) {
    point.col -= by;
    point.row -= by;
  }
  if (prompt.box)
    prompt.box = {prompt.box->left - by, prompt.box->top - by, prompt.box->right - by, prompt.box->bottom - by};
  return prompt;
}

/// What a model makes of a tile's objects.
std::vector<Ious> ask(const PromptSegmenter& model, const RetainedTile& tile) {
  const int64_t size = model.description().tile_size, at = (tile.labels.width() - size) / 2;
  Image<float> pixels(size, size, 3);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t row = 0; row < size; ++row) {
      for (int64_t col = 0; col < size; ++col)
        pixels.at(col, row, b) = static_cast<float>(tile.pixels.at(col + at, row + at, b));
    }
  }
  const auto embedded = model.embed(pixels);
  std::vector<Ious> ious;
  for (const RetainedObject& object : tile.objects) {
    throw_if_cancelled();
    Ious& of_object = ious.emplace_back();
    for (std::size_t way = 0; way < kWays; ++way) {
      const Prompt prompt = moved(object.prompts[way], static_cast<double>(at));
      const auto masks = embedded->segment(std::span(&prompt, 1), false);
      of_object[way] = iou(masks.front().front().probability, at, tile, object.label);
    }
  }
  return ious;
}

/// One list a tile.
std::vector<std::vector<Ious>> ask(const std::string& folder, const std::vector<RetainedTile>& tiles, int threads) {
  const auto model = open_prompt_segmenter(folder, "cpu");
  std::vector<std::vector<Ious>> ious(tiles.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex lock;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < tiles.size(); i = next++) ious[i] = ask(*model, tiles[i]);
    } catch (...) {
      next = tiles.size();
      const std::lock_guard guard(lock);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < std::min(threads, static_cast<int>(tiles.size())); ++i) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  return ious;
}

/// Sums of one tile.
struct TileSums {
  std::array<MeanBlock, kWays> base, model, change;
  bool empty() const { return base[0].count == 0; }
  void add(const Ious& before, const Ious& after) {
    for (std::size_t way = 0; way < kWays; ++way) {
      base[way] += {before[way], 1};
      model[way] += {after[way], 1};
      change[way] += {after[way] - before[way], 1};
    }
  }
};

std::array<RetainedScore, kWays> scores_of(const std::vector<TileSums>& tiles) {
  std::array<RetainedScore, kWays> scores;
  for (std::size_t way = 0; way < kWays; ++way) {
    const auto take = [&](std::array<MeanBlock, kWays> TileSums::*part, double& mean,
                          std::optional<Interval>& interval) {
      std::vector<MeanBlock> blocks;
      MeanBlock sum;
      for (const TileSums& tile : tiles) {
        if (tile.empty()) continue;
        blocks.push_back((tile.*part)[way]);
        sum += blocks.back();
      }
      mean = sum.mean();
      interval = bootstrap_interval(blocks);
    };
    RetainedScore& score = scores[way];
    take(&TileSums::base, score.base, score.base_interval);
    take(&TileSums::model, score.model, score.model_interval);
    take(&TileSums::change, score.change, score.change_interval);
  }
  return scores;
}

/// The sides of tiles: the larger of the models' and the smaller.
std::pair<int64_t, int64_t> sides(const TrainOptions& options, int64_t tile_size) {
  const int64_t base = read_model_folder(options.init).description.tile_size;
  // Both have the same middle where their difference is even.
  const auto [inner, outer] = std::minmax(base, tile_size);
  return {outer, inner};
}

}  // namespace

bool measures_forgetting(const TrainOptions& options) {
  return !options.init.empty() && options.forgetting.retain_objects > 0;
}

void check_retained_data(const TrainOptions& options, int64_t tile_size) {
  if (!measures_forgetting(options) || options.forgetting.retain.empty()) return;
  const auto [outer, inner] = sides(options, tile_size);
  retained_tiles(options, outer, inner);
}

ForgettingReport measure_forgetting(const TrainOptions& options, const std::string& model, int threads) {
  const auto start = std::chrono::steady_clock::now();
  const auto [outer, inner] = sides(options, read_model_folder(model).description.tile_size);
  const RetainedTiles retained = retained_tiles(options, outer, inner);
  const auto before = ask(options.init, retained.tiles, threads), after = ask(model, retained.tiles, threads);
  std::vector<TileSums> all(retained.tiles.size());
  std::map<std::string, std::vector<TileSums>> by_kind;
  std::map<std::string, int64_t> counts;
  ForgettingReport report;
  for (std::size_t t = 0; t < retained.tiles.size(); ++t) {
    const auto& objects = retained.tiles[t].objects;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      all[t].add(before[t][i], after[t][i]);
      auto& tiles = by_kind[objects[i].kind];
      tiles.resize(retained.tiles.size());
      tiles[t].add(before[t][i], after[t][i]);
      ++counts[objects[i].kind];
      ++report.objects;
    }
  }
  report.data = retained.data;
  report.tiles = static_cast<int64_t>(retained.tiles.size());
  report.all = scores_of(all);
  for (const auto& [kind, tiles] : by_kind) report.kinds.push_back({kind, counts[kind], scores_of(tiles)});
  for (std::size_t way = 0; way < kWays; ++way) {
    double sum = 0;
    for (const RetainedKind& kind : report.kinds) sum += kind.scores[way].change;
    const double mean = report.kinds.empty() ? 0 : sum / static_cast<double>(report.kinds.size());
    report.backward_transfer[way] = mean;
    report.average_forgetting[way] = -mean;
  }
  report.base_is_kept = !options.method.is_full();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace plat
