// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>

namespace plat::cli {

CLI::App* add_command(CLI::App& program, Context& context, const std::string& name, const std::string& description) {
  CLI::App* command = program.add_subcommand(name, description);
  command->add_flag("-q,--quiet", context.quiet, "Only errors on stderr");
  command->add_flag("-v,--verbose", context.verbose, "More messages on stderr");
  command->add_flag("--debug", context.debug, "Let errors end the program at their origin (for debuggers)");
  command->add_option("--config", context.config, "JSON, TOML or INI file of these options; those given by hand win");
  return command;
}

}  // namespace plat::cli
