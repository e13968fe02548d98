// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace plat::cli {

/// What every command can see: the flags that mean the same for all of them.
struct Context {
  bool quiet = false;  ///< no log below errors, no progress
  int verbose = 0;     ///< 1: debug messages
  bool debug = false;  ///< errors are rethrown so that a debugger sees their origin
  std::string config;  ///< file of options, read before the arguments are parsed (cli/config_file.hpp)
  bool json = false;   ///< the summary on stdout is one JSON object
  /// What to do once the arguments are parsed; set by the chosen command.
  std::function<void()> action;
};

/// Each command declares its options on the program and sets `context.action` when it is chosen; one file a command.
void add_info(CLI::App& program, Context& context);
void add_extract(CLI::App& program, Context& context);
void add_change(CLI::App& program, Context& context);
void add_segment(CLI::App& program, Context& context);
void add_train(CLI::App& program, Context& context);
void add_publish(CLI::App& program, Context& context);
void add_evaluate(CLI::App& program, Context& context);
void add_demo(CLI::App& program, Context& context);
void add_models(CLI::App& program, Context& context);

/// Makes a subcommand with the flags that every command has (-q, -v, --debug).
CLI::App* add_command(CLI::App& program, Context& context, const std::string& name, const std::string& description);

}  // namespace plat::cli
