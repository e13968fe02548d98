// SPDX-License-Identifier: Apache-2.0
#include "training/data/stac_reader.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "training/data/data_list.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

namespace plat {
namespace {

using Json = nlohmann::json;

Json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw IoError(path + ": no such file. Check the path");
  Json json = Json::parse(file, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    throw DataError(path + ": no valid JSON; write it again or leave it out");
  return json;
}

bool has_role(const Json& asset, const std::set<std::string>& roles) {
  const auto is_one = [&roles](const Json& role) {
    return role.is_string() && roles.contains(lower(role.get<std::string>()));
  };
  const Json named = asset.value("roles", Json::array());
  const Json mlaoi = asset.value("ml-aoi:role", Json());
  return is_one(mlaoi) || std::any_of(named.begin(), named.end(), is_one);
}

bool is_labels(const Json& asset) {
  static const std::set<std::string> kRoles = {"label",      "labels",      "labels-vector", "labels-raster",
                                               "annotation", "annotations", "mask"};
  return has_role(asset, kRoles);
}

/// Whether an asset only goes with the data.
bool is_extra(const Json& asset) { return has_role(asset, {"thumbnail", "overview", "metadata"}); }

/// Whether an asset can be the pixels of an item.
bool is_image(const std::string& key, const Json& asset) {
  static const std::set<std::string> kKeys = {"data", "image", "visual", "rgb", "chips"};
  if (is_extra(asset) || is_labels(asset)) return false;
  const auto type = asset.value("type", std::string());
  return has_role(asset, {"data", "visual", "feature"}) || type.starts_with("image/") || kKeys.contains(lower(key));
}

bool has_label_extension(const Json& item) {
  const Json extensions = item.value("stac_extensions", Json::array());
  return std::any_of(extensions.begin(), extensions.end(), [](const Json& name) {
    return name.is_string() && name.get<std::string>().find("label") != std::string::npos;
  });
}

class StacReader {
 public:
  void read(const std::string& path) {
    if (!seen_.insert(path).second) return;
    const Json json = read_json(path);
    const auto type = json.value("type", std::string());
    if (type == "FeatureCollection") {
      for (const Json& item : json.at("features")) read_item(item, path);
    } else if (type == "Feature") {
      read_item(json, path);
    } else {
      follow(json, path, {"child", "item", "items"});
    }
  }

  StacData finish() {
    for (const auto& [path, id] : images_only_) {
      if (!sources_.contains(path)) data_.without_labels.push_back(id);
    }
    return std::move(data_);
  }

 private:
  void follow(const Json& json, const std::string& path, const std::set<std::string>& relations) {
    for (const Json& link : json.value("links", Json::array())) {
      if (!relations.contains(link.value("rel", std::string()))) continue;
      const std::string target = resolved_path(link.at("href").get<std::string>(), path);
      if (target.starts_with("/vsi")) {
        data_.not_followed.push_back(link.at("href").get<std::string>());
      } else {
        read(target);
      }
    }
  }

  /// The images of an item: those named, or all that can be one; only `visual` where it shows the others' bands together.
  static std::vector<std::string> images_of(const Json& item, const std::string& path, const Json& wanted) {
    std::vector<std::string> images;
    const Json assets = item.value("assets", Json::object());
    for (const auto& [key, asset] : assets.items()) {
      const bool named = std::find(wanted.begin(), wanted.end(), Json(key)) != wanted.end();
      if (!wanted.empty() ? !named : !is_image(key, asset)) continue;
      const std::string image = resolved_path(asset.at("href").get<std::string>(), path);
      if (key == "visual") return {image};
      images.push_back(image);
    }
    return images;
  }

  void read_item(const Json& item, const std::string& path) {
    StacPair pair{path, item.value("id", std::string()), {}, {}};
    const Json assets = item.value("assets", Json::object());
    const bool roles = std::any_of(assets.begin(), assets.end(), is_labels);
    // Items of the label extension hold nothing but labels where no asset says what it is.
    const bool all_labels = !roles && has_label_extension(item);
    for (const Json& asset : assets) {
      if (is_labels(asset) || (all_labels && !is_extra(asset)))
        pair.labels.push_back(resolved_path(asset.at("href").get<std::string>(), path));
    }
    if (!all_labels) pair.images = images_of(item, path, Json::array());
    if (pair.labels.empty()) {
      if (!pair.images.empty()) images_only_.emplace_back(path, pair.id);
      return;
    }
    if (pair.images.empty()) add_sources(item, path, pair);
    data_.pairs.push_back(std::move(pair));
  }

  void add_sources(const Json& item, const std::string& path, StacPair& pair) {
    for (const Json& link : item.value("links", Json::array())) {
      const auto relation = link.value("rel", std::string());
      if (relation != "source" && relation != "derived_from") continue;
      const auto href = link.at("href").get<std::string>();
      const std::string source = resolved_path(href, path);
      if (source.starts_with("/vsi")) {
        data_.not_followed.push_back(href);
        continue;
      }
      sources_.insert(source);
      const std::vector<std::string> images =
          images_of(read_json(source), source, link.value("label:assets", Json::array()));
      pair.images.insert(pair.images.end(), images.begin(), images.end());
    }
  }

  StacData data_;
  std::set<std::string> seen_;
  std::set<std::string> sources_;  ///< items that labels were made on
  std::vector<std::pair<std::string, std::string>> images_only_;
};

}  // namespace

StacData read_stac(const std::string& path) {
  StacReader reader;
  try {
    reader.read(std::filesystem::path(path).lexically_normal().string());
    return reader.finish();
  } catch (const nlohmann::json::exception& error) {
    throw DataError(path + ": is no STAC as it should be: " + error.what());
  }
}

}  // namespace plat
