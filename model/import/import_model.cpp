// SPDX-License-Identifier: Apache-2.0
#include "model/import/import_model.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"
#include "model/files/config_json.hpp"
#include "model/files/safetensors.hpp"
#include "model/import/sam_shapes.hpp"
#include "model/import/transformers_names.hpp"
#include "model/import/weights_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCardFile = "README.md";
constexpr double kMetaDecoderEps = 1e-5;

/// An output's absolute path, and the folder above it made. Throws IoError where something is there that may not be replaced.
fs::path checked_target(const std::string& output, bool overwrite) {
  fs::path path = fs::absolute(output).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (fs::exists(path)) {
    if (!overwrite) throw IoError(output + ": exists already. Pass --overwrite to replace it.");
    const bool empty = fs::is_directory(path) && fs::is_empty(path);
    if (!empty && !fs::is_regular_file(path / kConfigFile))
      throw IoError(output + ": is no model folder, so it is not replaced. Name another folder.");
  }
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) throw IoError(output + ": the folder above it cannot be made: " + error.message());
  return path;
}

/// The configuration of a folder's config.json; false where the source has none.
bool read_configuration(const std::string& source, ModelFolder& model) {
  const fs::path file = fs::path(source) / kConfigFile;
  if (!fs::is_regular_file(file)) return false;
  if (fs::is_regular_file(fs::path(source) / kPreprocessorFile)) {
    const auto read = read_model_folder(source);
    if (read.config.class_decoder.classes > 0) {
      throw ModelError(source + ": is a model of plat's already; use it as it is");
    }
    model = read;
    return true;
  }
  std::ifstream in(file, std::ios::binary);
  const auto content = nlohmann::json::parse(in, nullptr, false);
  if (content.is_discarded()) throw ModelError(file.string() + ": is not valid JSON");
  detail::JsonSection section(content, file.string(), "");
  model.config = detail::read_sam_config(section);
  return true;
}

ModelFolder describe(const std::string& source, const detail::TensorShapes& shapes, bool meta_names) {
  ModelFolder model;
  const bool configured = read_configuration(source, model);
  if (!configured) {
    model.config = detail::config_of(shapes, source);
    // Whoever wrote Meta's names ran Meta's code, whose decoder normalises with torch's own default.
    if (meta_names) model.config.mask_decoder.layer_norm_eps = kMetaDecoderEps;
  }
  detail::check_shapes(shapes, model.config, source);
  if (model.config.encoder_only) {
    // What the published weights were trained on: pixels from -1 to 1.
    model.description.mean = {127, 127, 127};
    model.description.deviation = {128, 128, 128};
  }
  model.description.architecture = model.config.architecture();
  model.description.tile_size = model.config.image_size();
  model.description.overlap = std::min(model.description.overlap, model.description.tile_size / 4);
  return model;
}

/// Every part of a file belongs to one tensor, so tensors that share their numbers a thousand times are an attack on the
/// disk.
void check_size(const detail::NamedTensors& tensors, const std::vector<std::string>& files, const std::string& source) {
  double needed = 0, there = 0;
  for (const auto& [name, tensor] : tensors) {
    double size = static_cast<double>(tensor.element_bytes);
    for (const int64_t side : tensor.shape) size *= static_cast<double>(side);
    needed += size;
  }
  for (const std::string& file : files) there += static_cast<double>(fs::file_size(file));
  if (needed > there) throw ModelError(source + ": its tensors would hold more numbers than the file; it is damaged");
}

std::string card(const ImportReport& report, bool half) {
  const ModelDescription& d = report.model.description;
  std::string files;
  for (const std::string& file : report.files) {
    files += (files.empty() ? "" : ", ") + ("`" + fs::path(file).filename().string() + "`");
  }
  std::string text = "---\n";
  if (!d.licence.empty()) text += "license: " + d.licence + "\n";
  const bool encoder = report.model.config.encoder_only;
  text += std::string("library_name: plat\npipeline_tag: ") +
          (encoder ? "image-feature-extraction\n" : "mask-generation\ntags:\n- segment-anything\n") + "---\n# " +
          d.name + "\n\n";
  const std::string what =
      encoder
          ? "An image encoder (" + d.architecture + ") to start training from: `plat train --encoder`. "
          : "A Segment Anything network (" + d.architecture + ") without classes: it answers point and box prompts. ";
  text += what + "Imported by `plat models import` from " + files + "; the numbers are " +
          (half ? "rounded to float16" : "those of the original") + ".\n\n";
  text += "Licence, training data and limits are those of the original weights.\n";
  return text;
}

}  // namespace

void ImportOptions::validate() const {
  if (gsd_m && (!(*gsd_m > 0) || !std::isfinite(*gsd_m))) throw UsageError("gsd_m must be positive");
}

ImportReport import_model(const std::string& source, const std::string& output, const ImportOptions& options) {
  options.validate();
  std::error_code error;
  if (fs::equivalent(source, output, error))
    throw UsageError(output + ": is what is to be imported; name another folder");
  const detail::WeightsFile checkpoint(source);
  const detail::NamedTensors tensors = detail::transformers_names(checkpoint.tensors(), source);
  const bool meta_names = std::none_of(checkpoint.tensors().begin(), checkpoint.tensors().end(), [](const auto& item) {
    return item.first.find("vision_encoder.") != std::string::npos;
  });
  detail::TensorShapes shapes;
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.shape;

  ImportReport report;
  report.model = describe(source, shapes, meta_names);
  report.files = checkpoint.files();
  check_size(tensors, report.files, source);
  const fs::path target = checked_target(output, options.overwrite);
  StagedPath staged(target.string(), StagedPath::Kind::Folder);
  const fs::path folder = staged.path();
  ModelDescription& d = report.model.description;
  d.name = !options.name.empty() ? options.name : target.filename().string();
  d.licence = options.licence;
  if (options.gsd_m) d.gsd_m = options.gsd_m;

  std::deque<std::vector<std::byte>> buffers;  // of tensors that cannot be copied from the file as they are
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    views[name] = detail::packed(tensor, options.half ? detail::Precision::Half : detail::Precision::Kept,
                                 buffers.emplace_back(), source + ": '" + name + "'");
    report.parameters += static_cast<int64_t>(views[name].bytes.size()) / bytes_of(views[name].type);
  }
  report.tensors = static_cast<int64_t>(views.size());
  // transformers reads no file that does not say which framework's layout it has.
  const std::string weights = (folder / kWeightsFile).string();
  write_safetensors(weights, views, {{"format", "pt"}});
  report.bytes = static_cast<int64_t>(fs::file_size(weights));
  write_model_folder(report.model, folder.string());
  std::ofstream out(folder / kCardFile, std::ios::binary);
  out << card(report, options.half);
  out.close();
  if (!out) throw IoError(output + ": cannot be written; check that there is room");
  staged.commit();
  return report;
}

}  // namespace plat
