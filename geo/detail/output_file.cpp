// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/output_file.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/text.hpp"
#include "geo/detail/gdal_errors.hpp"

#include <cpl_vsi.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace plat::detail {
namespace {

namespace fs = std::filesystem;

// In place of the extension.
constexpr std::array<const char*, 7> kShapefileParts = {".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx"};
// After the whole name.
constexpr std::array<const char*, 3> kTiffParts = {".aux.xml", ".ovr", ".msk"};
constexpr std::array<const char*, 3> kSqliteParts = {"-journal", "-wal", "-shm"};

bool is_virtual(const std::string& path) { return path.starts_with("/vsi"); }

}  // namespace

bool path_exists(const std::string& path) {
  const GdalErrors quiet;
  VSIStatBufL stat;
  return VSIStatExL(path.c_str(), &stat, VSI_STAT_EXISTS_FLAG) == 0;
}

std::string checked_output(const std::string& path, bool overwrite) {
  if (path_exists(path)) {
    if (!overwrite) throw IoError(path + " exists. Pass --overwrite to replace it");
    if (!is_virtual(path) && fs::is_directory(path)) throw IoError(path + " is a folder; name a file to write");
  } else if (const fs::path folder = fs::path(path).parent_path();
             !is_virtual(path) && !folder.empty() && !fs::is_directory(folder)) {
    throw IoError("cannot write " + path + ": there is no folder " + folder.string() + "; create it first");
  }
  return is_virtual(path) ? path : behind_links(path);
}

std::vector<std::string> files_of(const std::string& path) {
  std::vector<std::string> files{path};
  const std::string extension = extension_of(path);
  if (extension == ".shp") {
    for (const char* part : kShapefileParts) files.push_back(fs::path(path).replace_extension(part).string());
  } else if (extension == ".tif" || extension == ".tiff") {
    for (const char* part : kTiffParts) files.push_back(path + part);
  } else if (extension == ".gpkg") {
    for (const char* part : kSqliteParts) files.push_back(path + part);
  }
  return files;
}

void remove_output(const std::string& path) {
  const GdalErrors quiet;
  for (const std::string& file : files_of(path)) VSIUnlink(file.c_str());
}

void rename_output(const std::string& from, const std::string& to) {
  const GdalErrors errors;
  const auto sources = files_of(from);
  const auto targets = files_of(to);
  // The main file last: where it carries its final name, all of its parts do.
  for (std::size_t i = sources.size(); i-- > 0;) {
    if (!path_exists(sources[i])) {
      // A part that the new file does not have must not stay from an old one.
      VSIUnlink(targets[i].c_str());
      continue;
    }
    if (VSIRename(sources[i].c_str(), targets[i].c_str()) != 0) {
      throw IoError("cannot rename " + sources[i] + " to " + targets[i] + ": " + std::strerror(errno) +
                    "; check the folder's permissions");
    }
  }
}

std::string stem_of(const std::string& path) { return fs::path(path).stem().string(); }

std::string extension_of(const std::string& path) { return lower(fs::path(path).extension().string()); }

}  // namespace plat::detail
