// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/log.hpp"
#include "geo/detail/antimeridian.hpp"
#include "geo/detail/feature_sink.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/json_text.hpp"
#include "geo/detail/output_file.hpp"

#include <cpl_error.h>
#include <cpl_vsi.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>

namespace plat::detail {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
// RFC 7946, section 11.2: 7 decimals of a degree are about a centimetre.
constexpr double kUnitsPerDegree = 1e7;

/// A position in units of the last written decimal.
struct Position {
  int64_t x;
  int64_t y;
  bool operator==(const Position&) const = default;
};

class GeoJsonSink final : public FeatureSink {
 public:
  explicit GeoJsonSink(const SinkOptions& options)
      : options_(options),
        sequence_(extension_of(options.file).starts_with(".geojsonl") ||
                  extension_of(options.file).starts_with(".geojsons")),
        separated_(extension_of(options.file) == ".geojsons") {
    // Without a CRS there is nothing to carry into WGS 84: coordinates stay those of the scene.
    if (options.crs.empty()) {
      log_warning(options.shown + ": the scene has no CRS, but programs take GeoJSON's coordinates for WGS 84");
    } else {
      to_wgs84_.emplace(options.crs, Crs::wgs84());
    }
    const GdalErrors errors;
    file_ = VSIFOpenL(options.file.c_str(), "wb");
    if (file_ == nullptr) {
      throw IoError("cannot write " + options.shown + ": " + std::strerror(errno) + errors.suffix());
    }
    if (!sequence_) {
      text_ = R"({"type":"FeatureCollection","name":)";
      append_json_text(text_, options.layer);
      text_ += R"(,"features":[)";
    }
  }

  void begin_layer(const std::string&, const std::vector<Field>&) override {
    throw UsageError(options_.shown + ": holds one layer only; use .gpkg");
  }

  ~GeoJsonSink() override {
    if (file_ != nullptr) VSIFCloseL(file_);
  }

  void write(const Feature& feature) override {
    if (sequence_) {
      // RFC 8142's record separator, which GDAL too writes for this extension only.
      if (separated_) text_ += '\x1e';
    } else {
      text_ += count_ > 0 ? ",\n" : "\n";
    }
    ++count_;
    text_ += R"({"type":"Feature","properties":{)";
    bool first = true;
    for (const Field& field : options_.fields) {
      if (!first) text_ += ',';
      first = false;
      append_json_text(text_, field.name);
      text_ += ':';
      append_json_value(text_, value_of(feature, field.name), field.type);
    }
    text_ += "},\"geometry\":";
    append_geometry(feature.geometry);
    text_ += '}';
    if (sequence_) text_ += '\n';
    if (text_.size() >= kBufferBytes) flush();
  }

  void close() override {
    if (!sequence_) text_ += count_ > 0 ? "\n]}\n" : "]}\n";
    flush();
    const GdalErrors errors;
    VSILFILE* file = file_;
    file_ = nullptr;
    if (VSIFCloseL(file) != 0)
      throw IoError("cannot finish " + options_.shown + errors.suffix() + "; is the disk full?");
  }

 private:
  void flush() {
    const GdalErrors errors;
    if (VSIFWriteL(text_.data(), 1, text_.size(), file_) != text_.size()) {
      throw IoError("cannot write " + options_.shown + errors.suffix() + "; is the disk full?");
    }
    text_.clear();
  }

  void append_geometry(const MultiPolygon& source) {
    const MultiPolygon polygons = to_wgs84_ ? cut_at_antimeridian((*to_wgs84_)(source)) : source;
    if (polygons.empty()) {
      text_ += "null";
      return;
    }
    const bool several = polygons.size() > 1;
    text_ += several ? R"({"type":"MultiPolygon","coordinates":[)" : R"({"type":"Polygon","coordinates":)";
    for (std::size_t i = 0; i < polygons.size(); ++i) {
      if (i > 0) text_ += ',';
      append_polygon(polygons[i]);
    }
    text_ += several ? "]}" : "}";
  }

  void append_polygon(const Polygon& source) {
    // Counter-clockwise with the latitude upward; a pixel frame without CRS has y upward as well.
    const Polygon polygon = oriented(source);
    text_ += '[';
    append_ring(polygon.exterior, true);
    for (const Ring& hole : polygon.holes) append_ring(hole, false);
    text_ += ']';
  }

  /// Vertices that rounding makes equal are written once; a hole that rounding closes is left out.
  void append_ring(const Ring& ring, bool exterior) {
    positions_.clear();
    for (const Point& point : ring) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
        throw DataError("a polygon for " + options_.shown + " has a vertex at infinity; check the scene's CRS");
      }
      const Position position{std::llround(point.x * kUnitsPerDegree), std::llround(point.y * kUnitsPerDegree)};
      if (positions_.empty() || !(positions_.back() == position)) positions_.push_back(position);
    }
    while (positions_.size() > 1 && positions_.back() == positions_.front()) positions_.pop_back();
    if (positions_.empty() || (!exterior && positions_.size() < 3)) return;
    while (positions_.size() < 3) positions_.push_back(positions_.back());
    text_ += exterior ? "[" : ",[";
    for (const Position& position : positions_) {
      append_position(position);
      text_ += ',';
    }
    append_position(positions_.front());
    text_ += ']';
  }

  void append_position(const Position& position) {
    text_ += '[';
    append_decimal(text_, position.x, 7);
    text_ += ',';
    append_decimal(text_, position.y, 7);
    text_ += ']';
  }

  SinkOptions options_;
  bool sequence_;
  bool separated_;
  std::optional<CrsTransform> to_wgs84_;
  VSILFILE* file_ = nullptr;
  std::string text_;
  std::vector<Position> positions_;
  int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<FeatureSink> make_geojson_sink(const SinkOptions& options) {
  return std::make_unique<GeoJsonSink>(options);
}

}  // namespace plat::detail
