// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/data_pool.hpp"
#include "training/data/stac_reader.hpp"

#include <set>
#include <string>
#include <vector>

namespace plat {

/// Pairs that files state themselves: lists, annotation files, STAC. What they pair, or name without success, is nobody
/// else's to find.
class StatedPairs {
 public:
  /// Adds to `found`, which must outlive this. `class_attribute` is that of read_annotations.
  StatedPairs(FoundData& found, std::string class_attribute, Crs assign_crs, Crs labels_crs, std::string layer);

  /// Of a list; its images without labels come back.
  std::vector<DataFile> add_list(const std::string& path);
  /// Of a COCO or VIA file, whose images lie beside it, in an images folder near it, or among `candidates`.
  void add_annotations(const std::string& path, DataKind kind, const std::vector<DataFile>& candidates);
  /// Of a STAC item, catalogue or collection.
  void add_stac(const std::string& path);

  /// Takes out of a pool what is used here.
  void drop_used(DataPool& pool) const;

 private:
  void add_item(const StacPair& item);
  void use(const std::string& path);
  bool is_used(const std::string& path) const;

  FoundData& found_;
  std::string class_attribute_;
  Crs assign_crs_;
  Crs labels_crs_;
  std::string layer_;
  std::set<std::string> used_;
};

/// Whether a path is one of GDAL's virtual ones, or an address.
bool is_virtual(const std::string& path);

}  // namespace plat
