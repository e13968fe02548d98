// SPDX-License-Identifier: Apache-2.0
#include "model/import/zip_archive.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace plat::detail {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                   kLocator64 = 0x07064b50;
constexpr uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20;
constexpr uint64_t kMaxComment = 0xFFFF;
constexpr uint32_t kIn64 = 0xFFFFFFFF;  // the number stands in the zip64 part

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  [[noreturn]] void damaged(const std::string& what) const {
    throw ModelError(where_ + ": not a complete zip archive: " + what + "; download or write it again");
  }

  template <typename T>
  T number(uint64_t at) const {
    if (bytes_.size() < sizeof(T) || at > bytes_.size() - sizeof(T)) damaged("a part of it lies beyond its end");
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }

  std::span<const std::byte> range(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) damaged("a part of it lies beyond its end");
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
  }

  /// Where the record at the archive's end begins.
  uint64_t find_end() const {
    if (bytes_.size() < kEndSize) damaged("it is too short");
    const uint64_t last = bytes_.size() - kEndSize;
    const uint64_t first = last > kMaxComment ? last - kMaxComment : 0;
    for (uint64_t at = last;; --at) {
      if (number<uint32_t>(at) == kEnd) return at;
      if (at == first) damaged("its directory is missing, as in a download that was cut off");
    }
  }

  struct Directory {
    uint64_t count, size, at;
  };

  Directory directory() const {
    const uint64_t end = find_end();
    Directory found{number<uint16_t>(end + 10), number<uint32_t>(end + 12), number<uint32_t>(end + 16)};
    if (end >= kLocatorSize && number<uint32_t>(end - kLocatorSize) == kLocator64) {
      const auto end64 = number<uint64_t>(end - kLocatorSize + 8);
      range(end64, kEnd64Size);
      if (number<uint32_t>(end64) != kEnd64) damaged("its directory is not where it should be");
      found = {number<uint64_t>(end64 + 32), number<uint64_t>(end64 + 40), number<uint64_t>(end64 + 48)};
    }
    range(found.at, found.size);
    if (found.count > found.size / kCentralSize) damaged("its directory is too short");
    return found;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

/// Sizes and place of an entry; those that do not fit 32 bits stand in an extra field.
struct Place {
  uint64_t packed, size, at;
};

void read_zip64(const Reader& reader, uint64_t at, uint64_t end, Place& place) {
  while (end - at >= 4) {
    const auto id = reader.number<uint16_t>(at);
    const uint64_t field_end = at + 4 + reader.number<uint16_t>(at + 2);
    if (field_end > end) reader.damaged("an extra field is too long");
    at += 4;
    if (id == 1) {
      for (uint64_t* value : {&place.size, &place.packed, &place.at}) {
        if (*value != kIn64) continue;
        if (field_end - at < sizeof(uint64_t)) reader.damaged("an extra field is too short");
        *value = reader.number<uint64_t>(at);
        at += sizeof(uint64_t);
      }
      return;
    }
    at = field_end;
  }
}

}  // namespace

bool looks_like_zip(std::span<const std::byte> bytes) {
  constexpr std::array<unsigned char, 4> kBegin = {'P', 'K', 3, 4};
  return bytes.size() >= kBegin.size() && std::memcmp(bytes.data(), kBegin.data(), kBegin.size()) == 0;
}

std::map<std::string, ZipEntry> read_zip(std::span<const std::byte> archive, const std::string& where) {
  const Reader reader(archive, where);
  const auto directory = reader.directory();
  std::map<std::string, ZipEntry> entries;
  uint64_t at = directory.at;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (reader.number<uint32_t>(at) != kCentralHeader) reader.damaged("its directory is damaged");
    const auto flags = reader.number<uint16_t>(at + 8), method = reader.number<uint16_t>(at + 10);
    Place place{reader.number<uint32_t>(at + 20), reader.number<uint32_t>(at + 24), reader.number<uint32_t>(at + 42)};
    const uint64_t name_size = reader.number<uint16_t>(at + 28), extra_size = reader.number<uint16_t>(at + 30),
                   comment_size = reader.number<uint16_t>(at + 32);
    const auto name_bytes = reader.range(at + kCentralSize, name_size);
    const std::string name(reinterpret_cast<const char*>(name_bytes.data()), name_bytes.size());
    read_zip64(reader, at + kCentralSize + name_size, at + kCentralSize + name_size + extra_size, place);
    if (method != 0 || (flags & 1U) != 0 || place.packed != place.size) {
      throw ModelError(where +
                       ": is a compressed or encrypted zip archive, which torch.save does not write; unpack it " +
                       "and import what is inside");
    }
    // The local header's own name and extra field may have other lengths than those of the directory.
    reader.range(place.at, kLocalSize);
    if (reader.number<uint32_t>(place.at) != kLocalHeader) reader.damaged("an entry is not where it should be");
    const uint64_t data =
        place.at + kLocalSize + reader.number<uint16_t>(place.at + 26) + reader.number<uint16_t>(place.at + 28);
    const ZipEntry entry{reader.range(data, place.size), reader.number<uint32_t>(at + 16)};
    if (!entries.emplace(name, entry).second) reader.damaged("two entries have the same name");
    at += kCentralSize + name_size + extra_size + comment_size;
  }
  return entries;
}

uint32_t crc32(std::span<const std::byte> bytes) {
  // Eight bytes a step, with a table for each ("slicing by 8").
  static const auto tables = [] {
    std::array<std::array<uint32_t, 256>, 8> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1U) : c >> 1U;
      t[0][i] = c;
    }
    for (std::size_t k = 1; k < t.size(); ++k) {
      for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8U) ^ t[0][t[k - 1][i] & 0xFFU];
    }
    return t;
  }();
  uint32_t c = 0xFFFFFFFF;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    word ^= c;
    c = 0;
    for (std::size_t k = 0; k < 8; ++k) c ^= tables[7 - k][(word >> (8 * k)) & 0xFFU];
  }
  for (; i < bytes.size(); ++i) c = tables[0][(c ^ static_cast<uint32_t>(bytes[i])) & 0xFFU] ^ (c >> 8U);
  return ~c;
}

}  // namespace plat::detail
