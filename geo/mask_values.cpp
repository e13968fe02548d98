// SPDX-License-Identifier: Apache-2.0
#include "geo/mask_values.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/raster_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace plat {
namespace {

constexpr int32_t kUnknownByte = 255;
constexpr double kCertainByte = 250;  // that stands for a probability of 1
constexpr int32_t kLargestGrey = 255;
constexpr float kLargestValue = 16'777'216;  // whole numbers up to 2^24 pass through float unharmed
constexpr std::size_t kManyColours = 4096;   // no mask has as many: what has is an image, and is not read to its end
constexpr int64_t kBytesPerPixel = 12;       // values, and the numbers of the parts that are outlined

// Objects of a single pixel are specks. More than a thousand, and a twentieth of all that is not background: random
// pixels of which half are set have a sixteenth, sparser ones more.
constexpr int64_t kManySpecks = 1000;
constexpr int64_t kSpeckShare = 20;

/// The bands of a mask that tell values: its only one, or three colours.
std::vector<std::string> value_bands(const RasterInfo& info) {
  const auto bands =
      std::count_if(info.roles.begin(), info.roles.end(), [](BandRole role) { return role != BandRole::Alpha; });
  if (bands == 1) return {"1"};
  if (bands == 3) return {"1", "2", "3"};
  throw DataError(info.path + ": a mask has one band, this raster has " + std::to_string(info.roles.size()) +
                  "; if it is an image, name it otherwise");
}

std::string hex(int32_t colour) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "#%06x", static_cast<unsigned>(colour));
  return text.data();
}

void check_size(const std::string& path, const Grid& grid) {
  if (grid.width <= total_memory() / kBytesPerPixel / std::max<int64_t>(grid.height, 1)) return;
  throw DataError(path + ": a mask of " + std::to_string(grid.width) + " x " + std::to_string(grid.height) +
                  " pixels does not fit in the memory of " + format_memory(total_memory()) +
                  "; cut it (gdal_translate -srcwin) or make polygons of it");
}

int32_t whole_number(const std::string& path, float value) {
  if (value != std::floor(value) || value < 0 || value > kLargestValue) {
    throw DataError(path + ": a mask holds whole numbers from 0, this raster holds " + std::to_string(value) +
                    "; write it as bytes");
  }
  return static_cast<int32_t>(value);
}

int32_t value_at(const std::string& path, const Image<float>& pixels, int64_t col, int64_t row) {
  const int32_t first = whole_number(path, pixels.at(col, row));
  if (pixels.bands() == 1) return first;
  const int32_t green = whole_number(path, pixels.at(col, row, 1));
  const int32_t blue = whole_number(path, pixels.at(col, row, 2));
  if (green == first && blue == first) return first;
  if (std::max({first, green, blue}) > kLargestGrey) {
    throw DataError(path + ": three bands of a mask are a colour in bytes, this raster holds " +
                    std::to_string(std::max({first, green, blue})) + "; write one band with 0 for background");
  }
  return (first << 16) + (green << 8) + blue;
}

void check_colours(const std::string& path, const std::set<int32_t>& values) {
  if (values.size() <= 2) return;
  std::vector<std::string> names;
  for (const int32_t value : values) names.push_back(hex(value > kLargestGrey ? value : value * 0x010101));
  throw DataError(path + ": a mask in " + std::to_string(values.size()) + " colours (" + some_of(names) +
                  "), whose classes nothing tells; write one band with 0 for background" +
                  (values.size() > 64 ? ", and not as JPEG, which blurs values" : ""));
}

void read_values(RasterReader& reader, bool zero_is_background, MaskValues& mask) {
  constexpr int64_t kRows = 512;
  const std::string& path = reader.info().path;
  for (int64_t row = 0; row < mask.grid.height; row += kRows) {
    throw_if_cancelled();
    const RasterBlock block = reader.read({0, row, mask.grid.width, std::min(kRows, mask.grid.height - row)});
    for (int64_t r = 0; r < block.valid.height(); ++r) {
      int32_t before = 0;
      for (int64_t c = 0; c < mask.grid.width; ++c) {
        int32_t value = zero_is_background ? 0 : kUnknownPixel;
        if (block.valid.at(c, r) != 0) value = value_at(path, block.pixels, c, r);
        mask.values.at(c, row + r) = value;
        // Values come in runs, so the set is asked once a run.
        if (c == 0 || value != before) mask.found.insert(value);
        before = value;
      }
    }
    if (reader.bands() == 3 && mask.found.size() > kManyColours) break;
  }
  if (reader.bands() == 3 && *mask.found.rbegin() > kLargestGrey) check_colours(path, mask.found);
}

/// Throws DataError where single pixels make up too much of a mask: noise, or an image of one band.
void check_noise(const std::string& path, const Image<int32_t>& values) {
  int64_t objects = 0;
  int64_t specks = 0;
  for (int64_t r = 0; r < values.height(); ++r) {
    if (r % 512 == 0) throw_if_cancelled();
    for (int64_t c = 0; c < values.width(); ++c) {
      const int32_t value = values.at(c, r);
      if (value <= 0) continue;
      ++objects;
      const bool joined = (c > 0 && values.at(c - 1, r) == value) || (r > 0 && values.at(c, r - 1) == value) ||
                          (c + 1 < values.width() && values.at(c + 1, r) == value) ||
                          (r + 1 < values.height() && values.at(c, r + 1) == value);
      if (!joined) ++specks;
    }
  }
  if (specks <= kManySpecks || specks * kSpeckShare <= objects) return;
  throw DataError(path + ": is noise or an image rather than a mask: " + std::to_string(specks) +
                  " of its objects are single pixels; remove specks first (gdal_sieve.py), or name another file");
}

}  // namespace

MaskValues read_mask_values(const std::string& path, const std::optional<int64_t>& only) {
  const RasterInfo info = inspect_raster(path);
  RasterOptions options;
  options.bands = value_bands(info);
  options.nearest = true;
  RasterReader reader(path, options);
  MaskValues mask;
  mask.grid = reader.grid();
  mask.georeferenced = info.georeferencing != "none";
  check_size(path, mask.grid);
  mask.values = Image<int32_t>(mask.grid.width, mask.grid.height);
  // Many masks call their background nodata; it is background all the same.
  read_values(reader, !info.nodata.front() || *info.nodata.front() == 0, mask);
  const auto is_other = [](int32_t value) { return value > 0 && value != kUnknownByte; };
  const auto others = static_cast<std::size_t>(std::count_if(mask.found.begin(), mask.found.end(), is_other));
  // Alone it means the objects, and among many it is the number of one.
  const bool byte_is_unknown =
      only != kUnknownByte && mask.found.contains(kUnknownByte) && others > 0 && others <= kMaxClasses;
  for (int32_t& value : mask.values.band(0)) {
    if (byte_is_unknown && value == kUnknownByte) value = kUnknownPixel;
    if (only && value != kUnknownPixel) value = value == *only ? 1 : 0;
  }
  check_noise(path, mask.values);
  return mask;
}

MaskValues read_probability_mask(const std::string& path, double threshold) {
  if (!(threshold > 0 && threshold <= 1)) {
    throw UsageError("the threshold must lie above 0 and be at most 1, for example 0.5");
  }
  const RasterInfo info = inspect_raster(path);
  if (value_bands(info).size() != 1) throw DataError(path + ": a map of probabilities has one band, this is an image");
  RasterOptions options;
  options.bands = {"1"};
  RasterReader reader(path, options);
  MaskValues mask;
  mask.grid = reader.grid();
  mask.georeferenced = info.georeferencing != "none";
  check_size(path, mask.grid);
  mask.values = Image<int32_t>(mask.grid.width, mask.grid.height, 1, kUnknownPixel);
  const double scale = reader.is_byte() ? kCertainByte : 1;
  constexpr int64_t kRows = 512;
  for (int64_t row = 0; row < mask.grid.height; row += kRows) {
    throw_if_cancelled();
    const RasterBlock block = reader.read({0, row, mask.grid.width, std::min(kRows, mask.grid.height - row)});
    for (int64_t r = 0; r < block.valid.height(); ++r) {
      for (int64_t c = 0; c < mask.grid.width; ++c) {
        const double value = block.pixels.at(c, r);
        if (block.valid.at(c, r) == 0 || (reader.is_byte() && value == kUnknownByte)) continue;
        if (!(value >= 0 && value <= scale)) {
          throw DataError(path + ": holds " + std::to_string(value) +
                          ", which is no probability; write it as 0..1, or as " +
                          "bytes of 0..250 with 255 for nodata");
        }
        mask.values.at(c, row + r) = value >= threshold * scale ? 1 : 0;
      }
    }
  }
  return mask;
}

}  // namespace plat
