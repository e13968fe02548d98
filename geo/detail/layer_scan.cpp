// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/layer_scan.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/output_file.hpp"
#include "geo/detail/srs.hpp"
#include "geo/detail/vector_open.hpp"

#include <cstdint>

namespace plat::detail {
namespace {

/// Whether the layer's coordinates come as north, east: drivers that keep an authority's axis order say so.
bool is_north_first(OGRSpatialReferenceH srs) {
  if (srs == nullptr) return false;
  const SrsHandle traditional(OSRClone(srs));
  OSRSetAxisMappingStrategy(traditional.get(), OAMS_TRADITIONAL_GIS_ORDER);
  int count = 0;
  const int* axes = OSRGetDataAxisToSRSAxisMapping(srs, &count);
  int traditional_count = 0;
  const int* traditional_axes = OSRGetDataAxisToSRSAxisMapping(traditional.get(), &traditional_count);
  return count >= 2 && traditional_count >= 2 && axes[0] != traditional_axes[0];
}

AttributeValue attribute(OGRFeatureH feature, int index, OGRFieldType type) {
  if (OGR_F_IsFieldSetAndNotNull(feature, index) == 0) return std::monostate{};
  switch (type) {
    case OFTInteger:
    case OFTInteger64: return static_cast<int64_t>(OGR_F_GetFieldAsInteger64(feature, index));
    case OFTReal: return OGR_F_GetFieldAsDouble(feature, index);
    default: return std::string(OGR_F_GetFieldAsString(feature, index));
  }
}

OGRLayerH choose_layer(GDALDatasetH dataset, const std::string& path, const std::string& name) {
  const int count = GDALDatasetGetLayerCount(dataset);
  if (count == 0) throw DataError(path + ": holds no vector layer");
  if (name.empty()) {
    OGRLayerH first = GDALDatasetGetLayer(dataset, 0);
    if (count > 1) {
      log_info(path + ": " + std::to_string(count) + " layers; reading the first one, '" + OGR_L_GetName(first) + "'");
    }
    return first;
  }
  std::string names;
  for (int i = 0; i < count; ++i) {
    OGRLayerH layer = GDALDatasetGetLayer(dataset, i);
    if (name == OGR_L_GetName(layer)) return layer;
    names += std::string(i > 0 ? ", " : "") + OGR_L_GetName(layer);
  }
  throw DataError(path + ": no layer '" + name + "'; it has " + names);
}

}  // namespace

DatasetHandle open_vector(const std::string& path) {
  const GdalErrors errors;
  DatasetHandle dataset(
      GDALOpenEx(path.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr, nullptr, nullptr));
  if (dataset) return dataset;
  if (!path.starts_with("/vsi") && path.find(':') == std::string::npos && !path_exists(path)) {
    throw IoError(path + ": no such file. Check the path");
  }
  throw IoError(path + ": cannot be read as a vector file" + errors.suffix(path));
}

std::vector<std::pair<std::string, AttributeValue>> ScannedFeature::attributes() const {
  std::vector<std::pair<std::string, AttributeValue>> values;
  values.reserve(columns_.size());
  for (int i = 0; const auto& [name, type] : columns_) values.emplace_back(name, attribute(feature_, i++, type));
  return values;
}

LayerHead scan_layer(const std::string& path, const std::string& layer_name,
                     const std::function<void(const ScannedFeature&)>& take) {
  const DatasetHandle dataset = open_vector(path);
  GdalErrors errors;
  OGRLayerH layer = choose_layer(dataset.get(), path, layer_name);
  OGRSpatialReferenceH srs = OGR_L_GetSpatialRef(layer);
  const LayerHead head{OGR_L_GetName(layer), from_srs(srs)};
  const bool north_first = is_north_first(srs);

  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer);
  std::vector<std::pair<std::string, OGRFieldType>> columns;
  for (int i = 0; i < OGR_FD_GetFieldCount(definition); ++i) {
    OGRFieldDefnH field = OGR_FD_GetFieldDefn(definition, i);
    columns.emplace_back(OGR_Fld_GetNameRef(field), OGR_Fld_GetType(field));
  }

  errors.clear();
  OGR_L_ResetReading(layer);
  int64_t count = 0;
  while (const FeatureHandle source{OGR_L_GetNextFeature(layer)}) {
    ++count;
    take(ScannedFeature(source.get(), columns, north_first));
  }
  if (errors.failed() || errors.lost_data()) {
    throw IoError(path + ": damaged after " + std::to_string(count) + " features" + errors.suffix(path));
  }
  return head;
}

}  // namespace plat::detail
