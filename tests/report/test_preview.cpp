// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "report/preview.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>
#include <opencv2/imgcodecs.hpp>

#include <algorithm>
#include <filesystem>

namespace {

const plat::GdalSession gdal;

/// A grey scene of one metre pixels and a square outline on it.
struct World {
  World(int64_t width, int64_t height) {
    grid = {width, height, {500000, 1, 0, 3000000, 0, -1}, plat::Crs::from_text("EPSG:32645")};
    plat::write_raster(folder.file("scene.tif"), plat::Image<uint8_t>(width, height, 3, 100), grid);
  }
  plat::Polygon square(double col, double row, double side) const {
    return {{{col, row}, {col + side, row}, {col + side, row + side}, {col, row + side}}, {}};
  }
  plat::RasterReader reader() const { return plat::RasterReader(folder.file("scene.tif")); }

  plat::test::TemporaryFolder folder;
  plat::Grid grid;
};

bool is_line(const cv::Vec3b& colour) { return colour[2] > 200 && colour[1] > 180 && colour[0] < 90; }
bool is_scene(const cv::Vec3b& colour) { return colour == cv::Vec3b(100, 100, 100); }

}  // namespace

BOOST_AUTO_TEST_SUITE(preview)

BOOST_AUTO_TEST_CASE(outlines_lie_where_the_polygons_are) {
  const World world(800, 400);
  plat::PreviewOptions options;
  options.max_size = 800;
  plat::PreviewCanvas canvas(world.grid, options);
  canvas.add({world.square(100, 50, 200)});
  auto reader = world.reader();
  canvas.write(world.folder.file("out.png"), reader, plat::Scaling::identity(3));
  const cv::Mat3b picture = cv::imread(world.folder.file("out.png"));
  BOOST_TEST(picture.cols == 800);
  BOOST_TEST(picture.rows == 400);
  for (int along = 110; along < 290; along += 20) {
    BOOST_TEST(is_line(picture(50, along)));
    BOOST_TEST(is_line(picture(250, along)));
    BOOST_TEST(is_line(picture(along - 50, 100)));
    BOOST_TEST(is_line(picture(along - 50, 300)));
  }
  BOOST_TEST(is_scene(picture(150, 200)));
  BOOST_TEST(is_scene(picture(20, 20)));
  BOOST_TEST(is_scene(picture(390, 790)));
}

BOOST_AUTO_TEST_CASE(layers_of_another_crs_are_drawn_in_place) {
  const World world(400, 400);
  plat::FeatureLayer layer;
  layer.crs = plat::Crs::wgs84();
  const plat::CrsTransform to_wgs84(world.grid.crs, layer.crs);
  layer.features.push_back({{to_wgs84(world.grid.to_world(world.square(100, 100, 100)))}, {}});
  plat::PreviewOptions options;
  options.max_size = 400;
  auto reader = world.reader();
  plat::write_preview(world.folder.file("out.png"), reader, plat::Scaling::identity(3), layer, options);
  const cv::Mat3b picture = cv::imread(world.folder.file("out.png"));
  BOOST_TEST(is_line(picture(100, 150)));
  BOOST_TEST(is_line(picture(150, 200)));
  BOOST_TEST(is_scene(picture(150, 150)));
}

BOOST_AUTO_TEST_CASE(large_scenes_are_reduced_and_small_ones_enlarged) {
  for (const auto& [side, expected] : {std::pair{2000, 500}, {300, 500}, {20, 80}, {1, 4}}) {
    const World world(side, side);
    plat::PreviewOptions options;
    options.max_size = 500;
    auto reader = world.reader();
    plat::PreviewCanvas(world.grid, options).write(world.folder.file("out.png"), reader, plat::Scaling::identity(3));
    BOOST_TEST(cv::imread(world.folder.file("out.png")).cols == expected);
  }
}

BOOST_AUTO_TEST_CASE(panels_stand_side_by_side_each_with_its_own_outlines) {
  const World world(200, 120);
  plat::PreviewOptions options;
  options.max_size = 200;
  plat::PreviewCanvas left(world.grid, options), right(world.grid, options);
  left.add({world.square(20, 20, 40)});
  right.add({world.square(100, 50, 40)}, plat::PreviewColour::Red);
  auto reader = world.reader(), again = world.reader();
  const plat::Scaling identity = plat::Scaling::identity(3);
  const std::string path = world.folder.file("out.png");
  plat::write_panels(path, {{left, reader, identity, "one", false}, {right, again, identity, "other", true}});
  const cv::Mat3b picture = cv::imread(path);
  const int top = picture.rows - 120, next = picture.cols - 200;
  BOOST_TEST(top > 0);
  BOOST_TEST(next > 200);
  BOOST_TEST(is_line(picture(top + 20, 40)));
  BOOST_TEST(is_scene(picture(top + 90, 120)));
  const cv::Vec3b red = picture(top + 50, next + 120), pale = picture(top + 20, next + 40);
  BOOST_TEST((red[2] > 180 && red[1] < 100 && red[0] < 100));
  BOOST_TEST((pale[0] > 100 && pale[0] == pale[1] && pale[1] == pale[2]));
  // Something is written above each.
  for (const int from : {0, next}) {
    const cv::Mat3b title = picture(cv::Rect(from, 0, 200, top));
    BOOST_TEST(std::any_of(title.begin(), title.end(), [](const cv::Vec3b& v) { return v[0] < 128; }));
  }
  BOOST_CHECK_THROW(plat::write_panels(path, {{left, reader, identity, "one", false}}), plat::IoError);
}

BOOST_AUTO_TEST_CASE(an_existing_picture_is_kept_unless_told) {
  const World world(20, 20);
  auto reader = world.reader();
  const std::string path = world.folder.file("out.png");
  plat::PreviewCanvas(world.grid).write(path, reader, plat::Scaling::identity(3));
  BOOST_CHECK_THROW(plat::PreviewCanvas(world.grid).write(path, reader, plat::Scaling::identity(3)), plat::IoError);
  plat::PreviewOptions options;
  options.overwrite = true;
  plat::PreviewCanvas(world.grid, options).write(path, reader, plat::Scaling::identity(3));
  BOOST_CHECK_THROW(
      plat::PreviewCanvas(world.grid).write(world.folder.file("no/out.png"), reader, plat::Scaling::identity(3)),
      plat::IoError);
  const auto files = std::filesystem::directory_iterator(world.folder.path());
  BOOST_TEST(std::distance(begin(files), end(files)) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
