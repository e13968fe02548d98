// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// A public model that plat can import (data/catalogue/models.json).
struct CatalogueEntry {
  std::string name;     ///< what `plat models` calls it
  std::string title;    ///< what it is, in a line
  std::string licence;  ///< of the weights
  std::string source;   ///< page of the publisher
  std::string url;      ///< of the file; "" for a repository of the Hugging Face Hub
  std::string hub;      ///< organisation/name on the Hub; "" for a file
  std::string sha256;   ///< of the file; "" where it is not known
  int64_t bytes = 0;    ///< of the file; 0 where it is not known
};

/// All that the program was built with, in the order of the file.
const std::vector<CatalogueEntry>& catalogue();

/// The entry whose file has this checksum.
std::optional<CatalogueEntry> find_by_sha256(const std::string& sha256);

}  // namespace plat
