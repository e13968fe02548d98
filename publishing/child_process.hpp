// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace plat {

/// A program to run and what it is told.
struct Command {
  std::vector<std::string> arguments;                 ///< the program first, by path or by its name on PATH
  std::string folder = {};                            ///< where it runs; empty: here
  std::map<std::string, std::string> variables = {};  ///< environment variables beside this program's own
  std::vector<std::string> secrets = {};              ///< texts that are shown as *** where the program says them
  bool quiet = false;                                 ///< what the program says is only kept, not passed on to stderr
};

/// How a program ended.
struct CommandResult {
  int code = 0;      ///< its exit code; 128 + the signal where one ended it; 127 where it could not be run
  std::string said;  ///< the last of what it wrote to stdout and stderr, without secrets
};

/// Whether a program of this name lies on PATH.
bool has_program(const std::string& name);
/// Runs a program without standard input and waits for its end; what it says goes to stderr line by line. Throws IoError
/// where no process can be made; Cancelled after it has passed an interruption on.
CommandResult run_command(const Command& command);

/// The arguments as one line for a shell.
std::string shell_line(const std::vector<std::string>& arguments);

}  // namespace plat
