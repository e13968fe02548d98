// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "tests/pipeline/bright_segmenter.hpp"
#include "tests/pipeline/extract_world.hpp"
#include "tests/support/quiet.hpp"
#include "tests/support/virtual_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>

using plat::test::BrightSegmenter;
using plat::test::dark_scene;
using plat::test::exact_options;
using plat::test::file_bytes;
using plat::test::metre_grid;
using plat::test::paint;
using plat::test::write_scene;

namespace {

const plat::GdalSession gdal;

}  // namespace

BOOST_AUTO_TEST_SUITE(same_bytes)

BOOST_AUTO_TEST_CASE(bytes_are_the_same_for_any_number_of_threads) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(300, 260);
  for (const auto& window : plat::test::many_windows(300, 260)) paint(scene, window);
  paint(scene, {5, 100, 290, 60});
  write_scene(folder.file("scene.tif"), scene, metre_grid(300, 260));
  const BrightSegmenter model(48, 12);
  for (const std::string extension : {".geojson", ".geojsonl", ".fgb", ".gpkg", ".shp"}) {
    std::map<int, std::string> bytes;
    for (const int threads : {1, 2, 3, 8}) {
      auto options = exact_options(threads);
      options.simplify_m = 0.4;
      options.regularize = true;
      options.maps = folder.file("maps" + std::to_string(threads) + ".tif");
      options.overwrite = true;
      const std::string output = folder.file("out" + extension);
      plat::extract(folder.file("scene.tif"), output, options, model);
      bytes[threads] = file_bytes(output) + file_bytes(options.maps);
    }
    BOOST_TEST(bytes[1].size() > 1000U);
    for (const int threads : {2, 3, 8})
      BOOST_TEST((bytes[threads] == bytes[1]), extension << ", " << threads << " threads");
  }
}

BOOST_AUTO_TEST_CASE(bytes_are_the_same_for_any_blocks_of_the_file) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(700, 600);
  for (const auto& window : plat::test::many_windows(700, 600)) paint(scene, window);
  const plat::Grid grid = metre_grid(700, 600);
  write_scene(folder.file("tiled.tif"), scene, grid);
  plat::RasterWriteOptions cog;
  cog.cog = true;
  plat::write_raster(folder.file("cog.tif"), scene, grid, cog);
  plat::test::write_repeated(folder.file("virtual.vrt"), folder.file("cog.tif"), grid, 1, 1);
  const BrightSegmenter model(48, 12);
  std::map<std::string, std::string> bytes;
  for (const std::string name : {"tiled.tif", "cog.tif", "virtual.vrt"}) {
    auto options = exact_options(2);
    options.maps = folder.file("maps.tif");
    options.overwrite = true;
    plat::extract(folder.file(name), folder.file("out.gpkg"), options, model);
    bytes[name] = file_bytes(folder.file("out.gpkg")) + file_bytes(options.maps);
  }
  BOOST_TEST((bytes["cog.tif"] == bytes["tiled.tif"]));
  BOOST_TEST((bytes["virtual.vrt"] == bytes["tiled.tif"]));
}

BOOST_AUTO_TEST_SUITE_END()
