// SPDX-License-Identifier: Apache-2.0
#include "training/data_place.hpp"

#include "core/error.hpp"
#include "geo/raster_reader.hpp"
#include "geo/vector_info.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace plat {
namespace {

Point centre(const Bounds& box) { return {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2}; }

bool are_degrees(const Bounds& box) {
  return box.min_x >= -360 && box.max_x <= 360 && box.min_y >= -90.001 && box.max_y <= 90.001;
}

std::optional<Bounds> in_degrees(const Bounds& box, const Crs& crs) {
  if (box.empty() || crs.empty() || (crs.is_geographic() && !are_degrees(box))) return std::nullopt;
  try {
    return CrsTransform(crs, Crs::wgs84())(box);
  } catch (const DataError&) {
    return std::nullopt;  // coordinates that the CRS has no place for
  }
}

std::string text_of(const Point& p) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.4f° %s, %.4f° %s", std::abs(p.x), p.x < 0 ? "W" : "E", std::abs(p.y),
                p.y < 0 ? "S" : "N");
  return text.data();
}

std::string numbers(const Point& p) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.10g, %.10g", p.x, p.y);
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

DataPlace raster_place(const std::string& path, const Crs& assigned) {
  const RasterInfo info = inspect_raster(path);
  DataPlace place;
  if (info.georeferencing == "none") return place;
  place.crs = assigned.empty() ? info.grid.crs : assigned;
  place.box = info.grid.world_bounds();
  place.degrees = in_degrees(place.box, place.crs);
  return place;
}

DataPlace layer_place(const std::string& path, const Crs& assigned) {
  const VectorInfo info = inspect_vector(path);
  if (info.layers.empty()) throw DataError(path + ": holds no vector layer");
  DataPlace place;
  place.box = info.layers.front().bounds;
  place.crs = info.layers.front().crs.empty() ? assigned : info.layers.front().crs;
  place.degrees = in_degrees(place.box, place.crs);
  return place;
}

bool overlap(const DataPlace& a, const DataPlace& b) {
  if (a.box.empty() || b.box.empty()) return false;
  if (a.crs.empty() && b.crs.empty()) return a.box.intersects(b.box);
  return a.degrees && b.degrees && a.degrees->intersects(*b.degrees);
}

std::string misplacement(const DataPlace& layer, const std::vector<DataPlace>& images) {
  if (layer.box.empty()) return "holds no polygon";
  bool georeferenced = false;
  bool with_crs = false;
  for (const DataPlace& image : images) {
    georeferenced = georeferenced || !image.box.empty();
    with_crs = with_crs || !image.crs.empty();
  }
  if (!georeferenced)
    return "cannot be placed: no image has a georeference; label such images in pixels (COCO, VIA, masks)";
  if (layer.crs.empty() && with_crs)
    return "names no CRS: add one to the file (a .prj beside a Shapefile) or say which with --labels-crs";
  if (!with_crs) return "has the CRS " + layer.crs.name() + " but no image names one: say which with --assign-crs";
  for (const DataPlace& image : images) {
    if (!image.crs.empty() && image.box.intersects(layer.box) && !image.crs.same_as(layer.crs)) {
      return "says " + layer.crs.name() + ", but its coordinates (" + numbers(centre(layer.box)) + ") fit " +
             image.crs.name() + ", the CRS of the images: write it again with its CRS, for example as GeoPackage";
    }
  }
  if (layer.crs.is_geographic()) {
    const Bounds swapped = {layer.box.min_y, layer.box.min_x, layer.box.max_y, layer.box.max_x};
    for (const DataPlace& image : images) {
      const std::optional<Bounds> there = in_degrees(swapped, layer.crs);
      if (there && image.degrees && image.degrees->intersects(*there)) {
        return "has latitude before longitude (" + numbers(centre(layer.box)) +
               "): swapped it lies on the images; write longitude first";
      }
    }
  }
  if (!layer.degrees)
    return "has coordinates (" + numbers(centre(layer.box)) + ") that " + layer.crs.name() + " has no place for";
  const GroundMeasure ground(Crs::wgs84());
  double nearest = -1;
  Point there;
  for (const DataPlace& image : images) {
    if (!image.degrees) continue;
    const double metres = ground.distance_m(centre(*layer.degrees), centre(*image.degrees));
    if (nearest >= 0 && metres >= nearest) continue;
    nearest = metres;
    there = centre(*image.degrees);
  }
  if (nearest < 0) return "lies at " + text_of(centre(*layer.degrees)) + ", but where the images lie is not known";
  return "lies at " + text_of(centre(*layer.degrees)) + ", " + distance(nearest) + " from the nearest image at " +
         text_of(there);
}

}  // namespace plat
