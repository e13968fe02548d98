// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/bootstrap.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// The ways in which objects are asked for.
inline constexpr std::array<const char*, 3> kPromptWays = {"point", "three points", "box"};

/// The mean IoU of prompted masks before and after training, on the same objects by the same prompts.
struct RetainedScore {
  double base = 0;
  double model = 0;
  double change = 0;  ///< model - base
  // 95 % by bootstrap over tiles; unset for fewer than 8 tiles.
  std::optional<Interval> base_interval;
  std::optional<Interval> model_interval;
  std::optional<Interval> change_interval;
};

/// Objects of one kind that training did not show.
struct RetainedKind {
  std::string kind;
  int64_t objects = 0;
  std::array<RetainedScore, kPromptWays.size()> scores;  ///< by kPromptWays
};

/// What a model can still do of what its base could. With i = 1..K kinds and the IoU R of base and model on them:
/// backward transfer = mean of R_model,i - R_base,i (Lopez-Paz and Ranzato 2017, "Gradient episodic memory for continual
/// learning", equation 3), and average forgetting = mean over kinds of the best R so far less the R now (Chaudhry et al.
/// 2018, "Riemannian walk for incremental learning", section 3), where the best so far is the base's: with one stage of
/// training behind the model it is the negative of the first.
struct ForgettingReport {
  std::string data;  ///< what the objects are of, for people
  int64_t objects = 0;
  int64_t tiles = 0;
  double seconds = 0;                                 ///< that measuring took
  std::array<RetainedScore, kPromptWays.size()> all;  ///< over all objects
  std::vector<RetainedKind> kinds;
  std::array<double, kPromptWays.size()> backward_transfer{};
  std::array<double, kPromptWays.size()> average_forgetting{};
  /// Whether the run leaves an adapter: without it (`plat segment --no-adapter`) the base answers prompts bit for bit.
  bool base_is_kept = false;
};

/// The report for people: a line for each way of asking, then what it is about.
std::vector<std::string> lines_of(const ForgettingReport& report);
/// The same for programs, complete: JSON.
std::string to_json(const ForgettingReport& report);
/// The same as a table in Markdown with what it means, for the model card.
std::string to_markdown(const ForgettingReport& report);

}  // namespace plat
