// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_pipeline.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "tiling/tile_pixels.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// A scene whose first tiles all fail, this many of them, is given up: its file or the network is broken.
constexpr std::size_t kHopelessTiles = 100;

/// A tile on its way through the pipeline.
struct Flight {
  TileData data;
  Image<float> result;
  std::string failure;  ///< empty: none
};

/// The tiles under way. The pipeline passes plain pointers on: where it ends with an exception it forgets what it holds.
/// Thread-safe.
class Flights {
 public:
  Flight* add(int64_t index) {
    const std::lock_guard lock(mutex_);
    return (flights_[index] = std::make_unique<Flight>()).get();
  }
  void remove(int64_t index) {
    const std::lock_guard lock(mutex_);
    flights_.erase(index);
  }

 private:
  std::mutex mutex_;
  std::map<int64_t, std::unique_ptr<Flight>> flights_;
};

/// Says what failed, the first few times: damage often touches many tiles, and the caller reports their number.
void log_failure(const std::vector<TileFailure>& failures, int64_t tile_count) {
  constexpr std::size_t kLogged = 3;
  const TileFailure& failure = failures.back();
  const std::string text = "tile " + std::to_string(failure.tile.index + 1) + " of " + std::to_string(tile_count) +
                           " failed: " + failure.reason;
  // A scene of a single tile has nothing but this failure to report.
  const bool loud = failures.size() <= kLogged && tile_count > 1;
  (loud ? log_warning : log_debug)(text);
}

}  // namespace

struct TileSource::Impl {
  /// One scene, read by each thread through a dataset of its own.
  struct Layer {
    explicit Layer(const TileScene& scene) : prototype(scene.reader.clone()), scaling(scene.scaling) {}

    RasterBlock read(const Window& window) {
      std::optional<RasterReader>& reader = readers.local();
      if (!reader) {
        const std::lock_guard lock(cloning);
        reader.emplace(prototype.clone());
      }
      try {
        return reader->read(window);
      } catch (...) {
        // A dataset that failed may stay broken (a lost connection, say): the next try opens it anew.
        reader.reset();
        throw;
      }
    }

    RasterReader prototype;
    Scaling scaling;
    std::mutex cloning;
    tbb::enumerable_thread_specific<std::optional<RasterReader>> readers;
  };

  Impl(const std::vector<TileScene>& scenes, TileGrid tile_grid) : grid(std::move(tile_grid)) {
    for (const TileScene& scene : scenes) {
      layers.push_back(std::make_unique<Layer>(scene));
      bands += scene.reader.bands();
    }
  }

  std::vector<std::unique_ptr<Layer>> layers;
  int64_t bands = 0;
  TileGrid grid;
  std::atomic<int64_t> nanoseconds{0};
};

TileSource::TileSource(const RasterReader& reader, Scaling scaling, TileGrid grid)
    : TileSource({TileScene{reader, std::move(scaling)}}, std::move(grid)) {}
TileSource::TileSource(std::vector<TileScene> scenes, TileGrid grid)
    : impl_(std::make_unique<Impl>(scenes, std::move(grid))) {}
TileSource::~TileSource() = default;

int64_t TileSource::scenes() const { return static_cast<int64_t>(impl_->layers.size()); }

const TileGrid& TileSource::grid() const { return impl_->grid; }

double TileSource::seconds_reading() const { return static_cast<double>(impl_->nanoseconds.load()) * 1e-9; }

TileData TileSource::read(int64_t index) const { return read(impl_->grid.tile(index)); }

TileData TileSource::read(const Tile& tile) const {
  const auto start = std::chrono::steady_clock::now();
  const Window& window = tile.window;
  const auto layers = static_cast<int64_t>(impl_->layers.size());
  TileData data{tile, {}, {}};
  if (layers > 1) {
    data.pixels = Image<float>(window.width, window.height, impl_->bands);
    data.valid = Image<uint8_t>(window.width, window.height, layers);
  }
  int64_t first_band = 0;
  for (int64_t layer = 0; layer < layers; ++layer) {
    Impl::Layer& from_layer = *impl_->layers[static_cast<std::size_t>(layer)];
    TilePixels shown =
        tile_pixels(window, impl_->grid.scene_width(), impl_->grid.scene_height(), [&from_layer](const Window& part) {
          RasterBlock block = from_layer.read(part);
          from_layer.scaling.apply(block.pixels);
          return block;
        });
    if (layers == 1) {
      data.pixels = std::move(shown.pixels);
      data.valid = std::move(shown.valid);
      break;
    }
    std::copy_n(shown.pixels.data(), shown.pixels.size(), data.pixels.row(0, first_band).data());
    std::copy_n(shown.valid.data(), shown.valid.size(), data.valid.row(0, layer).data());
    first_band += shown.pixels.bands();
  }
  impl_->nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  return data;
}

int64_t tiles_in_flight(const TilePipelineOptions& options) {
  // Twice the threads keeps every thread busy while the sink is at work; a single thread never has two tiles.
  const int64_t useful = options.threads.total > 1 ? 2 * int64_t{options.threads.total} : 1;
  const int64_t affordable = options.bytes_per_tile > 0 ? options.memory_bytes / options.bytes_per_tile : useful;
  return std::clamp<int64_t>(affordable, 1, useful);
}

std::vector<TileFailure> run_tiles(const TileSource& source, const std::function<Image<float>(const TileData&)>& infer,
                                   const std::function<void(const TileData&, const Image<float>&)>& sink,
                                   const TilePipelineOptions& given) {
  TilePipelineOptions options = given;
  if (options.bytes_per_tile <= 0) {
    options.bytes_per_tile = 4 * source.grid().tile_size() * source.grid().tile_size() * int64_t{sizeof(float)};
  }
  const int64_t count = source.grid().size();
  std::vector<TileFailure> failures;

  const auto attempt = [&](Flight& flight, const auto& step) {
    for (int tries_left = options.retries;; --tries_left) {
      throw_if_cancelled();
      try {
        step(flight);
        return;
      } catch (const Cancelled&) {
        throw;
      } catch (const UsageError&) {
        throw;
      } catch (const ModelError&) {
        throw;
      } catch (const std::bad_alloc&) {
        // The run's plan was wrong, not the tile: what it holds must go.
        throw;
      } catch (const std::exception& error) {
        if (tries_left > 0) continue;
        flight.failure = error.what();
        const int64_t size = source.grid().tile_size();
        flight.data.pixels = {};
        flight.data.valid = Image<uint8_t>(size, size, source.scenes());
        flight.result = {};
        return;
      }
    }
  };

  int64_t next = 0;
  bool any_success = false;
  const auto first =
      tbb::make_filter<void, int64_t>(tbb::filter_mode::serial_in_order, [&](tbb::flow_control& control) {
        throw_if_cancelled();
        if (next == count) {
          control.stop();
          return int64_t{0};
        }
        return next++;
      });
  Flights flights;
  const auto read = tbb::make_filter<int64_t, Flight*>(tbb::filter_mode::parallel, [&](int64_t index) {
    Flight* flight = flights.add(index);
    flight->data.tile = source.grid().tile(index);
    attempt(*flight, [&](Flight& f) { f.data = source.read(index); });
    return flight;
  });
  const auto inference_mode =
      options.threads.inference == 1 ? tbb::filter_mode::serial_out_of_order : tbb::filter_mode::parallel;
  const auto inference = tbb::make_filter<Flight*, Flight*>(inference_mode, [&](Flight* flight) {
    const std::span<const uint8_t> valid(flight->data.valid.data(), flight->data.valid.size());
    const bool any_valid = std::any_of(valid.begin(), valid.end(), [](uint8_t v) { return v != 0; });
    if (any_valid) attempt(*flight, [&](Flight& f) { f.result = infer(f.data); });
    return flight;
  });
  const auto last = tbb::make_filter<Flight*, void>(tbb::filter_mode::serial_in_order, [&](Flight* flight) {
    throw_if_cancelled();
    const Tile& tile = flight->data.tile;
    if (flight->failure.empty()) {
      any_success = any_success || !flight->result.empty();
    } else {
      failures.push_back({tile, flight->failure});
      log_failure(failures, count);
      if (!any_success && failures.size() == kHopelessTiles) {
        throw IoError(failures.front().reason + "; all of the first " + std::to_string(kHopelessTiles) +
                      " tiles failed");
      }
    }
    sink(flight->data, flight->result);
    const int64_t index = tile.index;
    report(options.progress, static_cast<double>(index + 1) / static_cast<double>(count));
    flights.remove(index);
  });

  const int threads = std::max(1, options.threads.total);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_pipeline(static_cast<std::size_t>(tiles_in_flight(options)), first & read & inference & last);
  });
  return failures;
}

}  // namespace plat
