// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

enum class DataKind { Folder, Raster, Vector, Coco, Via, StacItem, StacCatalog, List, Other };

/// What a path holds: by its extension, and JSON by its content. Throws IoError, DataError for broken JSON.
DataKind known_kind(const std::string& path);
/// The same; what its extension does not tell is opened. Throws IoError where that fails.
DataKind data_kind(const std::string& path);
/// Whether a file only goes with others: the parts of a Shapefile, world files, notes that GDAL keeps beside images.
bool is_side_file(const std::string& path);

/// What the name of a file tells.
struct DataName {
  std::vector<std::string> folders;  ///< from the folder that was named down to the file's own
  std::string stem;                  ///< in lower case, without what says image, mask or labels ("a_mask.png": "a")
  bool says_labels = false;          ///< such a word was in the stem or is one of the folders
};

/// `root` is the folder that was named; its own name counts where `root_counts`.
DataName data_name(const std::string& path, const std::string& root, bool root_counts);

/// The best partner for a file among others of the same stem: the one whose folders agree most. -1 where there is none,
/// or no single best one.
int64_t partner(const DataName& file, const std::vector<const DataName*>& others);

/// All files below a folder in order of their paths; hidden files and folders are passed over, and a folder that is one
/// data set (.gdb) counts as a file.
std::vector<std::string> files_below(const std::string& folder);

/// A raster that is named, or those below a folder.
std::vector<std::string> rasters_in(const std::string& path);

/// Whether a raster looks like a mask: one band of whole numbers with few different values.
bool looks_like_mask(const std::string& path);

/// The last part of a path.
std::string file_name(const std::string& path);

}  // namespace plat
