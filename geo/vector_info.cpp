// SPDX-License-Identifier: Apache-2.0
#include "geo/vector_info.hpp"

#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/srs.hpp"
#include "geo/detail/vector_open.hpp"

namespace plat {

VectorInfo inspect_vector(const std::string& path) {
  const detail::DatasetHandle dataset = detail::open_vector(path);
  const detail::GdalErrors errors;
  VectorInfo info;
  info.path = path;
  info.driver = GDALGetDriverShortName(GDALGetDatasetDriver(dataset.get()));
  for (int i = 0; i < GDALDatasetGetLayerCount(dataset.get()); ++i) {
    OGRLayerH layer = GDALDatasetGetLayer(dataset.get(), i);
    LayerInfo out;
    out.name = OGR_L_GetName(layer);
    out.geometry = OGRGeometryTypeToName(OGR_L_GetGeomType(layer));
    out.features = OGR_L_GetFeatureCount(layer, TRUE);
    out.crs = detail::from_srs(OGR_L_GetSpatialRef(layer));
    OGREnvelope box;
    if (out.features > 0 && OGR_L_GetExtent(layer, &box, TRUE) == OGRERR_NONE) {
      out.bounds = {box.MinX, box.MinY, box.MaxX, box.MaxY};
    }
    OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer);
    for (int f = 0; f < OGR_FD_GetFieldCount(definition); ++f) {
      out.fields.emplace_back(OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, f)));
    }
    info.layers.push_back(std::move(out));
  }
  if (errors.failed()) throw IoError(path + ": damaged" + errors.suffix(path));
  return info;
}

}  // namespace plat
