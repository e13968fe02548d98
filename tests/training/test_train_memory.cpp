// SPDX-License-Identifier: Apache-2.0
#include "tests/training/large_scenes.hpp"
#include "tests/training/train_world.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

/// A tiny network on large scenes.
TrainOptions options_for(const test::World& small, const test::LargeScenes& world, int scenes, const char* ram) {
  TrainOptions options = small.options;
  options.data.scenes.clear();
  for (int i = 0; i < scenes; ++i) options.data.scenes.push_back(world.scene(i));
  options.data.labels = {world.folder.file("labels.geojson")};
  options.steps = 2;
  options.method.ram = ram;
  return options;
}

struct Ran {
  int64_t peak = 0;
  double seconds = 0;
  std::array<char, 1024> message{};  ///< of the UsageError
};

/// Trains in a process of its own, whose peak is that of this run.
Ran run(const TrainOptions& options) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Ran ran;
    const auto start = std::chrono::steady_clock::now();
    try {
      train(options);
    } catch (const UsageError& error) {
      std::strncpy(ran.message.data(), error.what(), ran.message.size() - 1);
    } catch (const std::exception&) {
      _exit(1);
    }
    ran.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ran.peak = peak_resident_memory();
    _exit(write(ends[1], &ran, sizeof(ran)) == sizeof(ran) ? 0 : 1);
  }
  close(ends[1]);
  Ran ran;
  const auto size = read(ends[0], &ran, sizeof(ran));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_REQUIRE(status == 0);
  BOOST_REQUIRE(size == static_cast<ssize_t>(sizeof(ran)));
  BOOST_TEST_MESSAGE(ran.seconds << " s, " << ran.peak / 1'000'000 << " MB: " << ran.message.data());
  return ran;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(train_memory)

BOOST_AUTO_TEST_CASE(ten_large_scenes_are_refused_before_a_pixel_is_read) {
  const test::World small;
  const test::LargeScenes world;
  std::vector<std::array<int, 3>> corners;
  for (int i = 0; i < 10; ++i) {
    corners.push_back({i, 0, 0});
    corners.push_back({i, 63, 63});
  }
  world.layer("labels.geojson", corners);
  for (const bool dry_run : {false, true}) {
    TrainOptions options = options_for(small, world, 10, "1GB");
    options.tune_thresholds = "training";
    options.dry_run = dry_run;
    const Ran ran = run(options);
    const std::string message = ran.message.data();
    // Neighbours that share their labels are one scene.
    for (const char* part : {"1 scene 53 GB", "validation ", "threshold tuning 125 MB", "network ",
                             "program and labels ", "1.0 GB that --ram allows", "fewer scenes"})
      BOOST_TEST(message.find(part) != std::string::npos, "'" << part << "' is not in: " << message);
    BOOST_TEST(ran.seconds < 20);
    BOOST_TEST(ran.peak < 700'000'000);
    BOOST_TEST(!std::filesystem::exists(options.output));
  }
}

BOOST_AUTO_TEST_CASE(of_a_large_scene_only_the_labelled_part_is_held) {
  const test::World small;
  const test::LargeScenes world;
  world.layer("labels.geojson", {{0, 20, 30}, {0, 21, 31}});
  const TrainOptions options = options_for(small, world, 1, "2GB");
  const Ran ran = run(options);
  BOOST_TEST(ran.message.data() == std::string());
  BOOST_TEST(ran.peak < 2'000'000'000);
  BOOST_TEST(std::filesystem::exists(options.output + "/model/model.safetensors"));
}

BOOST_AUTO_TEST_SUITE_END()
