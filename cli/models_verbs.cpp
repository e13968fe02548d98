// SPDX-License-Identifier: Apache-2.0
#include "cli/models_verbs.hpp"

#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "model/files/model_folder.hpp"
#include "model/files/verify_model.hpp"
#include "model/import/catalogue.hpp"
#include "pipeline/model_path.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace plat::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void print(const Json& json) { std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n"; }

void line(const std::string& name, const std::string& text) {
  if (!text.empty()) std::printf("  %-14s%s\n", name.c_str(), text.c_str());
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// The model folders that a bare name can mean.
std::vector<fs::path> local_models() {
  std::vector<fs::path> found;
  std::error_code error;
  for (const std::string& folder : model_folders()) {
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (fs::is_regular_file(entry.path() / kConfigFile, error)) found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void run_list(const Context& context) {
  if (context.json) {
    Json json{{"local", Json::array()}, {"public", Json::array()}};
    for (const fs::path& path : local_models()) {
      json["local"].push_back({{"name", path.filename().string()}, {"path", path.string()}});
    }
    for (const CatalogueEntry& entry : catalogue()) {
      json["public"].push_back({{"name", entry.name},
                                {"title", entry.title},
                                {"licence", entry.licence},
                                {"source", entry.source},
                                {"url", entry.url.empty() ? Json() : Json(entry.url)},
                                {"hub", entry.hub.empty() ? Json() : Json(entry.hub)},
                                {"sha256", entry.sha256.empty() ? Json() : Json(entry.sha256)},
                                {"bytes", entry.bytes == 0 ? Json() : Json(entry.bytes)}});
    }
    return print(json);
  }
  std::printf("On this machine:\n");
  for (const fs::path& path : local_models()) {
    std::printf("  %-24s%s\n", path.filename().c_str(), path.c_str());
  }
  std::printf("Public, from their publishers; plat models pull NAME -o FOLDER downloads and imports one:\n");
  for (const CatalogueEntry& entry : catalogue()) {
    const std::string size =
        entry.bytes == 0 ? "" : ", " + number(std::round(static_cast<double>(entry.bytes) / 1e6)) + " MB";
    std::printf("  %-24s%s; %s%s\n  %24s%s\n", entry.name.c_str(), entry.title.c_str(), entry.licence.c_str(),
                size.c_str(), "", (entry.url.empty() ? entry.source : entry.url).c_str());
  }
}

std::string encoder_of(const SamConfig& config) {
  if (const auto* vit = std::get_if<VitConfig>(&config.vision)) {
    return "ViT, " + std::to_string(vit->num_hidden_layers) + " layers of width " + std::to_string(vit->hidden_size);
  }
  std::vector<std::string> widths;
  if (const auto* net = std::get_if<EfficientNetConfig>(&config.vision)) {
    for (const int64_t width : net->channels) widths.push_back(std::to_string(width));
    return "EfficientNet-Lite, stages of width " + join(widths, ", ");
  }
  const auto& tiny = std::get<TinyVitConfig>(config.vision);
  for (const int64_t width : tiny.embed_dims) widths.push_back(std::to_string(width));
  return "TinyViT, stages of width " + join(widths, ", ");
}

void run_show(const std::string& name, const Context& context) {
  const std::string folder = find_model(name);
  if (folder == "threshold") throw UsageError("threshold is a rule, not a model folder; there is nothing to show");
  const ModelFolder model = read_model_folder(folder);
  const ModelDescription& d = model.description;
  std::vector<std::string> classes;
  for (const auto& c : d.classes) classes.push_back(c.name);
  if (context.json) {
    return print(Json{{"path", folder},
                      {"name", d.name},
                      {"architecture", d.architecture},
                      {"encoder", encoder_of(model.config)},
                      {"image_size", model.config.image_size()},
                      {"classes", classes},
                      {"gsd_m", d.gsd_m ? Json(*d.gsd_m) : Json()},
                      {"bands", d.bands},
                      {"tile_size", d.tile_size},
                      {"overlap", d.overlap},
                      {"base", model.base ? Json(model.base->folder) : Json()},
                      {"licence", d.licence.empty() ? Json() : Json(d.licence)},
                      {"training_data", d.training_data}});
  }
  std::printf("%s\n", folder.c_str());
  line("name", d.name);
  if (model.base) line("adapter for", model.base->folder);
  line("architecture", d.architecture + ": " + encoder_of(model.config));
  line("classes", !classes.empty()            ? join(classes, ", ")
                  : model.config.encoder_only ? "none: an encoder to train from (plat train --encoder)"
                                              : "none: it answers point and box prompts");
  line("pixel",
       d.gsd_m ? number(*d.gsd_m) + " m on the ground" : "of any size: scenes are read at their own resolution");
  line("bands", join(d.bands, ", "));
  line("tile", std::to_string(d.tile_size) + " pixels, overlap " + std::to_string(d.overlap));
  line("licence", d.licence.empty() ? "not stated" : d.licence);
  for (const std::string& data : d.training_data) line("trained on", data);
}

struct VerifyArguments {
  std::string path;
  std::string sha256;
};

void run_verify(const VerifyArguments& arguments, const Context& context) {
  const bool is_path = fs::exists(arguments.path);
  const VerifiedModel result = verify_model(is_path ? arguments.path : find_model(arguments.path));
  if (!arguments.sha256.empty()) {
    if (result.files.size() != 1) throw UsageError("--sha256 needs a model with one file of weights");
    if (result.files[0].sha256 != lower(arguments.sha256)) {
      throw ModelError(result.files[0].path + ": its SHA-256 is " + result.files[0].sha256 +
                       ", not the one that was given; " + "download it again");
    }
  }
  if (context.json) {
    Json files = Json::array();
    for (const auto& file : result.files) {
      files.push_back({{"path", file.path},
                       {"sha256", file.sha256},
                       {"known_as", file.known_as.empty() ? Json() : Json(file.known_as)}});
    }
    return print(Json{{"architecture", result.architecture},
                      {"tensors", result.tensors},
                      {"parameters", result.parameters},
                      {"files", files}});
  }
  for (const auto& file : result.files) {
    std::printf("%s\n", file.path.c_str());
    line("sha256", file.sha256);
    line("known as", file.known_as.empty() ? "" : file.known_as + " in the catalogue");
  }
  std::printf("in order: %s, %lld finite numbers in %lld tensors\n", result.architecture.c_str(),
              static_cast<long long>(result.parameters), static_cast<long long>(result.tensors));
}

}  // namespace

void add_models_list(CLI::App& models, Context& context) {
  CLI::App* command =
      add_command(models, context, "list", "List the models on this machine, and public ones to import");
  command->add_flag("--json", context.json, "Print one JSON object");
  command->callback([&context] { context.action = [&context] { run_list(context); }; });
}

void add_models_show(CLI::App& models, Context& context) {
  CLI::App* command = add_command(models, context, "show", "Show what a model folder says of itself");
  auto name = std::make_shared<std::string>();
  command->add_option("model", *name, "Model folder, or the name of one that ships")->required();
  command->add_flag("--json", context.json, "Print one JSON object");
  command->callback([name, &context] { context.action = [name, &context] { run_show(*name, context); }; });
}

void add_models_verify(CLI::App& models, Context& context) {
  CLI::App* command = add_command(models, context, "verify",
                                  "Read a model to its last byte: checksum, tensors, shapes, finite numbers");
  auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("model", arguments->path, "Model folder, or a file or folder that import takes")->required();
  command->add_option("--sha256", arguments->sha256, "Checksum that the file of weights must have");
  command->add_flag("--json", context.json, "Print one JSON object");
  command->callback(
      [arguments, &context] { context.action = [arguments, &context] { run_verify(*arguments, context); }; });
}

}  // namespace plat::cli
