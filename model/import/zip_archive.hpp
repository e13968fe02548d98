// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace plat::detail {

/// An entry of a zip archive, as it stands in the archive.
struct ZipEntry {
  std::span<const std::byte> bytes;
  uint32_t crc = 0;  ///< as the archive states it
};

/// Whether the bytes begin as a zip archive does.
bool looks_like_zip(std::span<const std::byte> bytes);

/// The entries of a zip archive (APPNOTE 6.3, with zip64) by name. Entries must be stored without compression and
/// encryption, as torch.save stores them. Throws ModelError beginning with `where` for anything else, an entry that ends
/// beyond the file, and two entries of one name.
std::map<std::string, ZipEntry> read_zip(std::span<const std::byte> archive, const std::string& where);

/// The checksum of zip archives.
uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace plat::detail
