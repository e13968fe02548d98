// SPDX-License-Identifier: Apache-2.0
#include "publishing/publish.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/log.hpp"
#include "core/staged_path.hpp"
#include "core/text.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/model_folder.hpp"
#include "model/files/sha256.hpp"
#include "model/files/verify_model.hpp"
#include "pipeline/model_path.hpp"
#include "publishing/child_process.hpp"
#include "publishing/hub_card.hpp"
#include "publishing/hub_names.hpp"
#include "publishing/hub_upload.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kTraining = "training.json";

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error);
}

/// Where the parts of what is to be published lie.
struct PublishSource {
  std::string model;                   ///< folder of the model, or of the adapter where that is what was named
  std::optional<std::string> adapter;  ///< folder of the adapter that a run left beside its model
  std::string metrics;                 ///< metrics.jsonl of the run; may be absent
  std::string training;                ///< training.json; may be absent
  std::string default_output;          ///< where a folder for the Hub goes unless told otherwise
};

/// Finds them from the folder of a run, of a model or of an adapter, or the name of a model that ships. Throws ModelError.
PublishSource find_publish_source(const std::string& named) {
  fs::path root = fs::path(named).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();
  const fs::path model = root / "model", adapter = root / "adapter";
  if (is_there(model / kConfigFile)) {
    PublishSource source{.model = model.string(),
                         .adapter = std::nullopt,
                         .metrics = (root / kMetrics).string(),
                         .training = (model / kTraining).string(),
                         .default_output = (root / "hub").string()};
    if (is_there(adapter / kAdapterWeightsFile)) source.adapter = adapter.string();
    return source;
  }
  if (is_there(root / kMetrics) && !is_there(root / kWeightsFile) && !is_there(root / kAdapterWeightsFile)) {
    throw ModelError(root.string() + ": the run has no model yet; let plat train go on with --resume to its end");
  }
  const fs::path found = find_model(root.string());
  if (found == "threshold") throw UsageError("threshold is a rule, not a model folder; there is nothing to publish");
  // A model or an adapter that still lies in its run is described by the run's figures.
  fs::path run = found;
  if (!is_there(run / kMetrics)) run = found.parent_path();
  fs::path training = found / kTraining;
  if (!is_there(training)) training = run / "model" / kTraining;
  return {.model = found.string(),
          .adapter = is_there(found / "adapter" / kAdapterWeightsFile) ? std::optional((found / "adapter").string())
                                                                       : std::nullopt,
          .metrics = (run / kMetrics).string(),
          .training = training.string(),
          .default_output = found.filename().string() + "-hub"};
}

/// What marks a folder as one that `publish` wrote, and may replace.
constexpr const char* kSumsFile = "SHA256SUMS";

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.flush();
  if (!file) throw IoError(path.string() + ": cannot be written");
}

/// Runs what std::filesystem throws from.
template <typename Action>
void on_disk(const fs::path& path, const Action& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    throw IoError(path.string() + ": " + error.code().message());
  }
}

void take_file(const fs::path& from, const fs::path& to) {
  on_disk(to, [&] { fs::copy_file(from, to); });
}

void copy_if_there(const fs::path& from, const fs::path& to) {
  if (fs::is_regular_file(from)) take_file(from, to);
}

/// The folder in which all is written and checked, beside the one that it becomes. It goes with this object.
class Stage {
 public:
  explicit Stage(const fs::path& output) : output_(output), staged_(output.string(), StagedPath::Kind::Folder) {
    on_disk(content(), [&] { fs::create_directories(content()); });
  }

  fs::path content() const { return root() / ".content"; }

  /// Lets adapters find their base beside them under the name that they have for it.
  void link_base(const std::string& base, const std::string& named) const {
    const fs::path link = root() / fs::path(named).filename();
    if (fs::is_symlink(link)) return;
    on_disk(link, [&] { fs::create_directory_symlink(fs::canonical(base), link); });
  }

  void take_its_name() const { replace_path(content().string(), output_.string()); }

 private:
  fs::path root() const { return staged_.path(); }

  fs::path output_;
  StagedPath staged_;
};

void check_output(const fs::path& output, bool overwrite) {
  if (!fs::exists(output)) return;
  if (!overwrite) throw IoError(output.string() + ": exists already. Pass --overwrite to replace it, or -o.");
  if (!fs::is_regular_file(output / kSumsFile)) {
    throw IoError(output.string() + ": was not written by plat publish, so it is not replaced; name another folder");
  }
}

/// The model as it is published: its licence and attribution stated, its base named as others find it.
ModelFolder described(const std::string& folder, const PublishOptions& options) {
  ModelFolder model = read_model_folder(folder);
  if (model.config.encoder_only)
    throw ModelError(folder +
                     ": is an image encoder of others, not a model of yours; publish what was trained around it");
  ModelDescription& d = model.description;
  if (!options.licence.empty()) d.licence = options.licence;
  for (const std::string& line : options.attribution) {
    if (std::find(d.training_data.begin(), d.training_data.end(), line) == d.training_data.end()) {
      d.training_data.push_back(line);
    }
  }
  if (trim(d.licence).empty()) {
    throw ModelError(folder +
                     ": states no licence, and nobody may use a model without one; pass --licence, such as "
                     "apache-2.0 or cc-by-4.0");
  }
  if (d.training_data.empty()) {
    throw ModelError(folder + ": names no data that it was trained on; pass --attribution 'data set, owner, licence'");
  }
  if (model.base) {
    const std::string base = base_of(folder);
    if (read_model_folder(base).base) {
      throw ModelError(folder + ": is an adapter for another adapter, " + base + "; publish the run's model instead");
    }
    model.base->sha256 = sha256_of_file(weight_files(base).back());
    model.base->folder = options.base_model.empty() ? fs::canonical(base).filename().string() : options.base_model;
  }
  return model;
}

/// Writes one model or adapter folder without its card.
ModelFolder write_part(const std::string& from, const fs::path& to, const PublishOptions& options, const Stage& stage) {
  verify_model(from);
  const ModelFolder model = described(from, options);
  on_disk(to, [&] { fs::create_directories(to); });
  write_model_folder(model, to.string());
  if (!model.base) {
    take_file(fs::path(from) / kWeightsFile, to / kWeightsFile);
    return model;
  }
  stage.link_base(base_of(from), model.base->folder);
  take_file(fs::path(from) / kAdapterWeightsFile, to / kAdapterWeightsFile);
  if (const fs::path config = fs::path(from) / kAdapterConfigFile; fs::is_regular_file(config)) {
    // read_model_folder and the adapter's own reader have found it to be in order.
    auto json = nlohmann::ordered_json::parse(read_text(config));
    json["base_model_name_or_path"] = model.base->folder;
    write_text(to / kAdapterConfigFile, json.dump(2) + "\n");
  }
  return model;
}

CardFacts write_card(const PublishSource& source, const ModelFolder& model, const fs::path& content,
                     const PublishOptions& options) {
  CardFacts facts{
      .model = model,
      .repo = options.repo,
      .base_model = options.base_model,
      .is_adapter = model.base.has_value(),
      .has_adapter = source.adapter.has_value(),
      .for_peft = fs::exists(content / kAdapterConfigFile) || fs::exists(content / "adapter" / kAdapterConfigFile),
      .licence_link = options.licence_link,
      .datasets = options.datasets,
      .tags = options.tags,
      .results = run_results(source.metrics, source.training)};
  for (const std::string& file : options.evaluations) facts.results.push_back(evaluation_result(file));
  write_text(content / "README.md", hub_card(facts, read_text(fs::path(source.model) / "README.md")));
  return facts;
}

/// What an upload would make public by mistake.
void refuse_token(const fs::path& file) {
  const char* token = std::getenv("HF_TOKEN");
  if (token == nullptr || *token == '\0' || file.extension() == ".safetensors") return;
  if (read_text(file).find(token) == std::string::npos) return;
  throw ModelError(file.filename().string() + ": would hold the value of HF_TOKEN; take it out of the source's file");
}

std::vector<Published::File> write_sums(const fs::path& content) {
  std::vector<Published::File> files;
  for (const auto& entry : fs::recursive_directory_iterator(content)) {
    if (!entry.is_regular_file()) continue;
    refuse_token(entry.path());
    files.push_back({entry.path().lexically_relative(content).string(), static_cast<int64_t>(entry.file_size()),
                     sha256_of_file(entry.path().string())});
  }
  std::ranges::sort(files, {}, &Published::File::name);
  std::string sums;
  for (const Published::File& file : files) sums += file.sha256 + "  " + file.name + "\n";
  write_text(content / kSumsFile, sums);
  return files;
}

namespace fs = std::filesystem;

}  // namespace

void PublishOptions::validate() const {
  require_repo_name(repo, "--repo");
  if (!base_model.empty()) require_repo_name(base_model, "--base-model");
  for (const std::string& name : datasets) require_repo_name(name, "--dataset");
  if (revision.empty() || revision.starts_with('-')) throw UsageError("--revision: name a branch");
  for (const std::string& line : attribution) {
    if (trim(line).empty() || line.find('\n') != std::string::npos) {
      throw UsageError("--attribution: write one line that names the data, its owner and its licence");
    }
  }
}

Published publish(const PublishOptions& options) {
  options.validate();
  const PublishSource source = find_publish_source(options.source);
  const fs::path output = fs::path(options.output.empty() ? source.default_output : options.output).lexically_normal();
  const fs::path folder = output.has_filename() ? output : output.parent_path();
  check_output(folder, options.overwrite);
  if (lies_in(source.model, folder.string()))
    throw UsageError(folder.string() + ": is what is published; name another folder with -o.");
  if (read_model_folder(source.model).base && options.base_model.empty()) {
    throw UsageError(source.model +
                     ": is an adapter; pass --base-model user/name, where others find its base on the Hub");
  }
  const Stage stage(folder);
  const fs::path content = stage.content(), adapter = content / "adapter";

  const ModelFolder model = write_part(source.model, content, options, stage);
  if (source.adapter) write_part(*source.adapter, adapter, options, stage);
  copy_if_there(source.training, content / "training.json");
  copy_if_there(source.metrics, content / "metrics.jsonl");
  const CardFacts facts = write_card(source, model, content, options);

  log_debug("reading the folder again and comparing its predictions");
  Published result{.folder = folder.string(), .kind = model.base ? "adapter" : "model"};
  result.files = write_sums(content);
  check_hub_card((content / "README.md").string(), facts);
  verify_model(content.string());
  result.compared = require_same_predictions(source.model, content.string());
  if (source.adapter) {
    verify_model(adapter.string());
    const ComparedPredictions more = require_same_predictions(*source.adapter, adapter.string());
    result.compared.class_maps += more.class_maps;
    result.compared.prompt_masks += more.prompt_masks;
  }
  stage.take_its_name();

  UploadOptions upload{
      .repo = options.repo, .revision = options.revision, .message = options.message, .is_private = options.is_private};
  if (upload.message.empty()) upload.message = "Publish " + model.description.name + " with plat";
  result.command = shell_line(upload_command("hf", result.folder, upload));
  if (options.upload) {
    const UploadResult done = upload_folder(result.folder, upload);
    result.client = done.client;
    result.url = done.url;
  }
  return result;
}

}  // namespace plat
