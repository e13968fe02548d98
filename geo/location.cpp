// SPDX-License-Identifier: Apache-2.0
#include "geo/location.hpp"

#include "core/error.hpp"
#include "geo/detail/coordinate_check.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/layer_scan.hpp"
#include "geo/detail/srs.hpp"
#include "geo/detail/vector_open.hpp"
#include "geo/raster_reader.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace plat {
namespace {

std::optional<Bounds> in_degrees(const Bounds& box, const Crs& crs) {
  if (box.empty() || crs.empty() || !detail::CoordinateCheck(crs).fits(box)) return std::nullopt;
  try {
    return CrsTransform(crs, Crs::wgs84())(box);
  } catch (const DataError&) {
    return std::nullopt;  // coordinates that the CRS has no place for
  }
}

std::string degrees_text(const Point& p) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.4f° %s, %.4f° %s", std::abs(p.x), p.x < 0 ? "W" : "E", std::abs(p.y),
                p.y < 0 ? "S" : "N");
  return text.data();
}

std::string distance(double metres) {
  std::array<char, 32> text{};
  if (metres < 1000) {
    std::snprintf(text.data(), text.size(), "%.0f m", metres);
  } else {
    std::snprintf(text.data(), text.size(), metres < 10'000 ? "%.1f km" : "%.0f km", metres / 1000);
  }
  return text.data();
}

}  // namespace

Location location_of(const Bounds& box, const Crs& crs) { return {box, crs, in_degrees(box, crs)}; }

Location raster_location(const std::string& path, const Crs& assigned) {
  const RasterInfo info = inspect_raster(path);
  if (info.georeferencing == "none") return {};
  return location_of(info.grid.world_bounds(), assigned.empty() ? info.grid.crs : assigned);
}

Location layer_location(const std::string& path, const Crs& assigned, const std::string& layer) {
  const detail::DatasetHandle dataset = detail::open_vector(path);
  const detail::GdalErrors errors;
  OGRLayerH chosen = detail::choose_layer(dataset.get(), path, layer);
  const Crs own = detail::from_srs(OGR_L_GetSpatialRef(chosen));
  const Crs& crs = own.empty() ? assigned : own;
  Bounds box;
  OGREnvelope extent;
  if (OGR_L_GetFeatureCount(chosen, TRUE) > 0 && OGR_L_GetExtent(chosen, &extent, TRUE) == OGRERR_NONE) {
    box = {extent.MinX, extent.MinY, extent.MaxX, extent.MaxY};
  }
  if (errors.failed()) throw IoError(path + ": damaged" + errors.suffix(path));
  // One object far off spoils the extent of all.
  if (!box.empty() && !detail::CoordinateCheck(crs).fits(box))
    return layer_location(read_features(path, layer), assigned);
  return location_of(box, crs);
}

Location layer_location(const FeatureLayer& layer, const Crs& assigned) {
  Bounds box;
  for (const Feature& feature : layer.features) box.add(bounds(feature.geometry));
  return location_of(box, layer.crs.empty() ? assigned : layer.crs);
}

bool overlap(const Location& a, const Location& b) {
  if (a.box.empty() || b.box.empty()) return false;
  if (a.crs.empty() && b.crs.empty()) return a.box.intersects(b.box);
  return a.degrees && b.degrees && a.degrees->intersects(*b.degrees);
}

std::optional<std::string> wrong_coordinates(const Location& layer, const std::vector<Location>& others,
                                             const std::string& name) {
  if (layer.box.empty() || layer.crs.empty()) return std::nullopt;
  const std::string says =
      "says " + layer.crs.name() + ", but its coordinates (" + text_of(centre(layer.box)) + ") fit ";
  const std::string advice = ": write it again with its CRS, for example as GeoPackage";
  for (const Location& other : others) {
    if (!other.crs.empty() && other.box.intersects(layer.box) && !other.crs.same_as(layer.crs)) {
      return says + other.crs.name() + ", the CRS of " + name + advice;
    }
  }
  if (layer.crs.is_geographic()) {
    const Bounds swapped = {layer.box.min_y, layer.box.min_x, layer.box.max_y, layer.box.max_x};
    const std::optional<Bounds> there = in_degrees(swapped, layer.crs);
    for (const Location& other : others) {
      if (there && other.degrees && other.degrees->intersects(*there)) {
        return "has latitude before longitude (" + text_of(centre(layer.box)) + "): swapped it lies on " + name +
               "; write longitude first";
      }
    }
  }
  if (!layer.degrees) return says + "another CRS" + advice;
  return std::nullopt;
}

std::string misplacement(const Location& layer, const std::vector<Location>& images) {
  if (layer.box.empty()) return "holds no polygon";
  bool georeferenced = false;
  bool with_crs = false;
  for (const Location& image : images) {
    georeferenced = georeferenced || !image.box.empty();
    with_crs = with_crs || !image.crs.empty();
  }
  if (!georeferenced)
    return "cannot be placed: no image has a georeference; label such images in pixels (COCO, VIA, masks)";
  if (layer.crs.empty() && with_crs)
    return "names no CRS: add one to the file (a .prj beside a Shapefile) or say which with --labels-crs";
  if (!with_crs) return "has the CRS " + layer.crs.name() + " but no image names one: say which with --assign-crs";
  if (const auto wrong = wrong_coordinates(layer, images, "the images")) return *wrong;
  const GroundMeasure ground(Crs::wgs84());
  double nearest = -1;
  Point there;
  for (const Location& image : images) {
    if (!image.degrees) continue;
    const double metres = ground.distance_m(centre(*layer.degrees), centre(*image.degrees));
    if (nearest >= 0 && metres >= nearest) continue;
    nearest = metres;
    there = centre(*image.degrees);
  }
  if (nearest < 0) return "lies at " + degrees_text(centre(*layer.degrees)) + ", but where the images lie is not known";
  return "lies at " + degrees_text(centre(*layer.degrees)) + ", " + distance(nearest) + " from the nearest image at " +
         degrees_text(there);
}

}  // namespace plat
