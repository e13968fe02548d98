// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace plat::cli {

/// The options that say how a scene is read, as the user writes them.
struct RasterArguments {
  std::string bands;
  std::optional<double> gsd_m;
  std::optional<double> nodata;
  std::string bbox;
  std::string bbox_crs;
  std::string assign_crs;

  /// What they mean. Throws UsageError for a malformed box or list, DataError for an unknown CRS.
  RasterOptions options() const;
};

/// Declares --bands, --gsd, --nodata, --bbox, --bbox-crs and --assign-crs.
void add_raster_arguments(CLI::App& command, RasterArguments& arguments);

}  // namespace plat::cli
