// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/crs.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/srs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace plat {
namespace {

// Edges of a rectangle bend in another CRS: GDAL's own tools take 21 points an edge.
constexpr int kEdgePoints = 21;

}  // namespace

struct CrsTransform::Impl {
  Crs from;
  Crs to;
  /// Null when both CRSs are the same: coordinates then stay as they are, bit for bit.
  detail::TransformHandle transform;

  /// Carries points in place; false where one has no image.
  bool carry(std::vector<double>& x, std::vector<double>& y, std::vector<int>& ok) const {
    ok.assign(x.size(), 1);
    if (!transform) return true;
    const detail::GdalErrors quiet;
    OCTTransformEx(transform.get(), static_cast<int>(x.size()), x.data(), y.data(), nullptr, ok.data());
    bool all = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) ok[i] = 0;
      all = all && ok[i] != 0;
    }
    return all;
  }

  [[noreturn]] void no_image(double x, double y) const {
    throw DataError("the position (" + text_of(Point{x, y}) + ") in " + from.name() + " has no place in " + to.name() +
                    "; check that the file's CRS is the right one");
  }

  Ring ring(const Ring& source) const {
    if (!transform) return source;
    std::vector<double> x(source.size());
    std::vector<double> y(source.size());
    std::vector<int> ok;
    for (std::size_t i = 0; i < source.size(); ++i) {
      x[i] = source[i].x;
      y[i] = source[i].y;
    }
    if (!carry(x, y, ok)) {
      const auto bad = static_cast<std::size_t>(std::find(ok.begin(), ok.end(), 0) - ok.begin());
      no_image(source[bad].x, source[bad].y);
    }
    Ring out(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) out[i] = {x[i], y[i]};
    return out;
  }
};

CrsTransform::CrsTransform(const Crs& from, const Crs& to) : impl_(std::make_unique<Impl>()) {
  impl_->from = from;
  impl_->to = to;
  if (from.empty() || to.empty()) {
    throw DataError("coordinates without a CRS cannot be carried into another one; pass --assign-crs EPSG:xxxx");
  }
  if (from.same_as(to)) return;
  const detail::GdalErrors errors;
  impl_->transform.reset(OCTNewCoordinateTransformation(detail::to_srs(from).get(), detail::to_srs(to).get()));
  if (!impl_->transform) {
    throw DataError("no operation joins the CRS " + from.name() + " to " + to.name() + errors.suffix());
  }
}

CrsTransform::~CrsTransform() = default;
CrsTransform::CrsTransform(CrsTransform&&) noexcept = default;
CrsTransform& CrsTransform::operator=(CrsTransform&&) noexcept = default;

Point CrsTransform::operator()(const Point& point) const { return impl_->ring({point}).front(); }

Polygon CrsTransform::operator()(const Polygon& polygon) const {
  Polygon out;
  out.exterior = impl_->ring(polygon.exterior);
  out.holes.reserve(polygon.holes.size());
  for (const Ring& hole : polygon.holes) out.holes.push_back(impl_->ring(hole));
  return out;
}

MultiPolygon CrsTransform::operator()(const MultiPolygon& polygons) const {
  MultiPolygon out;
  out.reserve(polygons.size());
  for (const Polygon& polygon : polygons) out.push_back((*this)(polygon));
  return out;
}

Bounds CrsTransform::operator()(const Bounds& bounds) const {
  if (!impl_->transform || bounds.empty()) return bounds;
  {
    const detail::GdalErrors quiet;
    std::array<double, 4> out{};
    if (OCTTransformBounds(impl_->transform.get(), bounds.min_x, bounds.min_y, bounds.max_x, bounds.max_y, out.data(),
                           &out[1], &out[2], &out[3], kEdgePoints) != 0 &&
        std::all_of(out.begin(), out.end(), [](double v) { return std::isfinite(v); })) {
      // West beyond east is GDAL's way to say that the rectangle crosses the antimeridian.
      if (out[0] > out[2]) return {-180, out[1], 180, out[3]};
      return {out[0], out[1], out[2], out[3]};
    }
  }
  // Part of the rectangle has no image (a geostationary view past the Earth's edge): take what has one.
  std::vector<double> x;
  std::vector<double> y;
  std::vector<int> ok;
  for (int i = 0; i <= kEdgePoints; ++i) {
    for (int j = 0; j <= kEdgePoints; ++j) {
      x.push_back(bounds.min_x + (bounds.max_x - bounds.min_x) * j / kEdgePoints);
      y.push_back(bounds.min_y + (bounds.max_y - bounds.min_y) * i / kEdgePoints);
    }
  }
  impl_->carry(x, y, ok);
  Bounds out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (ok[i] != 0) out.add(Point{x[i], y[i]});
  }
  if (out.empty()) impl_->no_image(bounds.min_x, bounds.min_y);
  return out;
}

}  // namespace plat
