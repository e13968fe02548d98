// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/output_check.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace {

const plat::GdalSession session;

struct World {
  World() {
    for (const char* name : {"scene.tif", "free.tif"}) {
      plat::Grid grid;
      grid.width = grid.height = 8;
      plat::RasterWriter<uint8_t> writer(folder.file(name), grid, 1, {});
      writer.write(plat::Image<uint8_t>(8, 8), 0, 0);
      writer.close();
    }
    for (const char* name : {"layer.shp", "layer.dbf", "there.gpkg"}) std::ofstream(folder.file(name)) << "something";
    std::ofstream(folder.file("scene.vrt"))
        << R"(<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>)"
        << R"(<SourceFilename relativeToVRT="1">scene.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>)"
        << "</VRTRasterBand></VRTDataset>";
    std::ofstream(folder.file("outer.vrt"))
        << R"(<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>)"
        << R"(<SourceFilename relativeToVRT="1">scene.vrt</SourceFilename><SourceBand>1</SourceBand></SimpleSource>)"
        << "</VRTRasterBand></VRTDataset>";
    fs::create_hard_link(folder.file("scene.tif"), folder.file("hard.tif"));
    fs::create_symlink("scene.tif", folder.file("soft.tif"));
    fs::create_directory(folder.file("model"));
    std::ofstream(folder.file("model/config.json")) << "{}";
  }
  void check(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs, bool overwrite = true) {
    plat::RunFiles files;
    files.overwrite = overwrite;
    for (const std::string& name : inputs) files.inputs.push_back(folder.file(name));
    for (const std::string& name : outputs) files.outputs.push_back(name.empty() ? "" : folder.file(name));
    plat::check_outputs(files);
  }
  plat::test::TemporaryFolder folder;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(output_check, World)

BOOST_AUTO_TEST_CASE(outputs_need_a_folder_and_a_free_name) {
  BOOST_CHECK_THROW(check({}, {"there.gpkg"}, false), plat::IoError);
  BOOST_CHECK_NO_THROW(check({}, {"there.gpkg"}));
  BOOST_CHECK_THROW(check({}, {"no/out.gpkg"}), plat::IoError);
  BOOST_CHECK_THROW(check({}, {"model"}), plat::IoError);
  BOOST_CHECK_NO_THROW(check({}, {"new.gpkg", ""}, false));
  BOOST_CHECK_NO_THROW(plat::check_outputs({{}, {}, {"new.gpkg"}, false}));
}

BOOST_AUTO_TEST_CASE(no_output_is_an_input_by_whatever_name) {
  for (const char* output : {"scene.tif", "./scene.tif", "model/../scene.tif", "hard.tif", "soft.tif"}) {
    BOOST_CHECK_THROW(check({"scene.tif"}, {"out.gpkg", output}), plat::UsageError);
    // The source of a VRT is read as well.
    BOOST_CHECK_THROW(check({"scene.vrt"}, {output}), plat::UsageError);
    BOOST_CHECK_THROW(check({"outer.vrt"}, {output}), plat::UsageError);
  }
  BOOST_CHECK_THROW(check({"layer.shp"}, {"layer.shp"}), plat::UsageError);
  // The table would be replaced with the shapes.
  BOOST_CHECK_THROW(check({"layer.dbf"}, {"layer.shp"}), plat::UsageError);
  BOOST_CHECK_THROW(check({"model"}, {"model/config.json"}), plat::UsageError);
  BOOST_CHECK_NO_THROW(check({"model"}, {"model/maps.tif"}));
  BOOST_CHECK_NO_THROW(check({"scene.tif", "scene.vrt"}, {"free.tif", "there.gpkg"}));
}

BOOST_AUTO_TEST_CASE(two_outputs_are_two_files) {
  BOOST_CHECK_THROW(check({}, {"new.tif", "./new.tif"}), plat::UsageError);
  BOOST_CHECK_THROW(check({"free.tif"}, {"hard.tif", "soft.tif"}), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
