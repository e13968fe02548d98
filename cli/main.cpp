// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/config_file.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/gdal_session.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace {

void on_signal(int number) {
  // The same signal again ends the program at once.
  std::signal(number, SIG_DFL);
  plat::request_cancel();
}

void take_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  // nohup has told the program to outlive its terminal.
  if (std::signal(SIGHUP, on_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
  // Who reads stdout or stderr may go away: the run ends well all the same, and says what it could not print.
  std::signal(SIGPIPE, SIG_IGN);
}

/// A stream that the caller closed gives its number to the next file that is opened, an output perhaps, which would then
/// hold what is printed. In its place stands one that refuses all writing.
void keep_stream_numbers() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is given out, and those below are taken by now.
    [[maybe_unused]] const int same = open("/dev/null", O_RDONLY);
  }
}

/// Whether all that was printed has reached stdout; says so where it has not.
bool stdout_is_written() {
  errno = 0;
  std::cout.flush();
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (failed) {
    const std::string reason = errno != 0 ? std::string(" (") + std::strerror(errno) + ")" : std::string();
    plat::log_error("stdout: what was to be printed cannot be written" + reason +
                    "; check the disk or the program that reads it");
  }
  return !failed;
}

/// What to do where memory ran out, from the options that the chosen command has.
std::string memory_advice(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  std::vector<std::string> smaller;
  for (const char* name : {"--ram", "--tile-size", "--batch", "--crop", "--threads"}) {
    if (command->get_option_no_throw(name) != nullptr) smaller.emplace_back(name);
  }
  std::string advice;
  if (!smaller.empty()) advice += "pass a smaller " + plat::some_of(smaller, smaller.size()) + ", ";
  if (command->get_option_no_throw("--bbox") != nullptr) advice += "name a part of the scene with --bbox, ";
  return advice + (advice.empty() ? "" : "or ") + "end other programs or take a machine with more memory";
}

int run_action(plat::cli::Context& context, const CLI::App& program) {
  if (context.quiet) plat::set_log_level(plat::LogLevel::Error);
  if (context.verbose > 0) plat::set_log_level(plat::LogLevel::Debug);
  if (context.debug) {
    context.action();
    return static_cast<int>(plat::ExitCode::Ok);
  }
  try {
    context.action();
    return static_cast<int>(plat::ExitCode::Ok);
  } catch (const plat::Error& error) {
    plat::log_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    plat::log_error("out of memory: the run needs more than this process may have; " + memory_advice(program));
    return static_cast<int>(plat::ExitCode::Unexpected);
  } catch (const std::exception& error) {
    plat::log_error(std::string("unexpected: ") + error.what());
    return static_cast<int>(plat::ExitCode::Unexpected);
  }
}

int run(plat::cli::Context& context, const CLI::App& program) {
  const int code = run_action(context, program);
  const bool written = stdout_is_written();
  return code == static_cast<int>(plat::ExitCode::Ok) && !written ? static_cast<int>(plat::ExitCode::Io) : code;
}

/// CLI11 would only say that a subcommand is required.
void check_verb(const CLI::App& program, const std::string& verb) {
  if (verb.starts_with("-")) return;
  std::vector<std::string> known;
  for (const CLI::App* command : program.get_subcommands({})) known.push_back(command->get_name());
  if (std::find(known.begin(), known.end(), verb) != known.end()) return;
  throw plat::UsageError("unknown verb '" + verb + "'; the verbs are " + plat::join(known, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  keep_stream_numbers();
  take_signals();
  plat::keep_freed_pages();
  const plat::GdalSession gdal;

  plat::cli::Context context;
  CLI::App program("Maps from imagery: building footprints, fields and changes as georeferenced polygons.", "plat");
  program.set_version_flag("--version", "plat " PLAT_VERSION);
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  plat::cli::add_info(program, context);
  plat::cli::add_extract(program, context);
  plat::cli::add_change(program, context);
  plat::cli::add_segment(program, context);
#ifdef PLAT_WITH_TORCH
  plat::cli::add_train(program, context);
  plat::cli::add_publish(program, context);
#endif
  plat::cli::add_evaluate(program, context);
  plat::cli::add_demo(program, context);
  plat::cli::add_models(program, context);
  try {
    if (argc == 1) {
      std::fputs(program.help().c_str(), stderr);
      return static_cast<int>(plat::ExitCode::Usage);
    }
    std::vector<std::string> arguments = plat::cli::expand_config(program, {argv + 1, argv + argc});
    check_verb(program, arguments.front());
    // CLI11 takes them from the back.
    std::reverse(arguments.begin(), arguments.end());
    program.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (program.exit(error) != 0) return static_cast<int>(plat::ExitCode::Usage);
    return static_cast<int>(stdout_is_written() ? plat::ExitCode::Ok : plat::ExitCode::Io);
  } catch (const plat::Error& error) {
    plat::log_error(error.what());
    return static_cast<int>(error.code());
  }
  return run(context, program);
}
