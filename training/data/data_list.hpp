// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat {

/// A line of a list: an image and its labels, paths as the program can open them.
struct ListedImage {
  std::string image;
  std::string labels;  ///< empty: to be found
};

/// Reads a list of images, one a line, each with its labels behind a comma, semicolon or tab, or without; paths are relative
/// to the list. A first line of names (image,labels) is understood, also with more columns; empty lines and those that begin
/// with # are passed over. Throws IoError, and DataError naming the line.
std::vector<ListedImage> read_data_list(const std::string& path);

/// A path as a file names it, relative to the folder of that file. Addresses become GDAL's virtual paths.
std::string resolved_path(const std::string& href, const std::string& file);

}  // namespace plat
