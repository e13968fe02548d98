// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"
#include "geo/feature_io.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace plat::detail {

/// What a layer says of itself.
struct LayerHead {
  std::string name;
  Crs crs;
};

/// A feature of a layer that is being read; lives as long as the call that it is handed to.
class ScannedFeature {
 public:
  ScannedFeature(OGRFeatureH feature, const std::vector<std::pair<std::string, OGRFieldType>>& columns,
                 bool north_first)
      : feature_(feature), columns_(columns), north_first_(north_first) {}
  /// Null where it has none.
  OGRGeometryH geometry() const { return OGR_F_GetGeometryRef(feature_); }
  /// Whether its coordinates come as north, east.
  bool north_first() const { return north_first_; }
  std::vector<std::pair<std::string, AttributeValue>> attributes() const;

 private:
  OGRFeatureH feature_;
  const std::vector<std::pair<std::string, OGRFieldType>>& columns_;
  bool north_first_;
};

/// The layer of this name; of no name the only one that has features. Throws DataError naming those to choose from.
OGRLayerH choose_layer(GDALDatasetH dataset, const std::string& path, const std::string& name);

/// Calls `take` for each feature of a layer, chosen as by choose_layer. Throws IoError, DataError.
LayerHead scan_layer(const std::string& path, const std::string& layer,
                     const std::function<void(const ScannedFeature&)>& take);

}  // namespace plat::detail
