// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scene_run.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/gdal_session.hpp"
#include "pipeline/stopwatch.hpp"

#include <tbb/global_control.h>
#include <exception>
#include <iterator>
#include <string>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

namespace plat {
int64_t gdal_cache_bytes(int64_t ram_bytes) { return std::clamp<int64_t>(ram_bytes / 16, 16'000'000, 256'000'000); }

void RunOptions::validate() const {
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(threads >= 0, "--threads must be 0 (all) or more.");
  require(ram_bytes >= 0, "--ram must be more than 0.");
  require(maps.empty() || maps.ends_with(".tif") || maps.ends_with(".tiff"),
          maps + ": the maps are a GeoTIFF; name it .tif.");
  require(preview.empty() || preview.ends_with(".png"), preview + ": the preview is a PNG; name it .png.");
}

struct SceneRun::Impl {
  explicit Impl(RunSummary& run_summary) : summary(run_summary) {}

  const RunOptions* options = nullptr;
  RunSummary& summary;
  Stopwatch total;
  int64_t ram_bytes = 0;
  std::optional<tbb::global_control> limit;
  std::vector<std::string> lost;         ///< what is missing from the main output
  std::vector<std::string> lost_extras;  ///< "a.png was not written (reason)"
};

SceneRun::SceneRun(const RunOptions& options, const RunFiles& files, RunSummary& summary)
    : impl_(std::make_unique<Impl>(summary)) {
  impl_->options = &options;
  impl_->ram_bytes = summary.ram_bytes = options.ram_bytes > 0 ? options.ram_bytes : total_memory() / 2;
  if (!options.dry_run) check_outputs(files);
  limit_gdal_cache(gdal_cache_bytes(impl_->ram_bytes));
}

SceneRun::~SceneRun() = default;

int64_t SceneRun::ram_bytes() const { return impl_->ram_bytes; }

double SceneRun::seconds() const { return impl_->total.seconds(); }

void SceneRun::warn(const std::string& text) {
  (impl_->options->quiet ? log_debug : log_warning)(text);
  impl_->summary.warnings.push_back(text);
}

void SceneRun::limit_threads(int threads) {
  impl_->limit.emplace(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
}

void SceneRun::infer_tiles(const std::string& scene, const TileSource& source,
                           const std::function<Image<float>(const TileData&)>& infer,
                           const std::function<void(const TileData&, const Image<float>&)>& sink,
                           const TileBudget& budget) {
  TilePipelineOptions flow;
  flow.threads = budget.threads;
  flow.bytes_per_tile = budget.bytes_per_tile;
  flow.memory_bytes = budget.tiles_in_flight * budget.bytes_per_tile;
  flow.progress = impl_->options->progress;
  std::atomic<int64_t> inferred{0};
  std::atomic<int64_t> nanoseconds{0};
  const auto timed = [&](const TileData& data) {
    const auto start = std::chrono::steady_clock::now();
    Image<float> maps = infer(data);
    nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
    ++inferred;
    return maps;
  };
  const std::vector<TileFailure> failures = run_tiles(source, timed, sink, flow);
  RunSummary& summary = impl_->summary;
  summary.failed_tiles += static_cast<int64_t>(failures.size());
  summary.seconds_read += source.seconds_reading();
  summary.seconds_inference += static_cast<double>(nanoseconds.load()) * 1e-9;
  if (inferred == 0) {
    if (!failures.empty()) {
      throw IoError(
          failures.front().reason +
          (failures.size() > 1 ? "; all " + counted(static_cast<int64_t>(failures.size()), "tile") + " failed" : ""));
    }
    throw DataError(scene +
                    ": no pixel has data. Check its nodata value (--nodata) and the part that was asked for (--bbox).");
  }
  if (failures.empty()) return;
  impl_->lost.push_back(counted(static_cast<int64_t>(failures.size()), "tile") + " of " +
                        std::to_string(source.grid().size()) +
                        " failed and count as nodata; the first: " + failures.front().reason);
}

bool SceneRun::attempt(const std::string& path, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    impl_->lost_extras.push_back(path + " was not written (" + error.what() + ")");
    warn(impl_->lost_extras.back());
    return false;
  }
}

void SceneRun::lose(const std::string& what) { impl_->lost.push_back(what); }

std::string SceneRun::end(const std::string& output) {
  impl_->summary.seconds_total = seconds();
  std::ranges::move(impl_->lost_extras, std::back_inserter(impl_->lost));
  return impl_->lost.empty() ? "" : output + ": written, but " + join(impl_->lost, "; ");
}

}  // namespace plat
