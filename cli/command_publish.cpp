// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "publishing/publish.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

void print_json(const Published& result, const PublishOptions& options) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const Published::File& file : result.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const nlohmann::ordered_json out = {{"folder", result.folder},
                                      {"repo", options.repo},
                                      {"kind", result.kind},
                                      {"files", files},
                                      {"identical",
                                       {{"tile_size", result.compared.tile_size},
                                        {"class_maps", result.compared.class_maps},
                                        {"prompt_masks", result.compared.prompt_masks}}},
                                      {"command", result.command},
                                      {"uploaded", !result.client.empty()},
                                      {"client", result.client},
                                      {"url", result.url}};
  std::printf("%s\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print(const Published& result) {
  for (const Published::File& file : result.files) {
    std::printf("%s  %s, %lld bytes\n", file.sha256.c_str(), file.name.c_str(), static_cast<long long>(file.bytes));
  }
  std::printf("%s: read again; %lld class maps and %lld prompted masks of a drawn tile are the source's, bit for bit\n",
              result.folder.c_str(), static_cast<long long>(result.compared.class_maps),
              static_cast<long long>(result.compared.prompt_masks));
  if (result.client.empty()) {
    std::printf("not uploaded; to do it, pass --upload, or run: %s\n", result.command.c_str());
  } else {
    std::printf("uploaded with %s: %s\n", result.client.c_str(), result.url.c_str());
  }
}

void add_card_options(CLI::App& command, PublishOptions& options) {
  const std::string group = "Card";
  command
      .add_option("--licence", options.licence,
                  "Licence of the weights, such as apache-2.0 (default: as the model says)")
      ->group(group);
  command.add_option("--licence-link", options.licence_link, "Address of a licence that the Hub does not know")
      ->group(group);
  command
      .add_option("--attribution", options.attribution,
                  "Line beside those of the model: a data set, its owner and licence")
      ->group(group)
      ->take_all();
  command
      .add_option("--base-model", options.base_model, "Where the base lies on the Hub, user/name; an adapter needs it")
      ->group(group);
  command.add_option("--dataset", options.datasets, "Data set on the Hub, user/name")->group(group)->take_all();
  command.add_option("--tag", options.tags, "Tag beside those that follow from the model")->group(group)->take_all();
  command
      .add_option("--evaluation", options.evaluations,
                  "File of plat evaluate --json whose figures go into the card beside the run's")
      ->group(group)
      ->take_all();
}

void add_upload_options(CLI::App& command, PublishOptions& options) {
  const std::string group = "Upload";
  command
      .add_flag("--upload", options.upload,
                "Upload the folder once it is checked, with hf, huggingface-cli, or git and git-lfs (HF_ENDPOINT, "
                "HF_HOME and HF_TOKEN are honoured)")
      ->group(group);
  command.add_flag("--private", options.is_private, "A repository that is made is private")->group(group);
  command.add_option("--revision", options.revision, "Branch")->capture_default_str()->group(group);
  command.add_option("--message", options.message, "Of the commit (default: Publish NAME with plat)")->group(group);
}

}  // namespace

void add_publish(CLI::App& program, Context& context) {
  auto options = std::make_shared<PublishOptions>();
  CLI::App* command = add_command(program, context, "publish",
                                  "Make a checked folder for the Hugging Face Hub of a run, a model or an adapter, and "
                                  "upload it");
  command->add_option("SOURCE", options->source, "Folder of plat train's run, of a model or of an adapter")->required();
  command->add_option("--repo", options->repo, "Repository on the Hub, user/name")->required();
  command->add_option("-o,--output", options->output, "Folder to write (default: hub in the run, else NAME-hub here)");
  command->add_flag("--overwrite", options->overwrite, "Replace a folder that plat publish wrote");
  command->add_flag("--json", context.json, "Summary as JSON");
  add_card_options(*command, *options);
  add_upload_options(*command, *options);
  command->callback([options, &context] {
    context.action = [options, &context] {
      const Published result = publish(*options);
      if (context.json) return print_json(result, *options);
      print(result);
    };
  });
}

}  // namespace plat::cli
