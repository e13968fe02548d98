// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace plat {

using AttributeValue = std::variant<std::monostate, int64_t, double, std::string>;

/// One object of a vector layer.
struct Feature {
  MultiPolygon geometry;
  std::vector<std::pair<std::string, AttributeValue>> attributes;

  /// The value of an attribute, or null.
  const AttributeValue* find(const std::string& name) const;
};

/// A vector layer in memory.
struct FeatureLayer {
  std::string name;
  Crs crs;
  std::vector<Feature> features;
  int64_t skipped = 0;    ///< features without area (points, lines, empty), left out
  int64_t misplaced = 0;  ///< features whose coordinates the CRS has no place for, left out
  std::string warning;    ///< names the misplaced ones; empty where there are none
};

/// Reads the polygons of any OGR vector file; `layer` empty means the only one that has features. Where the CRS has no place
/// for any feature, all are kept: then the CRS is wrong, not they, which misplacement() tells. Throws IoError, and DataError
/// for a layer that is not there or several to choose from.
FeatureLayer read_features(const std::string& path, const std::string& layer = "");

enum class FieldType { Integer, Real, Text };
struct Field {
  std::string name;
  FieldType type;
};

struct FeatureWriteOptions {
  bool overwrite = false;
  std::string layer;  ///< layer name; empty: the file's stem
};

/// Writes polygons to GeoJSON (.geojson, .json), GeoJSON text sequence (.geojsonl, .geojsons), GeoPackage (.gpkg),
/// FlatGeobuf (.fgb) or Shapefile (.shp), chosen by extension. GeoJSON and its sequence follow RFC 7946 (WGS 84,
/// 7 decimals, counter-clockwise exteriors); the others keep the CRS. Written under a temporary name; `close` gives it
/// its final name, a destructor without `close` removes it. Same input, same bytes. One thread at a time.
class FeatureWriter {
 public:
  /// Throws UsageError for an unknown extension, IoError when the file exists and `overwrite` is off.
  FeatureWriter(const std::string& path, const Crs& crs, const std::vector<Field>& fields,
                const FeatureWriteOptions& options = {});
  ~FeatureWriter();
  FeatureWriter(FeatureWriter&&) noexcept;
  void write(const Feature& feature);
  /// Begins a further layer, which the next features belong to. Throws UsageError for formats that hold one only.
  void begin_layer(const std::string& name, const std::vector<Field>& fields);
  /// Flushes, checks and renames. Throws IoError.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Throws UsageError when no driver writes this extension: to be called before a long run.
void check_vector_output(const std::string& path);
/// Whether files of this extension hold several layers.
bool holds_layers(const std::string& path);

}  // namespace plat
