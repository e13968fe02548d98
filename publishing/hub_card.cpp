// SPDX-License-Identifier: Apache-2.0
#include "publishing/hub_card.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "publishing/hub_names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace plat {
namespace {

using nlohmann::json;

/// What begins the part that is written anew each time a folder is published.
constexpr const char* kOwnPart = "<!-- plat publish -->";

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A text as a YAML scalar: as it is where it cannot be taken for something else, else quoted as in JSON.
std::string scalar(const std::string& text) {
  static const std::set<std::string> words = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  const bool plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                     !words.contains(lower(text)) && std::all_of(text.begin(), text.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '/';
                     });
  return plain ? text : json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void add_list(std::ostream& yaml, const std::string& key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  yaml << key << ":\n";
  for (const std::string& value : values) yaml << "- " << scalar(value) << "\n";
}

std::string task_of(const CardFacts& facts) {
  return facts.model.description.classes.empty() ? "mask-generation" : "image-segmentation";
}

std::string library_of(const CardFacts& facts) { return facts.is_adapter && facts.for_peft ? "peft" : "plat"; }

std::vector<std::string> tags_of(const CardFacts& facts) {
  std::vector<std::string> tags = {"plat", "remote-sensing", "segment-anything"};
  const auto add = [&](const std::string& tag) {
    if (!tag.empty() && std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
  };
  if (facts.for_peft) add("lora");
  for (const ClassDescription& c : facts.model.description.classes) add(slug(c.name));
  for (const std::string& tag : facts.tags) add(tag);
  return tags;
}

void add_results(std::ostream& yaml, const CardFacts& facts) {
  if (facts.results.empty()) return;
  const std::string task = task_of(facts);
  yaml << "model-index:\n- name: " << scalar(facts.model.description.name) << "\n  results:\n";
  for (const CardResult& result : facts.results) {
    yaml << "  - task:\n      type: " << task << "\n    dataset:\n      type: " << scalar(slug(result.dataset))
         << "\n      name: " << scalar(result.dataset) << "\n    metrics:\n";
    for (const CardResult::Metric& metric : result.metrics) {
      yaml << "    - type: " << scalar(metric.type) << "\n      name: " << scalar(metric.name)
           << "\n      value: " << json(metric.value).dump() << "\n";
    }
  }
}

std::string head(const CardFacts& facts) {
  const std::string licence = facts.model.description.licence;
  std::ostringstream yaml;
  yaml << "---\n";
  if (is_hub_licence(lower(licence))) {
    yaml << "license: " << lower(licence) << "\n";
  } else {
    yaml << "license: other\nlicense_name: " << scalar(slug(licence)) << "\n";
    if (!facts.licence_link.empty()) yaml << "license_link: " << scalar(facts.licence_link) << "\n";
  }
  yaml << "library_name: " << library_of(facts) << "\npipeline_tag: " << task_of(facts) << "\n";
  add_list(yaml, "tags", tags_of(facts));
  if (!facts.base_model.empty()) {
    yaml << "base_model: " << scalar(facts.base_model)
         << "\nbase_model_relation: " << (facts.is_adapter ? "adapter" : "finetune") << "\n";
  }
  add_list(yaml, "datasets", facts.datasets);
  add_results(yaml, facts);
  yaml << "---\n";
  return yaml.str();
}

/// A card without its YAML and without what an earlier call added.
std::string body_of(std::string card) {
  if (card.starts_with("---\n")) {
    const std::size_t end = card.find("\n---\n", 3);
    card = end == std::string::npos ? "" : card.substr(end + 5);
  }
  if (const std::size_t own = card.find(kOwnPart); own != std::string::npos) card.erase(own);
  return trim(card);
}

void add_use(std::ostream& text, const CardFacts& facts) {
  const std::string name = facts.repo.substr(facts.repo.find('/') + 1);
  const std::string base = facts.base_model.empty() ? "BASE" : facts.base_model;
  text << "## Use\n\n";
  if (facts.is_adapter) {
    text << "This folder holds what was learned beside its base model `" << base
         << "`, whose folder must lie beside this one:\n\n```sh\nhf download " << facts.repo << " --local-dir " << name
         << "\nplat models show " << name << "\n```\n";
  } else {
    const bool classes = !facts.model.description.classes.empty();
    text << "```sh\nplat " << (classes ? "extract scene.tif" : "segment scene.tif --prompts points.geojson")
         << " -o objects.gpkg --model \"$(plat models pull " << facts.repo << ")\"\n```\n";
    if (facts.model.config.is_vit()) {
      text << "\nPoint and box prompts also work in transformers: `SamModel.from_pretrained(\"" << facts.repo
           << "\")`.\n";
    }
  }
  if (facts.for_peft && (facts.is_adapter || facts.has_adapter)) {
    text << "\nWith peft: `PeftModel.from_pretrained(SamModel.from_pretrained(\"" << base << "\"), \"" << facts.repo
         << "\"" << (facts.is_adapter ? "" : ", subfolder=\"adapter\"") << ")`";
    text << (facts.model.config.is_vit() ? ".\n"
                                         : ", for a base that transformers knows; this one's encoder it does not.\n");
  }
  text << "\n`SHA256SUMS` has the checksums of all files: `sha256sum -c SHA256SUMS`.\n";
}

}  // namespace

std::string hub_card(const CardFacts& facts, const std::string& card) {
  const ModelDescription& d = facts.model.description;
  const std::string body = body_of(card);
  std::ostringstream text;
  text << head(facts) << (body.empty() ? "# " + d.name : body) << "\n\n" << kOwnPart << "\n";
  add_use(text, facts);
  text << "\n## Licence and data\n\n- The model: " << d.licence;
  if (!facts.licence_link.empty()) text << ", " << facts.licence_link;
  text << "\n";
  for (const std::string& line : d.training_data) text << "- " << line << "\n";
  return text.str();
}

void check_hub_card(const std::string& path, const CardFacts& facts) {
  const std::string text = read_text(path).value_or("");
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw ModelError(path + ": " + what);
  };
  const std::size_t end = text.find("\n---\n", 3);
  require(text.starts_with("---\n") && end != std::string::npos, "the card does not begin with YAML between lines ---");
  std::map<std::string, std::string> keys;
  std::istringstream lines(text.substr(4, end - 3));
  for (std::string line; std::getline(lines, line);) {
    require(line.find('\t') == std::string::npos, "the card's YAML holds a tabulator");
    const std::size_t colon = line.find(':');
    if (line.empty() || line.front() == ' ' || line.front() == '-') continue;
    require(colon != std::string::npos, "the card's YAML has a line without a key: " + line);
    require(keys.emplace(line.substr(0, colon), trim(line.substr(colon + 1))).second,
            "the card's YAML has a key twice: " + line);
  }
  for (const char* key : {"license", "library_name", "pipeline_tag", "tags"}) {
    require(keys.contains(key), std::string("the card's YAML lacks '") + key + "'");
  }
  require(is_hub_licence(keys["license"]), "the Hub does not know the licence '" + keys["license"] + "'");
  require(keys["license"] != "other" || keys.contains("license_name"), "a licence of another kind needs a name");
  require(facts.results.empty() || keys.contains("model-index"), "the card's YAML lacks 'model-index'");
  for (const std::string& line : facts.model.description.training_data) {
    require(text.find(line, end) != std::string::npos, "the card does not name the data '" + line + "'");
  }
}

std::vector<CardResult> run_results(const std::string& metrics, const std::string& training) {
  const auto text = read_text(metrics);
  if (!text) return {};
  std::istringstream lines(*text);
  json last;
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, false);
    if (entry.is_object() && entry.contains("pixel_iou")) last = entry;
  }
  if (!last.is_object()) return {};
  std::vector<std::string> scenes;
  const json options = json::parse(read_text(training).value_or(""), nullptr, false);
  if (options.is_object() && options.contains("data")) {
    for (const char* key : {"scenes", "data"}) {
      const json& data = options["data"];
      if (!data.is_object() || !data.contains(key) || !data[key].is_array()) continue;
      for (const json& name : data[key]) {
        if (name.is_string()) scenes.push_back(name.get<std::string>());
      }
    }
  }
  constexpr std::size_t kMostNames = 3;
  std::string of = scenes.empty() || scenes.size() > kMostNames ? "the training data" : join(scenes, ", ");
  CardResult result{.dataset = "validation area of " + of, .metrics = {}};
  constexpr std::array<std::array<const char*, 3>, 4> kMetrics = {
      {{"pixel_iou", "iou", "Pixel IoU"},
       {"object_f1", "f1", "Object F1 at IoU 0.5"},
       {"object_precision", "precision", "Object precision"},
       {"object_recall", "recall", "Object recall"}}};
  for (const auto& [key, type, name] : kMetrics) {
    if (last.contains(key) && last[key].is_number()) result.metrics.push_back({type, name, last[key].get<double>()});
  }
  if (result.metrics.empty()) return {};
  return {result};
}

CardResult evaluation_result(const std::string& path) {
  const auto text = read_text(path);
  if (!text) throw IoError(path + ": cannot be read");
  const json report = json::parse(*text, nullptr, false);
  CardResult result{.dataset = "plat evaluate, " + path.substr(path.find_last_of('/') + 1), .metrics = {}};
  const auto add = [&](const char* part, const char* key, const char* type, const std::string& name) {
    const json::json_pointer place = json::json_pointer("/" + std::string(part) + "/" + key);
    if (report.is_object() && report.contains(place) && report[place].is_number()) {
      result.metrics.push_back({type, name, report[place].get<double>()});
    }
  };
  add("pixels", "iou", "iou", "Pixel IoU");
  add("objects", "f1", "f1", "Object F1");
  add("objects", "precision", "precision", "Object precision");
  add("objects", "recall", "recall", "Object recall");
  if (result.metrics.empty()) {
    throw DataError(path + ": holds no figures; pass what plat evaluate --json printed");
  }
  return result;
}

}  // namespace plat
