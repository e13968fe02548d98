// SPDX-License-Identifier: Apache-2.0
#include "evaluation/comparison_frame.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace plat {
namespace {

/// Brings areas of one CRS into the frame.
class Placer {
 public:
  Placer(const Crs& from, const Crs& to, const std::optional<AreaClipper>& clipper) : clipper_(clipper) {
    if (!to.empty()) transform_.emplace(from, to);
  }
  MultiPolygon operator()(const MultiPolygon& original) const {
    throw_if_cancelled();
    MultiPolygon geometry = make_valid(transform_ ? (*transform_)(original) : original);
    return clipper_ ? (*clipper_)(geometry) : geometry;
  }

 private:
  std::optional<CrsTransform> transform_;
  const std::optional<AreaClipper>& clipper_;
};

}  // namespace

Crs comparison_crs(const FeatureLayer& predicted, const FeatureLayer& truth) {
  if (predicted.crs.empty() && truth.crs.empty()) return {};
  if (predicted.crs.empty() != truth.crs.empty()) {
    throw DataError(std::string(predicted.crs.empty() ? "the predicted layer" : "the true layer") +
                    " has no CRS, so its place relative to the other is unknown; give it one");
  }
  const FeatureLayer& known = truth.features.empty() ? predicted : truth;
  Bounds box;
  for (const Feature& feature : known.features) box.add(bounds(feature.geometry));
  if (box.empty()) return truth.crs;
  const CrsTransform to_degrees(known.crs, Crs::wgs84());
  Point middle = to_degrees(centre(box));
  const Bounds degrees = to_degrees(box);
  if (degrees.max_x - degrees.min_x > 180) {
    std::vector<Point> places;
    for (const Feature& feature : known.features) places.push_back(to_degrees(centre(bounds(feature.geometry))));
    middle = middle_in_degrees(places);
  }
  return Crs::from_text("+proj=laea +lat_0=" + std::to_string(middle.y) + " +lon_0=" + std::to_string(middle.x) +
                        " +datum=WGS84 +units=m +no_defs");
}

ComparisonFrame::ComparisonFrame(const FeatureLayer& predicted, const FeatureLayer& truth,
                                 const CompareOptions& options)
    : crs_(comparison_crs(predicted, truth)), min_area_m2_(options.min_area_m2) {
  if (!options.area) return;
  const bool same = crs_.empty() || options.area_crs.empty();
  clipper_.emplace(same ? *options.area : CrsTransform(options.area_crs, crs_)(*options.area));
}

PreparedLayer ComparisonFrame::prepare(const FeatureLayer& layer) const {
  const Placer placed(layer.crs, crs_, clipper_);
  PreparedLayer out;
  for (std::size_t i = 0; i < layer.features.size(); ++i) {
    MultiPolygon geometry = placed(layer.features[i].geometry);
    const double size = area(geometry);
    if (size <= 0 || size < min_area_m2_) {
      ++out.left_out;
      continue;
    }
    out.geometry.push_back(std::move(geometry));
    out.position.push_back(static_cast<int64_t>(i));
  }
  out.left_out += layer.skipped + layer.misplaced;
  return out;
}

std::vector<MultiPolygon> ComparisonFrame::place(const std::vector<MultiPolygon>& areas, const Crs& from) const {
  const Placer placed(from, crs_, clipper_);
  std::vector<MultiPolygon> out;
  out.reserve(areas.size());
  for (const MultiPolygon& original : areas) out.push_back(placed(original));
  return out;
}

}  // namespace plat
