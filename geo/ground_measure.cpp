// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/crs.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/srs.hpp"

#include <geodesic.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

namespace plat {
namespace {

// An edge that is straight in the CRS is no geodesic; cut into pieces this short, the two differ by millimetres.
constexpr double kMaxEdgeDegrees = 0.05;
constexpr double kMaxPieces = 4096;
// Global grids whose pixels' centres lie on the poles reach half a pixel beyond; what lies there has no ground.
constexpr double kBeyondPole = 1.0;

}  // namespace

struct GroundMeasure::Impl {
  double metres_per_unit = 1;
  /// Set when the CRS lies on an ellipsoid; plain planar measure otherwise.
  std::optional<geod_geodesic> ellipsoid;
  detail::TransformHandle to_geographic;  ///< null when coordinates are longitude and latitude already
  double degrees_per_unit = 1;

  /// Longitudes and latitudes in degrees; throws DataError where a position is not on the ellipsoid.
  Ring geographic(const Ring& ring) const {
    std::vector<double> x(ring.size());
    std::vector<double> y(ring.size());
    for (std::size_t i = 0; i < ring.size(); ++i) {
      x[i] = ring[i].x;
      y[i] = ring[i].y;
    }
    if (to_geographic) {
      const detail::GdalErrors quiet;
      std::vector<int> ok(ring.size(), 1);
      OCTTransformEx(to_geographic.get(), static_cast<int>(x.size()), x.data(), y.data(), nullptr, ok.data());
    }
    Ring out(ring.size());
    for (std::size_t i = 0; i < ring.size(); ++i) {
      out[i] = {x[i] * degrees_per_unit, y[i] * degrees_per_unit};
      if (!std::isfinite(x[i]) || !std::isfinite(y[i]) || std::abs(out[i].y) > 90 + kBeyondPole) {
        throw DataError("the position (" + std::to_string(ring[i].x) + ", " + std::to_string(ring[i].y) +
                        ") lies outside its CRS, so it has no size on the ground; check that the CRS is the right one");
      }
      out[i].y = std::clamp(out[i].y, -90.0, 90.0);
    }
    return out;
  }

  /// The ring's vertices on the ellipsoid, with more of them along edges so long that they bend.
  Ring traced(const Ring& ring) const {
    const Ring corners = geographic(ring);
    Ring dense;
    bool cut = false;
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const std::size_t next = (i + 1) % ring.size();
      const double lon = std::abs(std::remainder(corners[next].x - corners[i].x, 360.0));
      const double span =
          std::max(lon * std::cos(corners[i].y * std::numbers::pi / 180), std::abs(corners[next].y - corners[i].y));
      const int pieces = static_cast<int>(std::clamp(std::ceil(span / kMaxEdgeDegrees), 1.0, kMaxPieces));
      cut = cut || pieces > 1;
      double run = ring[next].x - ring[i].x;
      // From 179.9 to -179.9 degrees is a short way east.
      if (!to_geographic) run = std::remainder(run, 360 / degrees_per_unit);
      for (int k = 0; k < pieces; ++k) {
        const double t = static_cast<double>(k) / pieces;
        dense.push_back({ring[i].x + t * run, ring[i].y + t * (ring[next].y - ring[i].y)});
      }
    }
    return cut ? geographic(dense) : corners;
  }

  struct Size {
    double area = 0;
    double length = 0;
  };

  Size size(const Ring& ring) const {
    if (ring.size() < 2) return {};
    if (!ellipsoid) {
      return {std::abs(signed_area(ring)) * metres_per_unit * metres_per_unit,
              perimeter(Polygon{ring, {}}) * metres_per_unit};
    }
    geod_polygon outline;
    geod_polygon_init(&outline, 0);
    for (const Point& point : traced(ring)) geod_polygon_addpoint(&*ellipsoid, &outline, point.y, point.x);
    Size out;
    geod_polygon_compute(&*ellipsoid, &outline, 0, 1, &out.area, &out.length);
    out.area = std::abs(out.area);
    return out;
  }
};

GroundMeasure::GroundMeasure(const Crs& crs) : impl_(std::make_unique<Impl>()) {
  impl_->metres_per_unit = detail::metres_per_unit(crs);
  const detail::SrsHandle base = detail::geographic_base(crs);
  if (!base) return;
  const detail::GdalErrors errors;
  OGRErr error = OGRERR_NONE;
  const double semi_major = OSRGetSemiMajor(base.get(), &error);
  const double inverse_flattening = OSRGetInvFlattening(base.get(), &error);
  if (!(semi_major > 0)) return;
  impl_->ellipsoid.emplace();
  geod_init(&*impl_->ellipsoid, semi_major, inverse_flattening > 0 ? 1 / inverse_flattening : 0);
  impl_->degrees_per_unit = OSRGetAngularUnits(base.get(), nullptr) * 180 / std::numbers::pi;
  // GDAL's own radians for a degree are rounded; a degree is a degree.
  if (std::abs(impl_->degrees_per_unit - 1) < 1e-9) impl_->degrees_per_unit = 1;
  const detail::SrsHandle srs = detail::to_srs(crs);
  if (OSRIsGeographic(srs.get()) != 0) return;
  impl_->to_geographic.reset(OCTNewCoordinateTransformation(srs.get(), base.get()));
  if (!impl_->to_geographic) {
    throw DataError("the CRS " + crs.name() + " cannot be carried to the ground" + errors.suffix());
  }
}

GroundMeasure::~GroundMeasure() = default;
GroundMeasure::GroundMeasure(GroundMeasure&&) noexcept = default;
GroundMeasure& GroundMeasure::operator=(GroundMeasure&&) noexcept = default;

double GroundMeasure::area_m2(const Polygon& polygon) const {
  double sum = impl_->size(polygon.exterior).area;
  for (const Ring& hole : polygon.holes) sum -= impl_->size(hole).area;
  return std::max(0.0, sum);
}

double GroundMeasure::perimeter_m(const Polygon& polygon) const {
  double sum = impl_->size(polygon.exterior).length;
  for (const Ring& hole : polygon.holes) sum += impl_->size(hole).length;
  return sum;
}

double GroundMeasure::distance_m(const Point& a, const Point& b) const {
  if (!impl_->ellipsoid) return std::hypot(a.x - b.x, a.y - b.y) * impl_->metres_per_unit;
  const Ring ends = impl_->geographic({a, b});
  double metres = 0;
  geod_inverse(&*impl_->ellipsoid, ends[0].y, ends[0].x, ends[1].y, ends[1].x, &metres, nullptr, nullptr);
  return metres;
}

}  // namespace plat
