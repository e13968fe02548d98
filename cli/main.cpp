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

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace {

void on_signal(int) {
  // A second Ctrl-C ends the program at once.
  std::signal(SIGINT, SIG_DFL);
  plat::request_cancel();
}

int run(plat::cli::Context& context) {
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
    plat::log_error("out of memory; pass a smaller --ram or --tile-size");
    return static_cast<int>(plat::ExitCode::Unexpected);
  } catch (const std::exception& error) {
    plat::log_error(std::string("unexpected: ") + error.what());
    return static_cast<int>(plat::ExitCode::Unexpected);
  }
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
  plat::keep_freed_pages();
  const plat::GdalSession gdal;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);

  plat::cli::Context context;
  CLI::App program("Maps from imagery: building footprints, fields and changes as georeferenced polygons.", "plat");
  program.set_version_flag("--version", "plat " PLAT_VERSION);
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  plat::cli::add_info(program, context);
  plat::cli::add_extract(program, context);
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
    const int code = program.exit(error);
    return code == 0 ? 0 : static_cast<int>(plat::ExitCode::Usage);
  } catch (const plat::Error& error) {
    plat::log_error(error.what());
    return static_cast<int>(error.code());
  }
  return run(context);
}
