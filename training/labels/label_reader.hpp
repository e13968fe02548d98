// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/labels/label_set.hpp"

#include <map>
#include <memory>
#include <string>

namespace plat {

/// Reads labels, each file once. Not thread-safe.
class LabelReader {
 public:
  /// `class_attribute` of layers tells the class; empty: they tell none. `labels_crs` stands in for layers that name no CRS;
  /// `layer` is that of read_features.
  LabelReader(std::string class_attribute, Crs labels_crs, std::string layer);
  /// Throws IoError, and DataError where the labels cannot be used or have no such attribute.
  std::shared_ptr<const LabelSet> read(const LabelSource& source);

 private:
  LabelSet read_layer(const std::string& path) const;

  std::string class_attribute_;
  Crs labels_crs_;
  std::string layer_;
  std::map<std::string, std::shared_ptr<const LabelSet>> known_;
};

}  // namespace plat
