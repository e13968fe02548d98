// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/scaling.hpp"
#include "pipeline/change/dated_objects.hpp"
#include "pipeline/change/scene_series.hpp"
#include "pipeline/change/series_changes.hpp"

#include <string>
#include <vector>

namespace plat {

/// Writes the layer of changes. Of a pair, a GeoPackage also holds both dates' objects as the layers `before` and `after`; of a
/// longer series the objects of all dates as `objects`, and as `tracks` each that lasts through dates, with its last outline.
void write_changes(const std::string& output, const SceneSeries& series, const SeriesChanges& found,
                   const SeriesObjects& objects, bool overwrite);
/// Writes the blocks whose shift was measured, with what was measured and what the field gives there.
void write_shifts(const std::string& path, const SceneSeries& series, bool overwrite);
/// Draws the dates side by side: of a pair both with their objects, then the changes; of a longer series the first with its objects,
/// then each of the others with what has changed since the one before.
void write_change_preview(const std::string& path, SceneSeries& series, const std::vector<Scaling>& scalings,
                          const SeriesChanges& found, const SeriesObjects& objects, bool overwrite);

}  // namespace plat
