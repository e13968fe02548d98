// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"

#include <string>

namespace plat::detail {

/// Opens a vector file for reading. Throws IoError with the reason.
DatasetHandle open_vector(const std::string& path);

}  // namespace plat::detail
