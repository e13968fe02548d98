// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/progress.hpp"
#include "core/thread_budget.hpp"
#include "model/precision.hpp"
#include "pipeline/output_check.hpp"
#include "tiling/tile_pipeline.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace plat {

/// What every run over scenes is asked for.
struct RunOptions {
  std::string model;                      ///< model folder, or the name of one that ships; empty: "buildings"
  std::string device = "auto";            ///< "auto", "cpu" or "cuda[:n]"
  Precision precision = Precision::Auto;  ///< of the network
  int threads = 0;                        ///< 0: all
  int64_t ram_bytes = 0;                  ///< what the run may take in all; 0: half of the machine's memory
  bool overwrite = false;
  bool dry_run = false;                ///< plan and estimate only
  std::vector<std::string> also_read;  ///< files that the caller has read for this run: no output may replace them
  std::string preview;                 ///< PNG path; empty: none
  std::string maps;                    ///< GeoTIFF path for the stitched maps; empty: none
  bool quiet = false;                  ///< log nothing of this scene but details; the summary has its warnings
  Progress progress;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// What every run over scenes tells.
struct RunSummary {
  std::string model;  ///< name of the model
  int64_t tiles = 0;
  int64_t failed_tiles = 0;
  int64_t tiles_in_flight = 0;  ///< how many tiles the memory allows at once
  int threads = 0;
  int64_t estimated_bytes = 0;   ///< memory of the whole program, estimated before the run
  int64_t ram_bytes = 0;         ///< what it was allowed
  double seconds_model = 0;      ///< opening the model
  double seconds_read = 0;       ///< reading and scaling, summed over threads
  double seconds_inference = 0;  ///< the network, summed over threads
  double seconds_objects = 0;    ///< stitching, instances and outlines
  double seconds_write = 0;
  double seconds_total = 0;           ///< wall time of everything
  std::vector<std::string> warnings;  ///< what was odd about scene or result; also logged, unless quiet
};

/// The output is complete but for some tiles or a further output; carries the summary of what was written.
template <typename Summary>
class PartialRun : public PartialError {
 public:
  PartialRun(const std::string& message, Summary summary) : PartialError(message), summary_(std::move(summary)) {}
  const Summary& summary() const { return summary_; }

 private:
  Summary summary_;
};

/// The part of a run's memory that GDAL's block cache gets.
int64_t gdal_cache_bytes(int64_t ram_bytes);

/// How tiles pass the network: as the plan of a run decides.
struct TileBudget {
  ThreadBudget threads;
  int64_t tiles_in_flight = 1;
  int64_t bytes_per_tile = 0;
};

/// The frame of a run over scenes. Its files are checked before anything is done; warnings are logged and kept; tiles that fail
/// leave holes, which make the run partial; the main output is closed first, and what is written beside it (maps, a picture)
/// can fail without taking that along. One thread at a time.
class SceneRun {
 public:
  /// Checks the outputs (check_outputs) unless nothing is to be written, and allots GDAL's cache. Options and summary outlive
  /// the run.
  SceneRun(const RunOptions& options, const RunFiles& files, RunSummary& summary);
  ~SceneRun();

  /// What the run may take in all.
  int64_t ram_bytes() const;
  /// Time since the run began.
  double seconds() const;
  void warn(const std::string& text);
  /// Holds all parallel work to a number of threads from now on.
  void limit_threads(int threads);
  /// Reads tiles, passes them through `infer` and hands them to `sink` (run_tiles). Throws IoError where all that were tried
  /// failed, DataError where no pixel has data; `scene` is the name for that.
  void infer_tiles(const std::string& scene, const TileSource& source,
                   const std::function<Image<float>(const TileData&)>& infer,
                   const std::function<void(const TileData&, const Image<float>&)>& sink, const TileBudget& budget);
  /// Does a piece of work for an output beside the main one. Where it fails, a warning names the output and the run ends as
  /// partial. False where it failed; Cancelled passes.
  bool attempt(const std::string& path, const std::function<void()>& work);
  /// Tells what is missing from the main output, which makes the run partial.
  void lose(const std::string& what);
  /// Ends the run: what is missing from `output`, for PartialRun; empty where it is whole.
  std::string end(const std::string& output);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
