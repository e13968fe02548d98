// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "pipeline/change/dated_objects.hpp"
#include "pipeline/change/scene_pair.hpp"

#include <string>

namespace plat {

/// Writes the layer of changes, and into a GeoPackage both dates' objects as the layers `before` and `after`. Areas of the changes
/// are those on the ground.
void write_changes(const std::string& output, const ScenePair& pair, const ObjectChanges& found,
                   const PairObjects& objects, bool overwrite);
/// Writes the blocks whose shift was measured, with what was measured and what the field gives there.
void write_shifts(const std::string& path, const ScenePair& pair, bool overwrite);
/// Draws both dates with their objects and the changes side by side.
void write_change_preview(const std::string& path, ScenePair& pair, const PairScaling& scaling,
                          const ObjectChanges& found, const PairObjects& objects, bool overwrite);

}  // namespace plat
