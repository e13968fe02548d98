// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/models_verbs.hpp"
#include "cli/terminal_progress.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "model/import/catalogue.hpp"
#include "model/import/import_model.hpp"
#include "model/import/pull_model.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

struct Arguments {
  std::string name;
  std::string output;
  std::string sha256;
  ImportOptions options;
};

void run(Arguments arguments, const Context& context) {
  if (!arguments.output.empty() && std::filesystem::exists(arguments.output) && !arguments.options.overwrite) {
    // Before the download, not after it.
    throw IoError(arguments.output + ": exists already. Pass --overwrite to replace it.");
  }
  const std::string place = pull_model(
      arguments.name, [&](const std::string& file) { return terminal_progress("loading " + file, context.quiet); },
      lower(arguments.sha256));
  if (!arguments.output.empty()) {
    for (const CatalogueEntry& entry : catalogue()) {
      if (entry.name == arguments.name && arguments.options.licence.empty()) arguments.options.licence = entry.licence;
    }
    import_model(place, arguments.output, arguments.options);
  }
  if (context.json) {
    const nlohmann::ordered_json json{
        {"name", arguments.name},
        {"cache", place},
        {"output", arguments.output.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(arguments.output)}};
    std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s\n", arguments.output.empty() ? place.c_str() : arguments.output.c_str());
  }
}

}  // namespace

void add_models_pull(CLI::App& models, Context& context) {
  CLI::App* command = add_command(models, context, "pull",
                                  "Download a public model; interrupted downloads go on, and checksums are checked");
  auto arguments = std::make_shared<Arguments>();
  ImportOptions& options = arguments->options;
  command
      ->add_option("name", arguments->name,
                   "Name from plat models list, organisation/name of a repository of the Hugging Face Hub "
                   "(HF_ENDPOINT, HF_HOME and HF_TOKEN are honoured), or the address of a file, https://...")
      ->required();
  command->add_option("-o,--output", arguments->output, "Model folder to import it into; without it only the download");
  command->add_option("--sha256", arguments->sha256, "Checksum that the file of an address must have");
  command->add_option("--gsd", options.gsd_m, "Ground sample distance that scenes are resampled to, metres")
      ->default_str("each scene's own");
  command->add_flag("--half", options.half, "Store all weights as float16: half the size, rounded");
  command->add_flag("--overwrite", options.overwrite, "Replace a model folder that exists");
  command->add_flag("--json", context.json, "Summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
