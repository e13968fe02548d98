// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"

#include <memory>
#include <string>
#include <vector>

namespace plat::detail {

/// What a FeatureWriter writes into: one file under its temporary name. One thread at a time.
class FeatureSink {
 public:
  virtual ~FeatureSink() = default;
  virtual void write(const Feature& feature) = 0;
  virtual void begin_layer(const std::string& name, const std::vector<Field>& fields) = 0;
  /// Flushes and closes; throws IoError.
  virtual void close() = 0;
};

struct SinkOptions {
  std::string file;   ///< the name to write under
  std::string shown;  ///< the name that errors show
  std::string layer;
  Crs crs;
  std::vector<Field> fields;
};

/// GeoJSON (.geojson, .json) or its text sequence (.geojsonl, .geojsons) by RFC 7946, written by plat itself: the bytes
/// do not depend on GDAL's version.
std::unique_ptr<FeatureSink> make_geojson_sink(const SinkOptions& options);
/// GeoPackage, FlatGeobuf or Shapefile through GDAL.
std::unique_ptr<FeatureSink> make_ogr_sink(const SinkOptions& options, const char* driver);

/// The value of one attribute of a feature, by name; null when it has none.
const AttributeValue& value_of(const Feature& feature, const std::string& name);

}  // namespace plat::detail
