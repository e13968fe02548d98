// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_answers.hpp"

#include "core/cancel.hpp"
#include "pipeline/prompts/prompt_in_tile.hpp"
#include "pipeline/prompts/prompt_mask.hpp"
#include "pipeline/prompts/prompt_tile_choice.hpp"

#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

namespace plat {
namespace {

/// Prompts that are asked together; fixed, so that their masks do not depend on threads, and memory is bounded.
constexpr std::size_t kBatch = 16;

/// A prompt that waits for a tile.
struct Question {
  std::size_t prompt = 0;
  int level = 0;
  Bounds part;  ///< what the tile must show, in pixels of level 0
};

struct TileQuestions {
  int level = 0;
  Window tile;
  std::vector<Question> questions;
};

/// What became of a question.
struct Outcome {
  std::optional<PromptAnswer> answer;
  bool may_be_larger = false;  ///< the object goes on outside its tile
};

Bounds part_of(const ScenePrompt& prompt) {
  Bounds part;
  for (const MapPoint& point : prompt.points) {
    if (point.object) part.add(point.place);
  }
  if (prompt.box) part.add(*prompt.box);
  if (!prompt.mask.empty()) part.add(bounds(prompt.mask));
  return part;
}

Bounds scaled(const Bounds& bounds, double factor) {
  return {bounds.min_x * factor, bounds.min_y * factor, bounds.max_x * factor, bounds.max_y * factor};
}

/// Sorts questions into tiles: by level, row and column, each tile's in the order of prompts.
std::vector<TileQuestions> sort_into_tiles(PromptScene& scene, const std::vector<Question>& questions,
                                           int64_t tile_size) {
  std::map<std::tuple<int, int64_t, int64_t>, TileQuestions> tiles;
  for (Question question : questions) {
    for (;; ++question.level) {
      scene.open_level(question.level);
      const Grid& grid = scene.grid(question.level);
      const Bounds part = scaled(question.part, std::ldexp(1, -question.level));
      const std::optional<Window> tile = choose_prompt_tile(grid.width, grid.height, tile_size, part);
      if (!tile) continue;
      TileQuestions& there = tiles[{question.level, tile->row, tile->col}];
      there.level = question.level;
      there.tile = *tile;
      there.questions.push_back(question);
      break;
    }
  }
  std::vector<TileQuestions> sorted;
  for (auto& [place, tile] : tiles) sorted.push_back(std::move(tile));
  return sorted;
}

PromptAnswer failed(std::string reason, ExitCode code = ExitCode::Data) {
  PromptAnswer answer;
  answer.failure = {std::move(reason), code};
  return answer;
}

class AnswerRun {
 public:
  AnswerRun(PromptScene& scene, std::span<const ScenePrompt> prompts, const PromptSegmenter& model,
            const AnswerOptions& options, AnswerCounts& counts)
      : scene_(scene), prompts_(prompts), model_(model), options_(options), counts_(counts), answers_(prompts.size()) {}

  std::vector<PromptAnswer> run() {
    std::vector<Question> questions;
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      if (prompts_[i].failure) {
        answers_[i].failure = prompts_[i].failure;
      } else {
        questions.push_back({i, 0, part_of(prompts_[i])});
      }
    }
    waiting_ = questions.size();
    while (!questions.empty()) questions = ask(questions);
    return std::move(answers_);
  }

 private:
  /// Asks all questions once; returns those that are to be asked again.
  std::vector<Question> ask(const std::vector<Question>& questions) {
    const std::vector<TileQuestions> tiles = sort_into_tiles(scene_, questions, model_.description().tile_size);
    for (const TileQuestions& tile : tiles) prepare_builder(tile.level);
    std::vector<std::vector<Outcome>> outcomes(tiles.size());
    tbb::task_arena arena(options_.threads);
    arena.execute([&] {
      tbb::parallel_for(
          std::size_t{0}, tiles.size(),
          [&](std::size_t i) {
            outcomes[i] = ask_tile(tiles[i]);
            report_done(outcomes[i]);
          },
          tbb::simple_partitioner());
    });
    std::vector<Question> again;
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      for (std::size_t q = 0; q < outcomes[t].size(); ++q) {
        settle(tiles[t].questions[q], tiles[t].level, std::move(outcomes[t][q]), again);
      }
    }
    std::ranges::sort(again, {}, &Question::prompt);
    return again;
  }

  void prepare_builder(int level) {
    const auto index = static_cast<std::size_t>(level);
    if (builders_.size() <= index) builders_.resize(index + 1);
    if (builders_[index]) return;
    ObjectBuilderOptions shape = options_.shape;
    shape.simplify_m = options_.simplify_m.value_or(kSimplifyPixels * scene_.gsd_m(level));
    shape.regularize_m = options_.regularize_m.value_or(kRegularizePixels * scene_.gsd_m(level));
    shape.assumed_gsd_m = scene_.assumed_gsd_m(level);
    builders_[index] = std::make_unique<ObjectBuilder>(scene_.grid(level), shape);
  }

  std::vector<Outcome> ask_tile(const TileQuestions& tile) {
    constexpr int kTries = 2;
    for (int tries_left = kTries - 1;; --tries_left) {
      throw_if_cancelled();
      try {
        return ask_embedded(tile);
      } catch (const Cancelled&) {
        throw;
      } catch (const UsageError&) {
        throw;
      } catch (const ModelError&) {
        throw;
      } catch (const std::exception& error) {
        if (tries_left > 0) continue;
        const auto* known = dynamic_cast<const Error*>(&error);
        return std::vector<Outcome>(
            tile.questions.size(),
            {failed(std::string("failed: ") + error.what(), known != nullptr ? known->code() : ExitCode::Unexpected),
             false});
      }
    }
  }

  std::vector<Outcome> ask_embedded(const TileQuestions& tile) {
    const EmbeddedTile embedded = scene_.embed(tile.level, tile.tile);
    {
      const std::lock_guard lock(mutex_);
      ++counts_.tiles;
      if (embedded.from_cache) ++counts_.cached;
      if (embedded.tile && !embedded.from_cache) ++counts_.embedded;
    }
    std::vector<Outcome> outcomes(tile.questions.size());
    std::vector<Prompt> prompts;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < tile.questions.size(); ++i) {
      Prompt prompt = prompt_in_tile(prompts_[tile.questions[i].prompt], tile.level, tile.tile);
      if (prompt.points.empty() && !prompt.box && prompt.mask.empty()) {
        outcomes[i].answer = failed("has an outline that no pixel lies in");
        continue;
      }
      if (!embedded.tile || !on_data(prompt, embedded.valid)) {
        outcomes[i].answer = failed("lies on nodata");
        continue;
      }
      prompts.push_back(std::move(prompt));
      asked.push_back(i);
    }
    const std::size_t batches = (prompts.size() + kBatch - 1) / kBatch;
    // Isolated: a thread that waits here must not take up another tile, whose memory nobody has counted.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(
          std::size_t{0}, batches,
          [&](std::size_t b) {
            throw_if_cancelled();
            const std::size_t first = b * kBatch;
            const auto batch = std::span(prompts).subspan(first, std::min(kBatch, prompts.size() - first));
            const auto masks = embedded.tile->segment(batch, /*alternatives=*/false);
            for (std::size_t i = 0; i < batch.size(); ++i) {
              outcomes[asked[first + i]] = outcome_of(masks[i].front(), batch[i], embedded.valid, tile);
            }
          },
          tbb::simple_partitioner());
    });
    return outcomes;
  }

  Outcome outcome_of(const PromptMask& mask, const Prompt& prompt, const Image<uint8_t>& valid,
                     const TileQuestions& tile) const {
    std::optional<PromptObject> found =
        object_of_mask(mask, prompt, valid, tile.tile, scene_.grid(tile.level).window());
    if (!found) return {failed("the model found nothing there"), false};
    const ObjectBuilder& builder = *builders_[static_cast<std::size_t>(tile.level)];
    std::vector<ExtractedObject> objects = builder.build(std::span(&found->patch, 1));
    if (objects.empty()) return {failed("what the model found there is smaller than the least area"), false};
    PromptAnswer answer;
    answer.object = std::move(objects.front());
    const double scale = std::ldexp(1, tile.level);
    for (Polygon& part : answer.object.pixel) {
      for (Point& p : part.exterior) p = {p.x * scale, p.y * scale};
      for (Ring& hole : part.holes) {
        for (Point& p : hole) p = {p.x * scale, p.y * scale};
      }
    }
    answer.stability = found->stability;
    answer.level = tile.level;
    answer.cut = found->cut;
    return {std::move(answer), found->cut};
  }

  /// Takes an outcome as the prompt's answer, and asks for a wider view of what goes on outside its tile. What a wider view
  /// does not find stays as it was.
  void settle(const Question& question, int level, Outcome outcome, std::vector<Question>& again) {
    PromptAnswer& answer = answers_[question.prompt];
    const bool had_answer = !answer.failure && !answer.object.pixel.empty();
    if (outcome.answer->failure && had_answer) return;
    answer = std::move(*outcome.answer);
    if (!outcome.may_be_larger) return;
    Bounds part = question.part;
    part.add(bounds(answer.object.pixel));
    again.push_back({question.prompt, level + 1, part});
  }

  void report_done(const std::vector<Outcome>& outcomes) {
    const std::lock_guard lock(mutex_);
    done_ += static_cast<std::size_t>(
        std::ranges::count_if(outcomes, [](const Outcome& outcome) { return !outcome.may_be_larger; }));
    report(options_.progress, static_cast<double>(done_) / static_cast<double>(waiting_));
  }

  PromptScene& scene_;
  std::span<const ScenePrompt> prompts_;
  const PromptSegmenter& model_;
  const AnswerOptions& options_;
  AnswerCounts& counts_;
  std::vector<PromptAnswer> answers_;
  std::vector<std::unique_ptr<ObjectBuilder>> builders_;
  std::mutex mutex_;
  std::size_t waiting_ = 0;
  std::size_t done_ = 0;
};

}  // namespace

std::vector<PromptAnswer> answer_prompts(PromptScene& scene, std::span<const ScenePrompt> prompts,
                                         const PromptSegmenter& model, const AnswerOptions& options,
                                         AnswerCounts& counts) {
  return AnswerRun(scene, prompts, model, options, counts).run();
}

AnswerCounts count_tiles(PromptScene& scene, std::span<const ScenePrompt> prompts, const PromptSegmenter& model) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (!prompts[i].failure) questions.push_back({i, 0, part_of(prompts[i])});
  }
  AnswerCounts counts;
  for (const TileQuestions& tile : sort_into_tiles(scene, questions, model.description().tile_size)) {
    ++counts.tiles;
    if (scene.is_cached(tile.level, tile.tile)) ++counts.cached;
  }
  return counts;
}

}  // namespace plat
