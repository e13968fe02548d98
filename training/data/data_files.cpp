// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_files.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/mask_values.hpp"
#include "geo/raster_reader.hpp"
#include "geo/vector_info.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <set>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr std::array kRasters = {".tif", ".tiff", ".vrt", ".jp2", ".img", ".png", ".jpg", ".jpeg", ".bmp", ".webp"};
constexpr std::array kVectors = {".geojson", ".geojsonl", ".geojsons", ".gpkg",   ".shp",    ".fgb",
                                 ".gml",     ".kml",      ".gdb",      ".sqlite", ".parquet"};
constexpr std::array kLists = {".txt", ".csv", ".tsv"};
constexpr std::array kSideFiles = {".xml", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".sbn",
                                   ".sbx", ".ovr", ".tfw", ".wld", ".pgw", ".jgw"};
constexpr std::array kLabelWords = {
    "mask",    "masks",       "label",        "labels", "gt",           "annotation", "annotations", "target",
    "targets", "groundtruth", "ground_truth", "truth",  "segmentation", "footprints", "polygons",    "seg"};
constexpr std::array kImageWords = {"image", "images", "img", "rgb", "sat", "scene", "ortho"};

template <std::size_t N>
bool is_one_of(const std::string& text, const std::array<const char*, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// Takes a word and what separates it off either end of a stem; whether there was one.
template <std::size_t N>
bool strip_word(std::string& stem, const std::array<const char*, N>& words) {
  if (is_one_of(stem, words)) {
    stem.clear();
    return true;
  }
  constexpr std::string_view kSeparators = "_-. ";
  for (const std::string_view word : words) {
    if (stem.size() <= word.size() + 1) continue;
    const std::size_t before = stem.size() - word.size() - 1;
    if (stem.ends_with(word) && kSeparators.find(stem[before]) != std::string_view::npos) {
      stem.resize(before);
      return true;
    }
    if (stem.starts_with(word) && kSeparators.find(stem[word.size()]) != std::string_view::npos) {
      stem.erase(0, word.size() + 1);
      return true;
    }
  }
  return false;
}

/// The JSON's outermost two levels: enough to tell what it is, whatever its size.
nlohmann::json outline(const std::string& path) {
  const auto shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth <= 2; };
  return nlohmann::json::parse(read_text_file(path), shallow, false);
}

DataKind json_kind(const std::string& path) {
  const nlohmann::json json = outline(path);
  if (json.is_discarded()) throw DataError(path + ": no valid JSON; write it again or leave it out");
  if (!json.is_object()) return DataKind::Other;
  const std::string type = json.contains("type") && json["type"].is_string() ? json["type"].get<std::string>() : "";
  if (type == "Catalog" || type == "Collection") return DataKind::StacCatalog;
  if (type == "Feature" && json.contains("assets")) return DataKind::StacItem;
  if (type == "FeatureCollection" && json.contains("features") && json["features"].is_array() &&
      !json["features"].empty() && json["features"][0].is_object() && json["features"][0].contains("assets")) {
    return DataKind::StacItem;
  }
  if (json.contains("images") && json.contains("annotations")) return DataKind::Coco;
  if (json.contains("_via_img_metadata")) return DataKind::Via;
  if (!json.empty() && std::all_of(json.begin(), json.end(), [](const nlohmann::json& entry) {
        return entry.is_object() && entry.contains("filename") && entry.contains("regions");
      })) {
    return DataKind::Via;
  }
  return type.empty() ? DataKind::Other : DataKind::Vector;
}

DataKind opened_kind(const std::string& path) {
  try {
    inspect_raster(path);
    return DataKind::Raster;
  } catch (const IoError&) {
    // Whether it is a vector file is asked next, and that answer stands.
  }
  inspect_vector(path);
  return DataKind::Vector;
}

}  // namespace

DataKind known_kind(const std::string& path) {
  const std::string extension = lower(fs::path(path).extension().string());
  if (is_one_of(extension, kRasters)) return DataKind::Raster;
  if (is_one_of(extension, kVectors)) return DataKind::Vector;
  if (fs::is_directory(path)) return DataKind::Folder;
  if (extension == ".json") return json_kind(path);
  return is_one_of(extension, kLists) ? DataKind::List : DataKind::Other;
}

DataKind data_kind(const std::string& path) {
  const DataKind kind = known_kind(path);
  return kind == DataKind::Other ? opened_kind(path) : kind;
}

bool is_side_file(const std::string& path) { return is_one_of(lower(fs::path(path).extension().string()), kSideFiles); }

DataName data_name(const std::string& path, const std::string& root, bool root_counts) {
  DataName name;
  const fs::path file = fs::path(path).lexically_normal();
  const fs::path base = fs::path(root).lexically_normal();
  if (root_counts) name.folders.push_back(lower((base / ".").lexically_normal().parent_path().filename().string()));
  for (const fs::path& part : file.lexically_relative(base).parent_path()) name.folders.push_back(lower(part.string()));
  for (const std::string& folder : name.folders) {
    std::string rest = folder;
    name.says_labels = name.says_labels || strip_word(rest, kLabelWords);
  }
  name.stem = lower(file.stem().string());
  if (strip_word(name.stem, kLabelWords)) {
    name.says_labels = true;
  } else {
    strip_word(name.stem, kImageWords);
  }
  return name;
}

int64_t partner(const DataName& file, const std::vector<const DataName*>& others) {
  const auto agreement = [&file](const DataName& other) {
    const auto& a = file.folders;
    const auto& b = other.folders;
    const auto front = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const auto back = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
    return front + back;
  };
  int64_t best = -1;
  std::ptrdiff_t most = -1;
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (others[i]->stem != file.stem) continue;
    const std::ptrdiff_t found = agreement(*others[i]);
    if (found == most) best = -1;
    if (found > most) {
      best = static_cast<int64_t>(i);
      most = found;
    }
  }
  return best;
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  for (auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    const bool data_set = lower(entry->path().extension().string()) == ".gdb";
    if (entry->is_directory() && (name.starts_with(".") || data_set)) entry.disable_recursion_pending();
    if (!name.starts_with(".") && (data_set || entry->is_regular_file())) files.push_back(entry->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> rasters_in(const std::string& path) {
  if (known_kind(path) != DataKind::Folder) return {path};
  std::vector<std::string> files;
  for (const std::string& file : files_below(path)) {
    if (!is_side_file(file) && known_kind(file) == DataKind::Raster) files.push_back(file);
  }
  return files;
}

bool looks_like_mask(const std::string& path) {
  constexpr int64_t kRows = 256;
  const RasterInfo info = inspect_raster(path);
  if (info.roles.size() != 1 || info.pixel_type.starts_with("Float") || info.pixel_type.starts_with("C")) return false;
  RasterOptions options;
  options.bands = {"1"};
  RasterReader reader(path, options);
  std::set<float> values;
  for (int64_t row = 0; row < reader.grid().height; row += kRows) {
    const RasterBlock block = reader.read({0, row, reader.grid().width, std::min(kRows, reader.grid().height - row)});
    values.insert(block.pixels.data(), block.pixels.data() + block.pixels.size());
    if (values.size() > kMaxClasses) return false;
  }
  return true;
}

std::string file_name(const std::string& path) { return fs::path(path).filename().string(); }

}  // namespace plat
