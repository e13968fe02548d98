// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <optional>
#include <utility>

namespace plat::cli {
namespace {

/// An option's name without dashes, and its values as text.
using Setting = std::pair<std::string, std::vector<std::string>>;

std::string text_of(const nlohmann::json& value, const std::string& path, const std::string& key) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw UsageError(path + ": the value of '" + key + "' must be a text, a number, true, false or a list of these.");
}

std::vector<Setting> read_json(const std::string& path, std::istream& file) {
  nlohmann::ordered_json document;
  try {
    document = nlohmann::ordered_json::parse(file);
  } catch (const nlohmann::json::exception& error) {
    throw UsageError(path + ": no valid JSON: " + error.what());
  }
  if (!document.is_object()) throw UsageError(path + ": must hold one JSON object, {\"option\": value, ...}.");
  std::vector<Setting> settings;
  for (const auto& [key, value] : document.items()) {
    std::vector<std::string> values;
    if (value.is_array()) {
      for (const auto& element : value) values.push_back(text_of(element, path, key));
    } else {
      values.push_back(text_of(value, path, key));
    }
    settings.emplace_back(key, std::move(values));
  }
  return settings;
}

std::vector<Setting> read_toml(const std::string& path, std::istream& file, const std::string& verb) {
  std::vector<Setting> settings;
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(file)) {
      // CLI11 marks the begin and end of a section with entries of these names.
      if (item.name == "++" || item.name == "--") continue;
      if (!item.parents.empty() && item.parents != std::vector<std::string>{verb}) {
        throw UsageError(path + ": a section may only be named [" + verb + "], not [" + item.parents.front() + "].");
      }
      settings.emplace_back(item.name, item.inputs);
    }
  } catch (const CLI::Error& error) {
    throw UsageError(path + ": no valid TOML or INI: " + error.what());
  }
  return settings;
}

std::optional<std::string> config_path(const std::vector<std::string>& arguments) {
  std::optional<std::string> path;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config" && i + 1 < arguments.size()) path = arguments[i + 1];
    if (arguments[i].starts_with("--config=")) path = arguments[i].substr(9);
  }
  return path;
}

}  // namespace

std::vector<std::string> expand_config(CLI::App& program, const std::vector<std::string>& arguments) {
  const std::optional<std::string> path = config_path(arguments);
  if (!path || arguments.empty()) return arguments;
  // A verb may have verbs of its own.
  CLI::App* command = &program;
  std::size_t verbs = 0;
  for (bool deeper = true; deeper && verbs < arguments.size();) {
    deeper = false;
    for (CLI::App* candidate : command->get_subcommands({})) {
      if (candidate->get_name() != arguments[verbs]) continue;
      command = candidate;
      deeper = true;
      ++verbs;
      break;
    }
  }
  if (verbs == 0) return arguments;
  const auto own = arguments.begin() + static_cast<std::ptrdiff_t>(verbs);
  const std::string verb = join({arguments.begin(), own}, " ");

  std::ifstream file(*path);
  if (!file) throw IoError(*path + ": cannot be read. Check the path that --config names.");
  const bool json = lower(*path).ends_with(".json");
  const std::vector<Setting> settings = json ? read_json(*path, file) : read_toml(*path, file, verb);

  std::vector<std::string> expanded(arguments.begin(), own);
  std::vector<std::string> lists;
  for (const auto& [key, values] : settings) {
    const CLI::Option* option = key == "config" ? nullptr : command->get_option_no_throw("--" + key);
    if (option == nullptr) {
      throw UsageError(*path + ": plat " + verb + " has no option '" + key + "'. Its options are listed by plat " +
                       verb + " --help.");
    }
    const std::string value = join(values, ",");
    if (option->get_items_expected_max() == 0) {
      if (value != "true" && value != "false")
        throw UsageError(*path + ": '" + key + "' is true or false, not '" + value + "'.");
      if (value == "true") expanded.push_back("--" + key);
    } else if (option->get_items_expected_max() > 1) {
      // Texts that may hold commas themselves; the command line's list replaces them. An option that takes a list takes what
      // follows it too, so these stand last.
      const bool by_hand = std::ranges::any_of(arguments, [&key = key](const std::string& argument) {
        return argument == "--" + key || argument.starts_with("--" + key + "=");
      });
      for (const std::string& element : values) {
        if (!by_hand) lists.push_back("--" + key + "=" + element);
      }
    } else {
      expanded.push_back("--" + key + "=" + value);
    }
  }
  for (CLI::Option* option : command->get_options()) {
    if (option->get_items_expected_max() == 1) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  expanded.insert(expanded.end(), own, arguments.end());
  expanded.insert(expanded.end(), lists.begin(), lists.end());
  return expanded;
}

}  // namespace plat::cli
