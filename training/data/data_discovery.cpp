// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_discovery.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "training/data/stated_pairs.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace plat {
namespace {

namespace fs = std::filesystem;

void require_there(const std::string& path) {
  if (!is_virtual(path) && !fs::exists(path)) throw IoError(path + ": no such file or folder. Check the path");
}

/// Collects what the inputs hold, then pairs it.
class Finder {
 public:
  explicit Finder(const DataInputs& inputs)
      : inputs_(inputs), stated_(found_, inputs.class_attribute, inputs.assign_crs, inputs.labels_crs, inputs.layer) {
    pool_.assign_crs = inputs.assign_crs;
    pool_.labels_crs = inputs.labels_crs;
    pool_.layer = inputs.layer;
  }

  FoundData find() {
    for (const std::string& path : inputs_.data) add(path);
    sort_out_masks();
    images_ = pool_.images.size();
    labels_ = pool_.masks.size() + pool_.layers.size() + annotations_.size();
    for (const std::string& path : stac_) stated_.add_stac(path);
    for (const auto& [path, kind] : annotations_) stated_.add_annotations(path, kind, pool_.images);
    stated_.drop_used(pool_);
    add_named();
    pair_by_name(pool_, found_);
    pair_by_place(pool_, found_);
    for (const auto& [extension, count] : others_)
      found_.left_out.push_back(
          {"*" + extension, std::to_string(count) + (count == 1 ? " file" : " files") + ", neither images nor labels"});
    if (found_.images.empty()) throw DataError(nothing_paired());
    return std::move(found_);
  }

 private:
  void add(const std::string& path) {
    require_there(path);
    const DataKind kind = data_kind(path);
    if (kind != DataKind::Folder) {
      add_file(path, fs::path(path).parent_path().string(), true, kind);
      return;
    }
    // A catalogue says what belongs together: then nothing is guessed from names.
    for (const char* name : {"catalog.json", "collection.json"}) {
      const std::string catalogue = (fs::path(path) / name).string();
      if (!fs::exists(catalogue) || known_kind(catalogue) != DataKind::StacCatalog) continue;
      stac_.push_back(catalogue);
      return;
    }
    for (const std::string& file : files_below(path)) {
      throw_if_cancelled();
      if (is_side_file(file)) continue;
      try {
        const DataKind found = known_kind(file);
        // Lists are for who names them: any other table may end like one.
        if (found == DataKind::Other || found == DataKind::List) {
          ++others_[lower(fs::path(file).extension().string())];
        } else {
          add_file(file, path, inputs_.data.size() > 1, found);
        }
      } catch (const DataError& error) {
        found_.left_out.push_back({file, error.what()});
      }
    }
  }

  void add_file(const std::string& path, const std::string& root, bool root_counts, DataKind kind) {
    DataFile file{path, data_name(path, root, root_counts)};
    switch (kind) {
      case DataKind::Raster: (file.name.says_labels ? pool_.masks : pool_.images).push_back(std::move(file)); break;
      case DataKind::Vector: pool_.layers.push_back(std::move(file)); break;
      case DataKind::Coco:
      case DataKind::Via: annotations_.emplace_back(path, kind); break;
      case DataKind::StacItem:
      case DataKind::StacCatalog: stac_.push_back(path); break;
      case DataKind::List:
        for (DataFile& image : stated_.add_list(path)) pool_.images.push_back(std::move(image));
        break;
      default: throw DataError(path + ": neither an image nor labels; docs/formats.md says what training reads");
    }
  }

  /// Rasters that do not say what they are: those with one band of few values are masks.
  void sort_out_masks() {
    std::vector<DataFile> images;
    for (DataFile& file : pool_.images) {
      throw_if_cancelled();
      bool mask = false;
      try {
        mask = looks_like_mask(file.path);
      } catch (const Error& error) {
        if (dynamic_cast<const Cancelled*>(&error) != nullptr) throw;
        // Pairing meets it again and says what is wrong with it.
      }
      (mask ? pool_.masks : images).push_back(std::move(file));
    }
    pool_.images = std::move(images);
  }

  /// What --scenes and --labels name: each scene with all labels that lie on it, whatever their names.
  void add_named() {
    DataPool named;
    named.assign_crs = inputs_.assign_crs;
    named.labels_crs = inputs_.labels_crs;
    named.layer = inputs_.layer;
    for (const std::string& path : inputs_.scenes) {
      require_there(path);
      const std::vector<std::string> files = fs::is_directory(path) ? files_below(path) : std::vector{path};
      for (const std::string& file : files) {
        if (file == path || known_kind(file) == DataKind::Raster)
          named.images.push_back({file, data_name(file, fs::path(file).parent_path().string(), false)});
      }
    }
    for (const std::string& path : inputs_.labels) {
      require_there(path);
      DataFile file{path, data_name(path, fs::path(path).parent_path().string(), false)};
      (data_kind(path) == DataKind::Raster ? named.masks : named.layers).push_back(std::move(file));
    }
    images_ += named.images.size();
    labels_ += named.masks.size() + named.layers.size();
    if (!named.images.empty() && !(named.masks.empty() && named.layers.empty())) {
      pair_by_place(named, found_);
      return;
    }
    for (const auto& [from, to] :
         {std::pair{&named.images, &pool_.images}, {&named.masks, &pool_.masks}, {&named.layers, &pool_.layers}})
      to->insert(to->end(), from->begin(), from->end());
  }

  std::string nothing_paired() const {
    std::vector<std::string> inputs = inputs_.data;
    inputs.insert(inputs.end(), inputs_.scenes.begin(), inputs_.scenes.end());
    inputs.insert(inputs.end(), inputs_.labels.begin(), inputs_.labels.end());
    std::string text = some_of(inputs) + ": ";
    if (images_ == 0 && stac_.empty()) {
      text += "no image is there; docs/formats.md says what training reads";
    } else if (labels_ == 0 && stac_.empty()) {
      text += std::to_string(images_) + (images_ == 1 ? " image" : " images") +
              " but no labels; add a layer, masks, COCO or VIA annotations";
    } else {
      text += "no image could be paired with labels";
    }
    std::vector<std::string> reasons;
    // Labels say most about what is wrong; images only lack them, and that is said already where there are none.
    for (const bool of_images : {false, true}) {
      if (of_images && labels_ == 0) break;
      for (const LeftOut& left : found_.left_out) {
        if (left.path.starts_with("*") || left.reason.starts_with("no labels are named like it") != of_images) continue;
        const std::string name = left.reason.starts_with(left.path) ? "" : file_name(left.path) + " ";
        reasons.push_back(name + left.reason);
      }
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(reasons.size(), 3); ++i)
      text += (i == 0 ? ": " : "; ") + reasons[i];
    return text;
  }

  const DataInputs& inputs_;
  FoundData found_;
  StatedPairs stated_;
  DataPool pool_;
  std::vector<std::pair<std::string, DataKind>> annotations_;
  std::vector<std::string> stac_;
  std::map<std::string, int64_t> others_;  ///< files of no use, by extension
  std::size_t images_ = 0;
  std::size_t labels_ = 0;
};

}  // namespace

FoundData find_training_data(const DataInputs& inputs) { return Finder(inputs).find(); }

}  // namespace plat
