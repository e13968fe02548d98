// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat {

/// The path that a link leads to at last, also where nothing is there yet; a path that is no link as it is.
std::string behind_links(const std::string& path);
/// Whether two paths name the same file or folder, through links and whatever the spelling; also where neither exists yet.
/// GDAL's virtual paths (/vsi…) are compared as text.
bool same_file(const std::string& a, const std::string& b);
/// Whether a path names something inside a folder, or the folder itself, as above.
bool lies_in(const std::string& path, const std::string& folder);

}  // namespace plat
