// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/log.hpp"
#include "geo/detail/feature_sink.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/json_text.hpp"
#include "geo/detail/ogr_geometry.hpp"
#include "geo/detail/srs.hpp"

#include <cpl_conv.h>

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace plat::detail {
namespace {

/// Sets one of GDAL's options for this thread while it lives.
class ConfigOption {
 public:
  ConfigOption(const char* name, const char* value) : name_(name) {
    if (const char* before = CPLGetThreadLocalConfigOption(name, nullptr)) before_ = before;
    CPLSetThreadLocalConfigOption(name, value);
  }
  ~ConfigOption() { CPLSetThreadLocalConfigOption(name_, before_ ? before_->c_str() : nullptr); }
  ConfigOption(const ConfigOption&) = delete;
  ConfigOption& operator=(const ConfigOption&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// What makes GDAL's files repeat byte for byte (a fixed date in place of today's) and SQLite fast: the file has a
/// temporary name until it is complete, so it needs no journal.
struct WriteConfig {
  ConfigOption date{"OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z"};
  ConfigOption journal{"OGR_SQLITE_JOURNAL", "OFF"};
  ConfigOption synchronous{"OGR_SQLITE_SYNCHRONOUS", "OFF"};
};

class OgrSink final : public FeatureSink {
 public:
  OgrSink(const SinkOptions& options, const char* driver)
      : shown_(options.shown),
        crs_(options.crs),
        shapefile_(std::string_view(driver) == "ESRI Shapefile"),
        geopackage_(std::string_view(driver) == "GPKG") {
    const WriteConfig config;
    GdalErrors errors;
    dataset_.reset(GDALCreate(GDALGetDriverByName(driver), options.file.c_str(), 0, 0, 0, GDT_Unknown, nullptr));
    if (!dataset_) throw IoError("cannot write " + shown_ + errors.suffix());
    begin_layer(options.layer, options.fields);
  }

  void begin_layer(const std::string& name, const std::vector<Field>& fields) override {
    if (layer_ != nullptr && !geopackage_) throw UsageError(shown_ + ": holds one layer only; use .gpkg");
    const WriteConfig config;
    GdalErrors errors;
    commit();
    ListHandle layer_options;
    if (shapefile_) {
      layer_options = with_option(std::move(layer_options), "ENCODING", "UTF-8");
      layer_options = with_option(std::move(layer_options), "DBF_DATE_LAST_UPDATE", "2000-01-01");
    }
    SrsHandle srs = to_srs(crs_);
    // A GeoPackage's layer without a CRS would count as one in degrees.
    if (!srs && geopackage_) srs = undefined_cartesian();
    layer_ = GDALDatasetCreateLayer(dataset_.get(), name.c_str(), srs.get(), shapefile_ ? wkbPolygon : wkbMultiPolygon,
                                    layer_options.get());
    if (layer_ == nullptr) throw IoError("cannot write a layer into " + shown_ + errors.suffix());
    fields_ = fields;
    for (const Field& field : fields_) create_field(field);
    // One transaction for all features; drivers without them say so and need none.
    transaction_ = GDALDatasetTestCapability(dataset_.get(), ODsCTransactions) != 0 &&
                   GDALDatasetStartTransaction(dataset_.get(), FALSE) == OGRERR_NONE;
  }

  ~OgrSink() override {
    const WriteConfig config;
    const GdalErrors quiet;
    dataset_.reset();
  }

  void write(const Feature& source) override {
    const WriteConfig config;
    GdalErrors errors;
    const FeatureHandle feature(OGR_F_Create(OGR_L_GetLayerDefn(layer_)));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      set(feature.get(), static_cast<int>(i), fields_[i], value_of(source, fields_[i].name));
    }
    MultiPolygon polygons = source.geometry;
    for (Polygon& polygon : polygons) polygon = oriented(std::move(polygon));
    OGR_F_SetGeometryDirectly(feature.get(), to_ogr(polygons).release());
    if (OGR_L_CreateFeature(layer_, feature.get()) != OGRERR_NONE) {
      throw IoError("cannot write a feature into " + shown_ + errors.suffix());
    }
  }

  void close() override {
    const WriteConfig config;
    GdalErrors errors;
    commit();
    layer_ = nullptr;
    dataset_.reset();
    if (errors.failed()) throw IoError("cannot finish " + shown_ + errors.suffix());
  }

 private:
  void commit() {
    GdalErrors errors;
    if (std::exchange(transaction_, false) && GDALDatasetCommitTransaction(dataset_.get()) != OGRERR_NONE) {
      throw IoError("cannot finish " + shown_ + errors.suffix());
    }
  }

  void create_field(const Field& field) {
    GdalErrors errors;
    const OGRFieldType type = field.type == FieldType::Integer ? OFTInteger64
                              : field.type == FieldType::Real  ? OFTReal
                                                               : OFTString;
    const FieldDefinitionHandle definition(OGR_Fld_Create(field.name.c_str(), type));
    if (OGR_L_CreateField(layer_, definition.get(), TRUE) != OGRERR_NONE) {
      throw IoError("cannot write the field '" + field.name + "' into " + shown_ + errors.suffix());
    }
    OGRFeatureDefnH features = OGR_L_GetLayerDefn(layer_);
    const std::string given = OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(features, OGR_FD_GetFieldCount(features) - 1));
    if (given != field.name) log_info(shown_ + ": the format calls the field '" + field.name + "' '" + given + "'");
  }

  static void set(OGRFeatureH feature, int index, const Field& field, const AttributeValue& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) {
      OGR_F_SetFieldInteger64(feature, index, *number);
    } else if (const auto* real = std::get_if<double>(&value)) {
      if (!std::isfinite(*real)) {
        OGR_F_SetFieldNull(feature, index);
      } else if (field.type == FieldType::Text) {
        OGR_F_SetFieldString(feature, index, real_text(*real).c_str());
      } else {
        OGR_F_SetFieldDouble(feature, index, *real);
      }
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      OGR_F_SetFieldString(feature, index, text->c_str());
    } else {
      OGR_F_SetFieldNull(feature, index);
    }
  }

  std::string shown_;
  Crs crs_;
  std::vector<Field> fields_;
  bool shapefile_;
  bool geopackage_;
  bool transaction_ = false;
  DatasetHandle dataset_;
  OGRLayerH layer_ = nullptr;
};

}  // namespace

std::unique_ptr<FeatureSink> make_ogr_sink(const SinkOptions& options, const char* driver) {
  return std::make_unique<OgrSink>(options, driver);
}

}  // namespace plat::detail
