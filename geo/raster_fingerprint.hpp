// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace plat {

/// Text that changes when a raster does: each file that it consists of (side files and the sources of a VRT too) with its
/// absolute path, size and time of change. Unset where a file has no such time (most addresses), so that nothing may be
/// kept for it. Throws IoError where the raster cannot be opened.
std::optional<std::string> raster_fingerprint(const std::string& path);

}  // namespace plat
