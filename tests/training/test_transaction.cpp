// SPDX-License-Identifier: Apache-2.0
#include "tests/training/train_world.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/train.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <string>

using namespace plat;
using plat::test::read;
using plat::test::World;
namespace fs = std::filesystem;

namespace {

struct Session {
  GdalSession gdal;
};

/// All that a folder holds, by relative path.
std::map<std::string, std::string> content(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read(entry.path().string());
  }
  return files;
}

/// A finished run, and options that fine-tune another network in its place.
struct EarlierRun : World {
  EarlierRun() {
    options.steps = 2;
    train(options);
    before = content(options.output);
    base = folder.file("base");
    fs::copy(options.output + "/model", base);
    options.architecture.clear();
    options.init = base;
    options.overwrite = true;
    options.forgetting.retain_objects = 0;
  }
  std::map<std::string, std::string> before;
  std::string base;
};

/// Trains in a process of its own, which SIGTERM stops as it does the program.
pid_t train_in_child(const TrainOptions& options) {
  const pid_t child = fork();
  if (child != 0) return child;
  std::signal(SIGTERM, [](int) { request_cancel(); });
  try {
    train(options);
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

void finish_in_child(const TrainOptions& options) {
  int status = 0;
  waitpid(train_in_child(options), &status, 0);
  BOOST_REQUIRE(status == 0);
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(transaction)

// Stands first: a process that has trained has threads, which its children lack.
BOOST_AUTO_TEST_CASE(a_run_stopped_anywhere_ends_as_one_that_was_not) {
  World run;
  run.options.steps = 2;
  finish_in_child(run.options);
  TrainOptions whole = run.options;
  whole.architecture.clear();
  whole.init = run.options.output + "/model";
  whole.forgetting.retain_objects = 4;
  whole.forgetting.wise = 0.5;
  whole.steps = 4;
  whole.validate_every = 2;
  whole.save_every = 2;
  whole.tune_thresholds = "validation";
  whole.output = run.folder.file("whole");
  const auto start = std::chrono::steady_clock::now();
  finish_in_child(whole);
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - start;
  const auto expected = content(whole.output + "/model");
  // Ever later stops meet all phases, also where the processor is busy.
  for (const int signal : {SIGTERM, SIGKILL}) {
    for (int part = 0; part < 8; ++part) {
      TrainOptions stopped = whole;
      stopped.output = run.folder.file("stopped-" + std::to_string(signal) + "-" + std::to_string(part));
      const pid_t child = train_in_child(stopped);
      // Until the first checkpoint there is nothing to resume.
      while (!fs::exists(stopped.output + "/last.pt") && waitpid(child, nullptr, WNOHANG) == 0) usleep(1000);
      usleep(static_cast<useconds_t>(part * all.count() / 10 * 1e6));
      kill(child, signal);
      waitpid(child, nullptr, 0);
      stopped.resume = true;
      finish_in_child(stopped);
      const auto found = content(stopped.output + "/model");
      for (const char* file : {"model.safetensors", "config.json", "preprocessor_config.json"})
        BOOST_TEST((found.at(file) == expected.at(file)), file << " after signal " << signal << ", stop " << part);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_earlier_run_stays_where_the_new_one_cannot_start) {
  EarlierRun run;
  TrainOptions own = run.options;
  own.init = own.output + "/model";
  BOOST_CHECK_THROW(train(own), UsageError);
  BOOST_TEST((content(own.output) == run.before), "a base inside the run");

  TrainOptions distil = run.options;
  distil.forgetting.distil = 1;
  distil.forgetting.distil_data = {run.folder.file("gone.tif")};
  BOOST_CHECK_THROW(train(distil), IoError);
  BOOST_TEST((content(own.output) == run.before), "distillation data that is missing");

  TrainOptions replay = run.options;
  replay.forgetting.replay_scenes = {run.folder.file("gone.tif")};
  replay.forgetting.replay_labels = {run.folder.file("gone.gpkg")};
  BOOST_CHECK_THROW(train(replay), IoError);
  BOOST_TEST((content(own.output) == run.before), "replayed data that is missing");

  fs::resize_file(run.base + "/model.safetensors", 1000);
  BOOST_CHECK_THROW(train(run.options), ModelError);
  BOOST_TEST((content(own.output) == run.before), "damaged weights");
}

BOOST_AUTO_TEST_SUITE_END()
