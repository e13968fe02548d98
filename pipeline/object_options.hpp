// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How a model's classes become polygons, where the model's own choice is not wanted.
struct ObjectOptions {
  std::vector<std::string> classes;   ///< names of the classes wanted; empty: all of the model's
  std::optional<int64_t> tile_size;   ///< pixels at the model's resolution, > 0; unset: the model's
  std::optional<int64_t> overlap;     ///< pixels, 0 <= overlap < tile_size; unset: the model's
  std::optional<double> threshold;    ///< extent probability in (0, 1); unset: the model's
  std::optional<double> min_area_m2;  ///< >= 0; unset: the model's
  std::optional<double> min_score;    ///< in [0, 1]; unset: the model's
  std::optional<double> close_gap_m;  ///< objects no farther apart come to share a line, >= 0; unset: the model's
  std::optional<bool> regularize;     ///< square the outlines, or only simplify them; unset: as the model's class says
  std::optional<double>
      regularize_m;                  ///< how far squaring may move an edge, metres on the ground, > 0; unset: 2 pixels
  std::optional<double> simplify_m;  ///< the same for simplifying, >= 0; unset: 1.25 pixels; 0 keeps pixel edges
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

}  // namespace plat
