// SPDX-License-Identifier: Apache-2.0
#include "training/mask_labels.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/image.hpp"
#include "geo/raster_reader.hpp"
#include "postprocess/vectorize.hpp"
#include "training/data_files.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

namespace plat {
namespace {

constexpr int32_t kUnknownByte = 255;
constexpr int32_t kNoData = -1;

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

/// Values of all pixels, kNoData where there are none; colours as 0xRRGGBB, greys by their one number.
Image<int32_t> read_values(RasterReader& reader, bool zero_is_background) {
  constexpr int64_t kRows = 512;
  const Grid& grid = reader.grid();
  Image<int32_t> values(grid.width, grid.height);
  for (int64_t row = 0; row < grid.height; row += kRows) {
    throw_if_cancelled();
    const RasterBlock block = reader.read({0, row, grid.width, std::min(kRows, grid.height - row)});
    for (int64_t r = 0; r < block.valid.height(); ++r) {
      for (int64_t c = 0; c < grid.width; ++c) {
        const float first = block.pixels.at(c, r);
        if (first != std::floor(first) || first < 0 || first > 16'777'216) {
          throw DataError(reader.info().path + ": a mask holds whole numbers from 0, this raster holds " +
                          std::to_string(first) + "; write it as bytes");
        }
        auto value = static_cast<int32_t>(first);
        if (block.pixels.bands() == 3) {
          const auto green = static_cast<int32_t>(block.pixels.at(c, r, 1));
          const auto blue = static_cast<int32_t>(block.pixels.at(c, r, 2));
          if (green != value || blue != value) value = (value << 16) + (green << 8) + blue;
        }
        if (block.valid.at(c, r) == 0) value = zero_is_background ? 0 : kNoData;
        values.at(c, row + r) = value;
      }
    }
  }
  return values;
}

void check_colours(const std::string& path, const std::set<int32_t>& values) {
  if (values.size() <= 2) return;
  std::vector<std::string> names;
  for (const int32_t value : values) names.push_back(hex(value > 255 ? value : value * 0x010101));
  throw DataError(path + ": a mask in " + std::to_string(values.size()) + " colours (" + some_of(names) +
                  "), whose classes nothing tells; write one band with 0 for background" +
                  (values.size() > 64 ? ", and not as JPEG, which blurs values" : ""));
}

}  // namespace

LabelSet read_mask(const std::string& path) {
  const RasterInfo info = inspect_raster(path);
  RasterOptions options;
  options.bands = value_bands(info);
  options.nearest = true;
  RasterReader reader(path, options);
  const bool zero_is_background = !info.nodata.front() || *info.nodata.front() == 0;
  Image<int32_t> values = read_values(reader, zero_is_background);
  std::set<int32_t> found(values.data(), values.data() + values.size());
  if (reader.bands() == 3 && *found.rbegin() > 255) check_colours(path, found);

  LabelSet labels;
  labels.path = path;
  labels.in_pixels = info.georeferencing == "none";
  labels.crs = reader.grid().crs;
  labels.tells_classes = true;
  labels.from_mask = true;
  const Grid& grid = reader.grid();
  const auto placed = [&](const MultiPolygon& outline) {
    MultiPolygon out;
    for (const Polygon& part : outline) out.push_back(labels.in_pixels ? part : grid.to_world(part));
    return out;
  };
  labels.covered = labels.in_pixels ? Bounds{0, 0, static_cast<double>(grid.width), static_cast<double>(grid.height)}
                                    : grid.world_bounds();
  const auto is_other = [](int32_t value) { return value > 0 && value != kUnknownByte; };
  const auto others = static_cast<std::size_t>(std::count_if(found.begin(), found.end(), is_other));
  // Alone it means the objects, and among many it is the number of one.
  const bool byte_is_unknown = found.contains(kUnknownByte) && others > 0 && others <= kMaxClasses;
  for (const auto& [value, parts] : vectorize(values)) {
    if (value == 0) continue;
    if (value == kNoData || (byte_is_unknown && value == kUnknownByte)) {
      labels.unknown.push_back(placed(parts));
      continue;
    }
    for (const Polygon& part : parts) labels.objects.push_back({placed({part}), std::to_string(value)});
  }
  return labels;
}

}  // namespace plat
