// SPDX-License-Identifier: Apache-2.0
#include "model/files/model_folder.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/config_json.hpp"
#include "model/files/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace plat {
namespace {

using detail::JsonSection;
using detail::read_json;
using detail::write_json;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;
/// The resolution of a model with classes that does not name its own, in metres.
constexpr double kClassesGsd = 0.3;

std::vector<ClassDescription> read_classes(JsonSection& plat, const std::string& file) {
  std::vector<ClassDescription> classes;
  const json* list = plat.find("classes");
  if (list == nullptr) return classes;
  if (!list->is_array()) plat.fail("classes", "must be a list");
  for (std::size_t i = 0; i < list->size(); ++i) {
    JsonSection section((*list)[i], file, plat.path("classes[" + std::to_string(i) + "]"));
    ClassDescription c;
    auto& t = c.thresholds;
    section.read("name", c.name);
    section.read("extent", t.extent);
    section.read("boundary_weight", t.boundary_weight);
    section.read("smoothing_px", t.smoothing_px);
    section.read("seed_contrast", t.seed_contrast);
    section.read("min_score", t.min_score);
    section.read("min_area_m2", t.min_area_m2);
    section.read("close_gap_px", t.close_gap_px);
    section.read("squared", c.squared);
    section.reject_unknown();
    if (c.name.empty()) section.fail("name", "is missing");
    if (!(t.extent > 0 && t.extent < 1)) section.fail("extent", "must lie between 0 and 1");
    if (!(t.boundary_weight >= 0)) section.fail("boundary_weight", "must not be negative");
    if (!(t.smoothing_px >= 0 && t.smoothing_px <= 20)) section.fail("smoothing_px", "must lie between 0 and 20");
    if (!(t.seed_contrast > 0 && t.seed_contrast <= 1)) section.fail("seed_contrast", "must lie between 0 and 1");
    if (!(t.min_score >= 0 && t.min_score <= 1)) section.fail("min_score", "must lie between 0 and 1");
    if (!(t.min_area_m2 >= 0)) section.fail("min_area_m2", "must not be negative");
    if (!(t.close_gap_px >= 0 && t.close_gap_px <= 20)) section.fail("close_gap_px", "must lie between 0 and 20");
    classes.push_back(std::move(c));
  }
  return classes;
}

json write_classes(const std::vector<ClassDescription>& classes) {
  json list = json::array();
  for (const auto& c : classes) {
    const auto& t = c.thresholds;
    list.push_back({{"name", c.name},
                    {"extent", t.extent},
                    {"boundary_weight", t.boundary_weight},
                    {"smoothing_px", t.smoothing_px},
                    {"seed_contrast", t.seed_contrast},
                    {"min_score", t.min_score},
                    {"min_area_m2", t.min_area_m2},
                    {"close_gap_px", t.close_gap_px},
                    {"squared", c.squared}});
  }
  return list;
}

std::string folder_name(const std::string& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

void read_plat(JsonSection plat, const std::string& file, ModelFolder& model) {
  ModelDescription& d = model.description;
  plat.require("format", kFormatVersion);
  plat.read("name", d.name);
  plat.require("architecture", d.architecture);
  d.classes = read_classes(plat, file);
  if (double gsd_m = kClassesGsd; plat.read("gsd_m", gsd_m) || !d.classes.empty()) d.gsd_m = gsd_m;
  plat.read("bands", d.bands);
  plat.read("tile_size", d.tile_size);
  plat.read("overlap", d.overlap);
  plat.read("licence", d.licence);
  plat.read("training_data", d.training_data);
  model.config.class_decoder = detail::read_class_decoder(plat.section("class_decoder"));
  model.config.class_decoder.classes = static_cast<int64_t>(d.classes.size());
  plat.read("bottleneck", model.config.adapters.bottleneck);
  if (plat.find("base") != nullptr) {
    JsonSection base = plat.section("base");
    model.base.emplace();
    base.read("folder", model.base->folder);
    base.read("sha256", model.base->sha256);
    base.reject_unknown();
    if (model.base->folder.empty()) base.fail("folder", "is missing");
  }
  plat.reject_unknown();
}

/// What another program's adapter makes of its base: the base's texts, under the adapter's name.
ModelFolder read_foreign_adapter(const std::string& folder) {
  const std::string file = (fs::path(folder) / kAdapterConfigFile).string();
  const json content = read_json(file);
  JsonSection section(content, file, "");
  AdapterBase base;
  section.read("base_model_name_or_path", base.folder);
  if (base.folder.empty()) section.fail("base_model_name_or_path", "is missing");
  ModelFolder model = read_model_folder(read_adapter(folder, base).base);
  model.description.name = folder_name(folder);
  model.base = base;
  return model;
}

/// What a description and its network must agree on; `where` names the file in errors.
void validate(const ModelFolder& model, const std::string& where) {
  const ModelDescription& d = model.description;
  const auto require = [&](bool good, const std::string& what) {
    if (!good) throw ModelError(where + ": " + what);
  };
  try {
    model.config.validate();
  } catch (const ModelError& error) {
    throw ModelError(where + ": " + error.what());
  }
  require(!d.gsd_m || (*d.gsd_m >= 1e-4 && *d.gsd_m <= 1e5), "'plat.gsd_m' must be positive, from 0.0001 to 100000 m");
  require(d.bands.size() == 3, "'plat.bands' must name 3 bands");
  const int64_t step = model.config.image_step();
  require(d.tile_size >= step && d.tile_size <= 65536 && d.tile_size % step == 0,
          "'plat.tile_size' must be a multiple of " + std::to_string(step));
  require(d.overlap >= 0 && d.overlap < d.tile_size, "'plat.overlap' must lie between 0 and tile_size");
  require(static_cast<int64_t>(d.classes.size()) == model.config.class_decoder.classes,
          "the network and the description have different numbers of classes");
  require(d.architecture == model.config.architecture(),
          "'plat.architecture' must be " + model.config.architecture() + ", as the network is");
  for (std::size_t i = 0; i < d.mean.size(); ++i) {
    require(std::isfinite(d.mean[i]) && d.deviation[i] > 0 && std::isfinite(d.deviation[i]),
            "the image's mean and standard deviation must be finite, the deviation positive");
  }
}

void read_preprocessor(const fs::path& path, ModelDescription& d) {
  const json content = read_json(path.string());
  JsonSection section(content, path.string(), "");
  double factor = 1.0 / 255;
  section.read("rescale_factor", factor);
  if (!(factor > 0)) section.fail("rescale_factor", "must be positive");
  const auto read_bands = [&](const std::string& key, std::array<float, 3>& bands) {
    std::vector<double> values;
    if (!section.read(key, values)) return;
    if (values.size() != bands.size()) section.fail(key, "must have 3 numbers");
    for (std::size_t i = 0; i < bands.size(); ++i) bands[i] = static_cast<float>(values[i] / factor);
  };
  read_bands("image_mean", d.mean);
  read_bands("image_std", d.deviation);
}

json write_preprocessor(const ModelDescription& d, int64_t image_size) {
  const auto scaled = [](const std::array<float, 3>& bands) {
    json list = json::array();
    for (const float value : bands) list.push_back(static_cast<double>(value) / 255);
    return list;
  };
  return {{"image_processor_type", "SamImageProcessor"},
          {"processor_class", "SamProcessor"},
          {"do_convert_rgb", true},
          {"do_normalize", true},
          {"do_pad", true},
          {"do_rescale", true},
          {"do_resize", true},
          {"image_mean", scaled(d.mean)},
          {"image_std", scaled(d.deviation)},
          {"pad_size", {{"height", image_size}, {"width", image_size}}},
          {"resample", 2},
          {"rescale_factor", 1.0 / 255},
          {"size", {{"longest_edge", image_size}}}};
}

}  // namespace

ModelFolder read_model_folder(const std::string& folder) {
  const fs::path root(folder);
  if (!fs::is_directory(root)) throw ModelError(folder + ": no such model folder");
  if (!fs::exists(root / kConfigFile) && fs::exists(root / kAdapterConfigFile)) return read_foreign_adapter(folder);
  const std::string file = (root / kConfigFile).string();
  const json content = read_json(file);
  JsonSection section(content, file, "");
  ModelFolder model;
  model.config = detail::read_sam_config(section);
  ModelDescription& d = model.description;
  d.name = folder_name(folder);
  d.architecture = model.config.architecture();
  d.tile_size = model.config.image_size();
  d.overlap = std::min(d.overlap, d.tile_size / 4);
  if (section.find("plat") != nullptr) read_plat(section.section("plat"), file, model);
  read_preprocessor(root / kPreprocessorFile, d);
  validate(model, file);
  return model;
}

void write_model_folder(const ModelFolder& model, const std::string& folder) {
  const ModelDescription& d = model.description;
  const fs::path root(folder);
  validate(model, folder);
  json config = detail::write_sam_config(model.config);
  config["plat"] = {{"format", kFormatVersion},
                    {"name", d.name},
                    {"architecture", d.architecture},
                    {"classes", write_classes(d.classes)},
                    {"bands", d.bands},
                    {"tile_size", d.tile_size},
                    {"overlap", d.overlap},
                    {"licence", d.licence},
                    {"training_data", d.training_data}};
  if (d.gsd_m) config["plat"]["gsd_m"] = *d.gsd_m;
  if (!d.classes.empty()) config["plat"]["class_decoder"] = detail::write_class_decoder(model.config.class_decoder);
  if (model.config.adapters.bottleneck > 0) config["plat"]["bottleneck"] = model.config.adapters.bottleneck;
  if (model.base) config["plat"]["base"] = {{"folder", model.base->folder}, {"sha256", model.base->sha256}};
  write_json((root / kConfigFile).string(), config);
  write_json((root / kPreprocessorFile).string(), write_preprocessor(d, model.config.image_size()));
}

}  // namespace plat
