// SPDX-License-Identifier: Apache-2.0
#include "model/files/adapter_folder.hpp"

#include "core/error.hpp"
#include "model/files/json_text.hpp"
#include "model/files/sha256.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

namespace plat {
namespace {

using detail::JsonSection;
using nlohmann::json;
namespace fs = std::filesystem;

/// The value for a module in a table whose keys are ends of names, as peft matches them.
template <typename T>
T looked_up(const std::map<std::string, T>& table, const std::string& module, T otherwise) {
  for (const auto& [key, value] : table) {
    if (module == key || module.ends_with("." + key)) return value;
  }
  return otherwise;
}

/// The base lies where its path leads from the adapter's folder or from here, or under its name beside the adapter.
fs::path find_base(const fs::path& folder, const AdapterBase& base) {
  fs::path named(base.folder);
  if (!named.has_filename()) named = named.parent_path();
  const fs::path root = fs::absolute(folder).lexically_normal();
  const fs::path whole = root.has_filename() ? root : root.parent_path();
  std::error_code error;
  for (const fs::path& place : {whole / named, named, whole / named.filename(), whole.parent_path() / named.filename(),
                                whole.parent_path().parent_path() / named.filename()}) {
    if (fs::is_directory(place, error)) return place.lexically_normal();
  }
  throw ModelError(folder.string() + ": is an adapter for the model '" + base.folder +
                   "', which is not there; put that model's folder beside the adapter" +
                   (base.sha256.empty() ? "" : ". Its weights have the SHA-256 " + base.sha256));
}

LoraScaling read_scaling(const fs::path& file) {
  LoraScaling scaling;
  if (!fs::exists(file)) return scaling;
  const json content = detail::read_json(file.string());
  JsonSection section(content, file.string(), "");
  section.require<std::string>("peft_type", "LORA");
  section.require("use_dora", false);
  section.require("fan_in_fan_out", false);
  section.require<std::string>("bias", "none");
  section.read("r", scaling.rank);
  section.read("lora_alpha", scaling.alpha);
  section.read("rank_pattern", scaling.ranks);
  section.read("alpha_pattern", scaling.alphas);
  section.read("use_rslora", scaling.by_root);
  if (scaling.rank < 1) section.fail("r", "must be at least 1");
  return scaling;
}

}  // namespace

double LoraScaling::of(const std::string& module) const {
  const auto r = static_cast<double>(looked_up(ranks, module, rank));
  return looked_up(alphas, module, alpha) / (by_root ? std::sqrt(r) : r);
}

Adapter read_adapter(const std::string& folder, const AdapterBase& base) {
  const fs::path root(folder);
  Adapter adapter{find_base(root, base).string(), (root / kAdapterWeightsFile).string(),
                  read_scaling(root / kAdapterConfigFile)};
  if (!base.sha256.empty()) {
    const std::string found = sha256_of_file(weight_files(adapter.base).back());
    if (found != base.sha256) {
      throw ModelError(folder + ": belongs to a base whose weights have the SHA-256 " + base.sha256 + ", but " +
                       adapter.base + " is another model (" + found + ")");
    }
  }
  return adapter;
}

namespace {

/// The adapted layers as peft finds them: by the ends of their names, or by a pattern of the whole where the mask decoder has
/// layers of the same name.
json target_modules(const std::vector<std::string>& modules) {
  const auto ambiguous = [](const std::string& module) { return module.starts_with("mlp."); };
  if (std::none_of(modules.begin(), modules.end(), ambiguous)) return modules;
  std::string pattern;
  for (const std::string& module : modules) {
    pattern += pattern.empty() ? "" : "|";
    for (const char c : module) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
  }
  return "vision_encoder\\..*\\.(" + pattern + ")";
}

}  // namespace

void write_lora_config(const std::string& folder, const LoraScaling& scaling, const AdapterBase& base) {
  detail::write_json((fs::path(folder) / kAdapterConfigFile).string(),
                     {{"peft_type", "LORA"},
                      {"task_type", nullptr},
                      {"base_model_name_or_path", base.folder},
                      {"inference_mode", true},
                      {"r", scaling.rank},
                      {"lora_alpha", scaling.alpha},
                      {"rank_pattern", scaling.ranks},
                      {"alpha_pattern", scaling.alphas},
                      {"use_rslora", scaling.by_root},
                      {"target_modules", target_modules(scaling.modules)},
                      {"lora_dropout", 0.0},
                      {"bias", "none"},
                      {"fan_in_fan_out", false},
                      {"modules_to_save", nullptr}});
}

std::string base_of(const std::string& folder) {
  const auto base = read_model_folder(folder).base;
  return base ? find_base(folder, *base).string() : folder;
}

std::vector<std::string> weight_files(const std::string& folder) {
  const auto base = read_model_folder(folder).base;
  if (!base) return {(fs::path(folder) / kWeightsFile).string()};
  std::vector<std::string> files = weight_files(find_base(folder, *base).string());
  files.push_back((fs::path(folder) / kAdapterWeightsFile).string());
  return files;
}

AdapterBase describe_base(const std::string& folder, const std::string& from) {
  const fs::path base = fs::canonical(folder), adapter = fs::weakly_canonical(from);
  return {base.lexically_relative(adapter).string(), sha256_of_file(weight_files(folder).back())};
}

}  // namespace plat
