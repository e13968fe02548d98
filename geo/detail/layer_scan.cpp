// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/layer_scan.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
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

std::string names_of(const std::vector<OGRLayerH>& layers) {
  std::vector<std::string> names;
  for (OGRLayerH layer : layers) names.emplace_back(OGR_L_GetName(layer));
  return some_of(names);
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

OGRLayerH choose_layer(GDALDatasetH dataset, const std::string& path, const std::string& name) {
  std::vector<OGRLayerH> layers;
  for (int i = 0; i < GDALDatasetGetLayerCount(dataset); ++i) layers.push_back(GDALDatasetGetLayer(dataset, i));
  if (layers.empty()) throw DataError(path + ": holds no vector layer");
  if (!name.empty()) {
    for (OGRLayerH layer : layers) {
      if (name == OGR_L_GetName(layer)) return layer;
    }
    throw DataError(path + ": no layer '" + name + "'; it has " + names_of(layers));
  }
  if (layers.size() == 1) return layers.front();
  // Tables of styles, and the layers that a format always has, are nothing to choose from.
  std::vector<OGRLayerH> filled;
  for (OGRLayerH layer : layers) {
    if (OGR_L_GetGeomType(layer) != wkbNone && OGR_L_GetFeatureCount(layer, TRUE) > 0) filled.push_back(layer);
  }
  if (filled.size() > 1) {
    throw DataError(path + ": holds " + std::to_string(filled.size()) + " layers (" + names_of(filled) +
                    "); name the one that is meant: --layer, or this file's own option, such as --area-layer");
  }
  return filled.empty() ? layers.front() : filled.front();
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
    if (++count % 256 == 0) throw_if_cancelled();
    take(ScannedFeature(source.get(), columns, north_first));
  }
  if (errors.failed() || errors.lost_data()) {
    throw IoError(path + ": damaged after " + std::to_string(count) + " features" + errors.suffix(path));
  }
  return head;
}

}  // namespace plat::detail
