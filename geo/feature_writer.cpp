// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/staged_path.hpp"
#include "geo/detail/feature_sink.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/output_file.hpp"
#include "geo/feature_io.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace plat {
namespace {

struct Format {
  const char* extension;
  const char* driver;  ///< GDAL's name; null where plat writes the format itself
};

constexpr std::array<Format, 7> kFormats = {{{".geojson", nullptr},
                                             {".json", nullptr},
                                             {".geojsonl", nullptr},
                                             {".geojsons", nullptr},
                                             {".gpkg", "GPKG"},
                                             {".fgb", "FlatGeobuf"},
                                             {".shp", "ESRI Shapefile"}}};

const Format& format_of(const std::string& path) {
  const std::string extension = detail::extension_of(path);
  const auto found =
      std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) { return extension == f.extension; });
  if (found == kFormats.end()) {
    throw UsageError(path + ": no vector format has the extension '" + extension +
                     "'; use .geojson, .geojsonl, .gpkg, .fgb or .shp");
  }
  if (found->driver != nullptr && GDALGetDriverByName(found->driver) == nullptr) {
    throw UsageError(path + ": this GDAL was built without the " + found->driver + " driver; use .geojson");
  }
  return *found;
}

}  // namespace

namespace detail {

const AttributeValue& value_of(const Feature& feature, const std::string& name) {
  static const AttributeValue null;
  const AttributeValue* value = feature.find(name);
  return value != nullptr ? *value : null;
}

}  // namespace detail

struct FeatureWriter::Impl {
  std::string path;
  std::string partial;
  bool overwrite = false;
  std::unique_ptr<detail::FeatureSink> sink;

  /// Closes and removes what was not finished.
  void discard() {
    if (!sink) return;
    const detail::GdalErrors quiet;
    sink.reset();
    if (partial != path) detail::remove_output(partial);
  }
};

FeatureWriter::FeatureWriter(const std::string& path, const Crs& crs, const std::vector<Field>& fields,
                             const FeatureWriteOptions& options)
    : impl_(std::make_unique<Impl>()) {
  const Format& format = format_of(path);
  // A stream has no name to give at the end.
  const bool stream = path.starts_with("/vsistdout");
  impl_->path = stream ? path : detail::checked_output(path, options.overwrite);
  impl_->partial = stream ? path : staged_name(impl_->path);
  impl_->overwrite = options.overwrite;
  const detail::SinkOptions sink{impl_->partial, path, options.layer.empty() ? detail::stem_of(path) : options.layer,
                                 crs, fields};
  try {
    impl_->sink =
        format.driver == nullptr ? detail::make_geojson_sink(sink) : detail::make_ogr_sink(sink, format.driver);
  } catch (...) {
    if (!stream) detail::remove_output(impl_->partial);
    throw;
  }
}

FeatureWriter::~FeatureWriter() {
  if (impl_) impl_->discard();
}

FeatureWriter::FeatureWriter(FeatureWriter&&) noexcept = default;

void FeatureWriter::write(const Feature& feature) { impl_->sink->write(feature); }

void FeatureWriter::begin_layer(const std::string& name, const std::vector<Field>& fields) {
  impl_->sink->begin_layer(name, fields);
}

void FeatureWriter::close() {
  if (!impl_->sink) return;
  try {
    impl_->sink->close();
    // Another run may have been faster.
    if (impl_->partial != impl_->path) detail::checked_output(impl_->path, impl_->overwrite);
  } catch (...) {
    impl_->discard();
    throw;
  }
  impl_->sink.reset();
  if (impl_->partial != impl_->path) detail::rename_output(impl_->partial, impl_->path);
}

void check_vector_output(const std::string& path) { format_of(path); }

bool holds_layers(const std::string& path) { return detail::extension_of(path) == ".gpkg"; }

}  // namespace plat
