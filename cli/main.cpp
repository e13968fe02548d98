// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <string>

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
#ifdef PLAT_WITH_TORCH
  plat::cli::add_train(program, context);
#endif
  plat::cli::add_evaluate(program, context);
  plat::cli::add_demo(program, context);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.exit(error);
    return code == 0 ? 0 : static_cast<int>(plat::ExitCode::Usage);
  }
  return run(context);
}
