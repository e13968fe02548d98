// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/train_options.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace plat::cli {

/// What is parsed as text first.
struct TrainMethodTexts {
  std::string targets = "q,v";
};

/// Adds train's options of what learns and what it may cost. `texts` and `options` must outlive the command.
void add_method_options(CLI::App& command, TrainOptions& options, TrainMethodTexts& texts);
/// Adds train's options against forgetting.
void add_forgetting_options(CLI::App& command, ForgettingOptions& options);
/// Takes over what the texts say, after parsing.
void apply(const TrainMethodTexts& texts, TrainOptions& options);

}  // namespace plat::cli
