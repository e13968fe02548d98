// SPDX-License-Identifier: Apache-2.0
#include "tests/training/train_world.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/staged_path.hpp"
#include "geo/gdal_session.hpp"
#include "training/train.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

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
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read(entry.path().string());
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

/// A signal that a run gets as one of its phases begins.
struct Stop {
  int signal = 0;
  int phase = -1;  ///< from 0
};

/// Trains in a process of its own, which SIGTERM stops as it does the program; returns how it ended, as waitpid says it.
int train_in_child(TrainOptions options, const Stop& stop = {}) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGTERM, [](int) { request_cancel(); });
    const std::string list = options.output + ".phases";
    fs::remove(list);
    options.on_phase = [&stop, &list, phase = 0](const std::string& name) mutable {
      std::ofstream(list, std::ios::app) << name << "\n";
      if (phase++ == stop.phase) std::raise(stop.signal);
    };
    try {
      train(options);
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

void finish_in_child(const TrainOptions& options) { BOOST_REQUIRE(train_in_child(options) == 0); }

/// The phases of a run that train_in_child() made.
std::vector<std::string> phases_of(const TrainOptions& options) {
  std::ifstream in(options.output + ".phases");
  std::vector<std::string> names;
  for (std::string name; std::getline(in, name);) names.push_back(name);
  return names;
}

/// What a run is for: the files of its model and adapter that do not say how long it took.
std::map<std::string, std::string> results(const std::string& run) {
  std::map<std::string, std::string> files;
  for (const auto& [name, text] : content(run)) {
    const bool result = name.starts_with("model/") || name.starts_with("adapter/");
    if (result && !name.ends_with("README.md") && !name.ends_with("training.json")) files[name] = text;
  }
  return files;
}

bool has_staged(const fs::path& folder) {
  return std::ranges::any_of(fs::directory_iterator(folder), [](const fs::directory_entry& entry) {
    return is_staged_name(entry.path().filename().string());
  });
}

/// A run with all phases, after one that made its base, as an option.
struct Finetuning : World {
  Finetuning() {
    options.steps = 2;
    options.output = folder.file("base");
    finish_in_child(options);
    options.architecture.clear();
    options.init = options.output + "/model";
    options.output = folder.file("whole");
    options.forgetting.retain_objects = 2;
    options.forgetting.wise = 0.5;
    options.validate_every = 2;
    options.save_every = 2;
    options.keep = "best";
    options.tune_thresholds = "training";
  }
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(transaction)

// These stand first: a process that has trained has threads, which its children lack.
BOOST_AUTO_TEST_CASE(a_run_stopped_in_any_phase_ends_as_one_that_was_not) {
  Finetuning run;
  for (const char* method : {"full", "lora"}) {
    TrainOptions whole = run.options;
    whole.method.method = method;
    whole.output = run.folder.file(method);
    finish_in_child(whole);
    const std::vector<std::string> phases = phases_of(whole);
    BOOST_TEST(
        (std::set(phases.begin(), phases.end()) ==
         std::set<std::string>{"data", "steps", "validation", "saving", "mixing", "tuning", "writing", "forgetting"}));
    const auto expected = results(whole.output);
    BOOST_TEST(expected.contains("adapter/adapter_model.safetensors") == (whole.method.method == "lora"));
    for (const int signal : {SIGTERM, SIGKILL}) {
      for (int phase = 0; phase < static_cast<int>(phases.size()); ++phase) {
        BOOST_TEST_CONTEXT(method << ", signal " << signal << " in phase " << phase << ", "
                                  << phases[static_cast<std::size_t>(phase)]) {
          TrainOptions stopped = whole;
          stopped.output = run.folder.file("stopped");
          const int status = train_in_child(stopped, {signal, phase});
          BOOST_TEST((signal != SIGKILL || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)));
          // Nothing is there yet to resume where the data was being read.
          stopped.resume = fs::exists(stopped.output);
          finish_in_child(stopped);
          BOOST_TEST((results(stopped.output) == expected));
          BOOST_TEST(!has_staged(stopped.output));
          fs::remove_all(stopped.output);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_replaces_another_loses_nothing_wherever_it_is_killed) {
  Finetuning run;
  TrainOptions earlier = run.options, next = run.options;
  earlier.output = run.folder.file("earlier");
  earlier.forgetting = {};
  earlier.forgetting.retain_objects = 0;
  finish_in_child(earlier);
  fs::create_directories(earlier.output + "/hub/notes");
  std::ofstream(earlier.output + "/hub/notes/mine.txt") << "mine";
  const auto before = content(earlier.output);
  next.optimizer.learning_rate = 1e-3;
  next.output = run.folder.file("whole");
  finish_in_child(next);
  const std::vector<std::string> phases = phases_of(next);
  const auto expected = results(next.output);
  next.output = run.folder.file("run");
  // In each phase until the earlier run is gone, which it is with the first checkpoint, in the next and in the last.
  for (const int phase : {0, 1, 2, 3, 4, static_cast<int>(phases.size()) - 1}) {
    BOOST_TEST_CONTEXT("phase " << phase << ", " << phases[static_cast<std::size_t>(phase)]) {
      fs::copy(earlier.output, next.output, fs::copy_options::recursive);
      TrainOptions stopped = next;
      stopped.overwrite = true;
      train_in_child(stopped, {SIGKILL, phase});
      auto after = content(next.output);
      BOOST_TEST(after.at("hub/notes/mine.txt") == "mine");
      const bool replaced = after.at("config.json") != before.at("config.json");
      BOOST_TEST(replaced == (phase > 2));
      if (!replaced) BOOST_TEST((after == before));
      stopped.overwrite = !replaced;
      stopped.resume = replaced;
      finish_in_child(stopped);
      BOOST_TEST((results(stopped.output) == expected));
      BOOST_TEST(content(next.output).at("hub/notes/mine.txt") == "mine");
      BOOST_TEST(!has_staged(next.output));
      fs::remove_all(next.output);
    }
  }
  BOOST_TEST(!has_staged(run.folder.path()));
  // Ctrl-C before the first step leaves the earlier run too.
  fs::copy(earlier.output, next.output, fs::copy_options::recursive);
  next.overwrite = true;
  train_in_child(next, {SIGTERM, 1});
  BOOST_TEST((content(next.output) == before));
  BOOST_TEST(!has_staged(run.folder.path()));
}

BOOST_AUTO_TEST_CASE(what_a_run_keeps_goes_with_it_into_the_place_of_the_earlier_one) {
  EarlierRun run;
  run.options.method.method = "decoder";
  run.options.method.views = 1;
  run.options.steps = 4;
  train(run.options);
  const auto kept = std::distance(fs::directory_iterator(run.options.output + "/embeddings"), {});
  // Two crops a step, some of them twice.
  BOOST_TEST(kept > 2);
  BOOST_TEST(!has_staged(run.folder.path()));
}

BOOST_AUTO_TEST_CASE(an_earlier_run_stays_where_the_new_one_cannot_start) {
  EarlierRun run;
  TrainOptions own = run.options;
  own.init = own.output + "/model";
  BOOST_CHECK_THROW(train(own), UsageError);
  BOOST_TEST((content(own.output) == run.before), "a base inside the run");

  const std::string inside = own.output + "/scene.tif";
  const auto refused = [&run, &inside](const char* what, const auto& change) {
    TrainOptions options = run.options;
    change(options);
    BOOST_CHECK_EXCEPTION(train(options), UsageError, [](const UsageError& error) {
      return std::string(error.what()).find("lies in the folder of the run") != std::string::npos;
    });
    BOOST_TEST((content(options.output) == run.before), what);
  };
  refused("a scene", [&](TrainOptions& o) { o.data.scenes.push_back(inside); });
  refused("labels", [&](TrainOptions& o) { o.data.labels = {inside}; });
  refused("data", [&](TrainOptions& o) { o.data.data = {o.output + "/../run/model"}; });
  refused("a cache", [&](TrainOptions& o) {
    o.method.method = "decoder";
    o.method.views = 1;
    o.method.cache = o.output + "/embeddings";
  });
  refused("retained objects", [&](TrainOptions& o) {
    o.forgetting.retain_objects = 1;
    o.forgetting.retain = {o.output};
  });
  refused("replay", [&](TrainOptions& o) {
    o.forgetting.replay_scenes = {inside};
    o.forgetting.replay_labels = {run.folder.file("labels.geojson")};
  });
  refused("distillation", [&](TrainOptions& o) {
    o.forgetting.distil = 1;
    o.forgetting.distil_data = {inside};
  });

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
