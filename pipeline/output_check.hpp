// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"

#include <string>
#include <vector>

namespace plat {

/// The files of a run, before anything of it is done. Empty names are passed over.
struct RunFiles {
  std::vector<std::string> inputs;     ///< rasters, layers, model folders
  std::vector<std::string> also_read;  ///< what the caller has read for the run, such as a file of options
  std::vector<std::string> outputs;    ///< files
  bool overwrite = false;
};

/// Throws where a run would not end well or would take something with it: IoError when an output cannot be written, since its
/// folder is missing or not writable, or something is there already and `overwrite` is off; UsageError when an output is one
/// of the files that are read (or a side-car of it, or a source of a VRT), by its identity and not by its name, or when two
/// outputs are one. GDAL's virtual paths (/vsi…) are compared by name only.
void check_outputs(const RunFiles& files);
/// Throws DataError when the scene has no CRS and `path` is to become a GeoJSON, which needs one.
void check_output_crs(const std::string& path, const std::string& scene, const Crs& crs);

}  // namespace plat
