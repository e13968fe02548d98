// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat {

/// Images and labels of a STAC item, as paths or GDAL's virtual paths; either may be a folder.
struct StacPair {
  std::string item;  ///< file of the item
  std::string id;
  std::vector<std::string> images;
  std::vector<std::string> labels;
};

/// What a STAC file and those that it links to hold.
struct StacData {
  std::vector<StacPair> pairs;  ///< those with labels; images may lack
  std::vector<std::string>
      without_labels;  ///< ids of items with images only, which no item of labels names as its source
  std::vector<std::string> not_followed;  ///< links to addresses, which are not loaded
};

/// Reads an item, a catalogue or a collection with all items below it. Labels are the assets with the role labels (or
/// label in the ML-AOI extension), or all assets of an item of the label extension where none has it; images are the item's
/// data assets, or those of the items that its links of relation source name, by label:assets where that is given. Each
/// file is read once, however they link. Throws IoError, DataError.
StacData read_stac(const std::string& path);

}  // namespace plat
