// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/everything.hpp"

#include <string>

namespace CLI {
class App;
}

namespace plat::cli {

struct Context;

/// The options of segment --everything that its other uses do not have.
struct EverythingArguments {
  bool everything = false;
  EverythingOptions options;
};

/// Declares --everything and the options that go with it alone.
void add_everything_arguments(CLI::App& command, EverythingArguments& arguments);

/// Runs with options that are complete, and prints the summary.
void run_everything_command(const std::string& scene, const std::string& output, const EverythingOptions& options,
                            const Context& context);

}  // namespace plat::cli
