// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/test_data.hpp"
#include "tests/training/drawn_world.hpp"

#include "geo/feature_io.hpp"
#include "geo/raster_writer.hpp"
#include "geo/rasterize.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace plat::test {

inline void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Three bands as an uncompressed BMP: a picture without any georeference.
inline void write_bmp(const std::string& path, const Image<uint8_t>& image) {
  const auto row_bytes = static_cast<uint32_t>((image.width() * 3 + 3) / 4 * 4);
  const auto size = static_cast<uint32_t>(54 + row_bytes * image.height());
  std::string bytes = "BM";
  const auto number = [&bytes](uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 255));
  };
  for (const uint32_t value : {size, uint32_t{0}, uint32_t{54}, uint32_t{40}, static_cast<uint32_t>(image.width()),
                               static_cast<uint32_t>(image.height())})
    number(value, 4);
  number(1, 2);
  number(24, 2);
  for (int i = 0; i < 6; ++i) number(0, 4);
  for (int64_t r = image.height() - 1; r >= 0; --r) {
    const std::size_t start = bytes.size();
    for (int64_t c = 0; c < image.width(); ++c) {
      for (int64_t b = 2; b >= 0; --b) bytes.push_back(static_cast<char>(image.at(c, r, image.bands() == 3 ? b : 0)));
    }
    bytes.resize(start + row_bytes);
  }
  write_file(path, bytes);
}

/// A drawn scene whose parts, labels and masks go into a folder in any layout.
struct DataWorld {
  explicit DataWorld(int64_t size = 384) : scene(drawn_world(size, 0.3, 9)) {}

  std::string path(const std::string& name) const {
    const std::string path = folder.file(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    return path;
  }
  Image<uint8_t> pixels(const Window& part) const { return crop(scene.pyramid.front(), part); }
  Window all() const { return {0, 0, scene.width(), scene.height()}; }

  /// The objects that touch a part, in its pixels.
  std::vector<MultiPolygon> objects(const Window& part) const {
    std::vector<MultiPolygon> found;
    for (MultiPolygon object : scene.objects) {
      for (Point& p : object.front().exterior) {
        p.x -= static_cast<double>(part.col);
        p.y -= static_cast<double>(part.row);
      }
      if (bounds(object).intersects({0, 0, static_cast<double>(part.width), static_cast<double>(part.height)}))
        found.push_back(object);
    }
    return found;
  }

  void image(const std::string& name, const Window& part) const {
    write_raster(path(name), pixels(part), scene.grid.sub(part));
  }
  void plain_image(const std::string& name, const Window& part) const { write_bmp(path(name), pixels(part)); }

  /// Objects as `value` on 0.
  Image<uint8_t> mask(const Window& part, uint8_t value) const {
    Image<uint8_t> out = rasterize_mask(objects(part), part.width, part.height);
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<uint8_t>(out.data()[i] * value);
    return out;
  }
  void mask_file(const std::string& name, const Window& part, uint8_t value = 255) const {
    write_raster(path(name), mask(part, value), scene.grid.sub(part));
  }
  void plain_mask(const std::string& name, const Window& part, uint8_t value = 255) const {
    write_bmp(path(name), mask(part, value));
  }

  /// The objects of a part, moved by so many metres, as a layer.
  void layer(const std::string& name, const Window& part, double east_m = 0, double south_m = 0) const {
    FeatureWriter writer(path(name), scene.grid.crs, {});
    Grid grid = scene.grid.sub(part);
    grid.world_from_pixel.x0 += east_m;
    grid.world_from_pixel.y0 -= south_m;
    for (const MultiPolygon& object : objects(part)) writer.write({{grid.to_world(object.front())}, {}});
    writer.close();
  }

  TemporaryFolder folder;
  LabelledScene scene;
};

}  // namespace plat::test
