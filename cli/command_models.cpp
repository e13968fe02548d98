// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/models_verbs.hpp"
#include "model/import/import_model.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <variant>

namespace plat::cli {
namespace {

struct ImportArguments {
  std::string source;
  std::string output;
  ImportOptions options;
};

std::string encoder_of(const SamConfig& config) {
  const auto* vit = std::get_if<VitConfig>(&config.vision);
  if (vit == nullptr) return std::holds_alternative<TinyVitConfig>(config.vision) ? "TinyViT" : "EfficientNet-Lite";
  return "ViT of " + std::to_string(vit->num_hidden_layers) + " layers, width " + std::to_string(vit->hidden_size);
}

void run_import(const ImportArguments& arguments, const Context& context) {
  const ImportReport report = import_model(arguments.source, arguments.output, arguments.options);
  const ModelDescription& d = report.model.description;
  if (context.json) {
    const nlohmann::ordered_json json{
        {"output", arguments.output},     {"name", d.name},
        {"architecture", d.architecture}, {"image_size", report.model.config.image_size()},
        {"tensors", report.tensors},      {"parameters", report.parameters},
        {"bytes", report.bytes},          {"files", report.files}};
    std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("%s: %s, %s, %lld parameters in %lld tensors, %.1f MB\n", arguments.output.c_str(),
              d.architecture.c_str(), encoder_of(report.model.config).c_str(),
              static_cast<long long>(report.parameters), static_cast<long long>(report.tensors),
              static_cast<double>(report.bytes) / 1e6);
}

void add_import(CLI::App& models, Context& context) {
  CLI::App* command = add_command(models, context, "import",
                                  "Convert a Segment Anything of others (.pth, .pt, .bin, .safetensors, a folder of "
                                  "transformers) into a model folder, or an EfficientNet-Lite into one for plat train "
                                  "--encoder; no code in it is run");
  auto arguments = std::make_shared<ImportArguments>();
  ImportOptions& options = arguments->options;
  command
      ->add_option("source", arguments->source,
                   "File of weights, or folder with model.safetensors or pytorch_model.bin")
      ->required();
  command->add_option("-o,--output", arguments->output, "Model folder to write")->required();
  command->add_option("--name", options.name, "Name of the model (the folder's)");
  command->add_option("--licence", options.licence,
                      "Licence of the weights, for example apache-2.0; goes into the card");
  command->add_option("--gsd", options.gsd_m, "Ground sample distance that scenes are resampled to, metres")
      ->default_str("each scene's own");
  command->add_flag("--half", options.half, "Store all weights as float16: half the size, rounded");
  command->add_flag("--overwrite", options.overwrite, "Replace a model folder that exists");
  command->add_flag("--json", context.json, "Summary as JSON");
  command->callback(
      [arguments, &context] { context.action = [arguments, &context] { run_import(*arguments, context); }; });
}

}  // namespace

void add_models(CLI::App& program, Context& context) {
  CLI::App* models = program.add_subcommand(
      "models", "List, show, check and download models; bring those of others into plat's layout");
  models->require_subcommand(1);
  add_models_list(*models, context);
  add_models_show(*models, context);
  add_models_verify(*models, context);
  add_models_pull(*models, context);
  add_import(*models, context);
}

}  // namespace plat::cli
