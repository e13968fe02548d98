// SPDX-License-Identifier: Apache-2.0
#include "tests/training/train_world.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/image.hpp"
#include "geo/gdal_session.hpp"
#include "geo/rasterize.hpp"
#include "model/files/model_folder.hpp"
#include "training/train.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

using namespace plat;
using plat::test::read;
using plat::test::read_metrics;
using plat::test::World;

namespace {

struct Session {
  GdalSession gdal;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(training)

BOOST_AUTO_TEST_CASE(twenty_steps_lower_the_loss_and_leave_a_whole_run) {
  World world;
  const TrainSummary summary = train(world.options);
  BOOST_TEST(summary.steps == 20);
  const auto metrics = read_metrics(world.options.output);
  const auto mean_loss = [&metrics](std::size_t from, std::size_t to) {
    double sum = 0;
    for (std::size_t i = from; i < to; ++i) sum += metrics.at(i).at("loss").get<double>();
    return sum / static_cast<double>(to - from);
  };
  BOOST_TEST(mean_loss(15, 20) < 0.97 * mean_loss(0, 5));
  for (const char* file :
       {"config.json", "data.txt", "metrics.jsonl", "last.pt", "best.safetensors", "model/config.json",
        "model/preprocessor_config.json", "model/model.safetensors", "model/README.md", "model/training.json"}) {
    BOOST_TEST(std::filesystem::exists(world.options.output + "/" + file), file << " is there");
  }
  BOOST_TEST(read_model_folder(world.options.output + "/model").description.classes.front().name == "building");
}

BOOST_AUTO_TEST_CASE(a_run_ends_when_validation_gets_no_better) {
  World world;
  world.options.steps = 60;
  world.options.validate_every = 2;
  world.options.patience = 3;
  world.options.optimizer.learning_rate = 0.3;  // far too high: the network gets worse soon
  world.options.optimizer.average = 0;
  const int64_t steps = train(world.options).steps;
  BOOST_TEST(steps < 60);
  // What the run wrote down has three validations in a row that were no better just before its end, and not earlier.
  double best = -1;
  int64_t stale = 0, end = 0;
  for (const auto& line : read_metrics(world.options.output)) {
    if (!line.contains("pixel_iou") || end > 0) continue;
    const double score = line["pixel_iou"].get<double>() + line["object_f1"].get<double>();
    stale = score > best ? 0 : stale + 1;
    best = std::max(best, score);
    if (stale == 3) end = line["step"].get<int64_t>();
  }
  BOOST_TEST(end == steps);
  world.options.resume = true;
  BOOST_TEST(train(world.options).steps == steps);
  world.options.patience = -1;
  BOOST_CHECK_THROW(train(world.options), UsageError);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_equals_an_uninterrupted_one_bit_for_bit) {
  World world;
  world.options.validate_every = 6;
  train(world.options);
  TrainOptions resumed = world.options;
  resumed.output = world.folder.file("resumed");
  resumed.save_every = 8;
  // Stopped from outside in the middle of step 11, as by Ctrl-C; the schedule still is that of twenty steps.
  resumed.progress = [](double done) {
    if (done > 0.54) request_cancel();
  };
  BOOST_CHECK_THROW(train(resumed), Cancelled);
  reset_cancel();
  resumed.progress = {};
  resumed.resume = true;
  resumed.workers = 3;
  train(resumed);
  BOOST_TEST(
      (read(world.options.output + "/model/model.safetensors") == read(resumed.output + "/model/model.safetensors")));
  const auto once = read_metrics(world.options.output);
  const auto twice = read_metrics(resumed.output);
  BOOST_REQUIRE(once.size() == twice.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    BOOST_TEST(once[i].value("loss", 0.0) == twice[i].value("loss", 0.0));
    BOOST_TEST(once[i].value("pixel_iou", -1.0) == twice[i].value("pixel_iou", -1.0));
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_change_the_model) {
  World world;
  world.options.steps = 4;
  train(world.options);
  TrainOptions more = world.options;
  more.output = world.folder.file("more");
  more.threads = 2;
  more.workers = 2;
  train(more);
  const std::string one = read(world.options.output + "/model/model.safetensors");
  BOOST_TEST((one == read(more.output + "/model/model.safetensors")));
}

BOOST_AUTO_TEST_CASE(an_existing_run_is_neither_replaced_nor_resumed_with_other_options_by_accident) {
  World world;
  world.options.steps = 1;
  train(world.options);
  BOOST_CHECK_THROW(train(world.options), IoError);
  TrainOptions other = world.options;
  other.resume = true;
  other.steps = 2;
  other.optimizer.learning_rate = 1;
  BOOST_CHECK_THROW(train(other), UsageError);
  other.optimizer = world.options.optimizer;
  BOOST_TEST(train(other).steps == 2);
}

BOOST_AUTO_TEST_CASE(a_trained_model_is_a_start_for_another) {
  World world;
  world.options.steps = 2;
  train(world.options);
  TrainOptions further = world.options;
  further.architecture.clear();
  further.init = world.options.output + "/model";
  further.output = world.folder.file("further");
  BOOST_TEST(train(further).steps == 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_chosen_by_a_validation_area_without_objects) {
  World world;
  world.options.steps = 1;
  // A corner that no object reaches into.
  const LabelledScene scene = plat::test::drawn_world(288, 0.3, 4);
  const Affine& place = scene.grid.world_from_pixel;
  const Point low = place({0, 4}), high = place({4, 0});
  write_raster(world.folder.file("mask.tif"), rasterize_mask(scene.objects, 288, 288), scene.grid);
  world.options.data.labels = {world.folder.file("mask.tif")};
  world.options.data.val_bbox = Bounds{low.x, low.y, high.x, high.y};
  TrainOptions patient = world.options, best = world.options, tuned = world.options;
  patient.patience = 1;
  best.keep = "best";
  tuned.tune_thresholds = "validation";
  for (const TrainOptions& options : {patient, best, tuned}) BOOST_CHECK_THROW(train(options), UsageError);
  BOOST_TEST(!std::filesystem::exists(world.options.output));
  train(world.options);
}

BOOST_AUTO_TEST_CASE(data_without_anything_to_learn_from_ends_before_the_run_begins) {
  World world;
  world.options.steps = 1;
  const auto refused = [&world](const TrainOptions& options, const char* why) {
    for (const bool dry : {false, true}) {
      TrainOptions run = options;
      run.dry_run = dry;
      BOOST_CHECK_EXCEPTION(train(run), DataError, [why](const DataError& error) {
        return std::string(error.what()).find(why) != std::string::npos;
      });
    }
    BOOST_TEST(!std::filesystem::exists(options.output));
  };
  // All of the scene but its edge, on which no object lies, is kept out.
  const LabelledScene scene = plat::test::drawn_world(288, 0.3, 4);
  write_raster(world.folder.file("mask.tif"), rasterize_mask(scene.objects, 288, 288), scene.grid);
  TrainOptions away = world.options;
  away.data.labels = {world.folder.file("mask.tif")};
  away.data.val_bbox = Bounds{500000.6, 2999914.2, 500085.8, 2999999.4};
  refused(away, "no object lies on a pixel for training");
  TrainOptions drawn = away;
  drawn.drawn_share = 0.5;
  drawn.dry_run = true;
  BOOST_CHECK_NO_THROW(train(drawn));
  drawn.data.val_bbox = scene.grid.world_bounds();
  refused(drawn, "no object lies on a pixel for training");

  train(world.options);
  TrainOptions further = world.options;
  further.architecture.clear();
  further.init = world.options.output + "/model";
  further.output = world.folder.file("further");
  RasterWriteOptions without;
  without.nodata = 255;
  write_raster(world.folder.file("unknown.tif"), Image<uint8_t>(288, 288, 1, 255), scene.grid, without);
  Image<uint8_t> nowhere = scene.pyramid.front();
  std::fill(nowhere.data(), nowhere.data() + nowhere.size(), uint8_t{0});
  without.nodata = 0;
  write_raster(world.folder.file("nothing.tif"), nowhere, scene.grid, without);
  further.forgetting.retain_objects = 0;
  TrainOptions replay = further;
  replay.forgetting.replay_share = 0.5;
  replay.forgetting.replay_scenes = {world.folder.file("scene.tif")};
  replay.forgetting.replay_labels = {world.folder.file("unknown.tif")};
  refused(replay, "--replay-");
  replay.forgetting.replay_scenes = {world.folder.file("nothing.tif")};
  replay.forgetting.replay_labels = {world.folder.file("labels.geojson")};
  refused(replay, "--replay-");
  TrainOptions distil = further;
  distil.forgetting.distil = 1;
  distil.forgetting.distil_data = {world.folder.file("nothing.tif")};
  refused(distil, "--distil-data");
}

BOOST_AUTO_TEST_CASE(the_model_says_how_its_objects_are_made) {
  World world;
  world.options.steps = 2;
  world.options.crop.gsd_m = 0.3;
  world.options.squared = false;
  world.options.close_gap_m = 1.2;
  world.options.min_area_m2 = 9;
  train(world.options);
  const auto about = [](const std::string& run) {
    return read_model_folder(run + "/model").description.classes.front();
  };
  const ClassDescription plain = about(world.options.output);
  BOOST_TEST(!plain.squared);
  BOOST_TEST(plain.thresholds.close_gap_px == 4, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(plain.thresholds.min_area_m2 == 9);
  BOOST_TEST(plain.thresholds.seed_contrast == InstanceThresholds{}.seed_contrast);

  // A finished run can still be tuned; what it says otherwise and its weights stay.
  for (const char* where : {"training", "validation"}) {
    TrainOptions tuned = world.options;
    tuned.resume = true;
    tuned.tune_thresholds = where;
    const std::string weights = read(world.options.output + "/model/model.safetensors");
    train(tuned);
    BOOST_TEST((weights == read(tuned.output + "/model/model.safetensors")));
    BOOST_TEST(!about(tuned.output).squared);
    BOOST_TEST(about(tuned.output).thresholds.min_area_m2 == 9);
    BOOST_TEST((read(tuned.output + "/model/README.md").find("chosen on") != std::string::npos));
  }

  // A start for another hands it on, unless told otherwise.
  TrainOptions further = world.options;
  further.architecture.clear();
  further.init = world.options.output + "/model";
  further.output = world.folder.file("further");
  further.squared.reset();
  further.close_gap_m.reset();
  further.min_area_m2 = 5;
  train(further);
  BOOST_TEST(!about(further.output).squared);
  BOOST_TEST(about(further.output).thresholds.close_gap_px == 4, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(about(further.output).thresholds.min_area_m2 == 5);

  further.output = world.folder.file("wide");
  further.close_gap_m = 20;
  BOOST_CHECK_THROW(train(further), UsageError);
  further.close_gap_m.reset();
  further.tune_thresholds = "somewhere";
  BOOST_CHECK_THROW(train(further), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
