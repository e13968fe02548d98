// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cpl_string.h>
#include <gdal.h>
#include <gdal_alg.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>

#include <memory>
#include <type_traits>

namespace plat::detail {

/// Calls a C function on a handle that goes out of scope.
template <auto Free>
struct HandleDeleter {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

template <typename Handle, auto Free>
using UniqueHandle = std::unique_ptr<std::remove_pointer_t<Handle>, HandleDeleter<Free>>;

inline void close_dataset(GDALDatasetH dataset) { GDALClose(dataset); }

using DatasetHandle = UniqueHandle<GDALDatasetH, close_dataset>;
using SrsHandle = UniqueHandle<OGRSpatialReferenceH, OSRDestroySpatialReference>;
using TransformHandle = UniqueHandle<OGRCoordinateTransformationH, OCTDestroyCoordinateTransformation>;
using GcpTransformHandle = UniqueHandle<void*, GDALDestroyGCPTransformer>;
using PixelTransformHandle = UniqueHandle<void*, GDALDestroyGenImgProjTransformer>;
using FeatureHandle = UniqueHandle<OGRFeatureH, OGR_F_Destroy>;
using FeatureDefinitionHandle = UniqueHandle<OGRFeatureDefnH, OGR_FD_Release>;
using FieldDefinitionHandle = UniqueHandle<OGRFieldDefnH, OGR_Fld_Destroy>;
using GeometryHandle = UniqueHandle<OGRGeometryH, OGR_G_DestroyGeometry>;
using CplText = std::unique_ptr<char, HandleDeleter<VSIFree>>;
/// A list of NAME=VALUE texts; a null handle is the empty list.
using ListHandle = std::unique_ptr<char*, HandleDeleter<CSLDestroy>>;

/// The list with one more entry.
inline ListHandle with_option(ListHandle list, const char* name, const char* value) {
  return ListHandle(CSLSetNameValue(list.release(), name, value));
}

}  // namespace plat::detail
