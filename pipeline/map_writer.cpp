// SPDX-License-Identifier: Apache-2.0
#include "pipeline/map_writer.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace plat {
namespace {

constexpr uint8_t kMapNodata = 255;
constexpr float kMapScale = 250;

RasterWriteOptions write_options(const std::vector<std::string>& names, bool overwrite) {
  RasterWriteOptions options;
  options.overwrite = overwrite;
  options.cog = true;
  options.nodata = kMapNodata;
  options.band_names = names;
  return options;
}

std::vector<std::string> names_of(const ModelDescription& model) {
  std::vector<std::string> names;
  for (const ClassDescription& c : model.classes) {
    for (const char* map : {"extent", "boundary", "distance"}) names.push_back(c.name + " " + map);
  }
  return names;
}

}  // namespace

MapWriter::MapWriter(const std::string& path, const Grid& grid, const ModelDescription& model, bool overwrite)
    : MapWriter(path, grid, names_of(model), overwrite) {}

MapWriter::MapWriter(const std::string& path, const Grid& grid, const std::vector<std::string>& names, bool overwrite)
    : writer_(path, grid, static_cast<int>(names.size()), write_options(names, overwrite)) {}

void MapWriter::write(const MapBlock& block) {
  Image<uint8_t> bytes(block.maps.width(), block.maps.height(), block.maps.bands());
  const std::span<const uint8_t> valid = block.valid.band(0);
  for (int64_t b = 0; b < bytes.bands(); ++b) {
    const std::span<const float> from = block.maps.band(b);
    const std::span<uint8_t> to = bytes.band(b);
    for (std::size_t i = 0; i < to.size(); ++i) {
      const bool known = valid[i] != 0 && !std::isnan(from[i]);
      to[i] = known ? static_cast<uint8_t>(std::round(std::clamp(from[i], 0.0F, 1.0F) * kMapScale)) : kMapNodata;
    }
  }
  writer_.write(bytes, block.col, block.row);
}

void MapWriter::close() { writer_.close(); }

}  // namespace plat
