// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_scene.hpp"

#include "core/text.hpp"
#include "pipeline/stopwatch.hpp"
#include "tiling/tile_pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <exception>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

namespace plat {
namespace {

/// One resolution of the scene; its file is opened when the first tile has to be read.
struct Level {
  Grid grid;
  std::once_flag opened;
  std::unique_ptr<TileSource> source;
};

/// The same extent in pixels 2^level times as wide.
Grid reduced(const Grid& grid, int level) {
  const int64_t factor = int64_t{1} << level;
  Grid out = grid;
  out.width = (grid.width + factor - 1) / factor;
  out.height = (grid.height + factor - 1) / factor;
  const auto scale = static_cast<double>(factor);
  out.world_from_pixel.col_dx *= scale;
  out.world_from_pixel.row_dy *= scale;
  return out;
}

/// Everything that decides what pixels a tile of level 0 has, given the scene's files.
std::string reading_key(const ModelScene& scene) {
  const Grid& grid = scene.reader.grid();
  const Affine& a = grid.world_from_pixel;
  std::ostringstream text;
  text.precision(17);
  text << "bands " << join(scene.raster.bands, ",") << "\nnodata ";
  if (scene.raster.nodata) text << *scene.raster.nodata;
  text << "\ngrid " << grid.width << ' ' << grid.height << ' ' << a.x0 << ' ' << a.col_dx << ' ' << a.y0 << ' '
       << a.row_dy << '\n'
       << grid.crs.wkt() << "\nassigned " << scene.raster.assign_crs.wkt() << '\n';
  return text.str();
}

}  // namespace

struct PromptScene::Impl {
  Impl(ModelScene opened, const PromptSegmenter& prompt_model, EmbeddingStore where)
      : scene(std::move(opened)), model(prompt_model), store(std::move(where)) {
    store.key += reading_key(scene);
  }

  Level& level(int number) const {
    assert(number >= 0 && static_cast<std::size_t>(number) < levels.size());
    return *levels[static_cast<std::size_t>(number)];
  }

  const Scaling& scaling() {
    std::call_once(scaled, [this] {
      const Stopwatch watch;
      try {
        RasterReader reader = scene.reader.clone();
        scene_scaling = default_scaling(reader);
      } catch (...) {
        // The next tile would only find the same.
        scaling_failure = std::current_exception();
      }
      add(nanoseconds_scaling, watch);
    });
    if (scaling_failure) std::rethrow_exception(scaling_failure);
    return scene_scaling;
  }

  const TileSource& source(int number) {
    const Scaling& values = scaling();
    Level& wanted = level(number);
    std::call_once(wanted.opened, [&] {
      // The grid of tiles is not used: windows are the caller's.
      const TileGrid tiles(wanted.grid.width, wanted.grid.height, model.description().tile_size, 0);
      if (number == 0) {
        wanted.source = std::make_unique<TileSource>(scene.reader, values, tiles);
        return;
      }
      RasterOptions options = scene.raster;
      options.target_grid = wanted.grid;
      wanted.source = std::make_unique<TileSource>(RasterReader(scene.reader.info().path, options), values, tiles);
    });
    return *wanted.source;
  }

  std::string key_of(int number, const Window& tile) const {
    return store.key + "level " + std::to_string(number) + "\ntile " + std::to_string(tile.col) + ' ' +
           std::to_string(tile.row) + ' ' + std::to_string(tile.width) + '\n';
  }

  static void add(std::atomic<int64_t>& sum, const Stopwatch& watch) {
    sum += static_cast<int64_t>(watch.seconds() * 1e9);
  }

  ModelScene scene;
  const PromptSegmenter& model;
  EmbeddingStore store;
  std::vector<std::unique_ptr<Level>> levels;
  std::once_flag scaled;
  std::exception_ptr scaling_failure;
  Scaling scene_scaling;
  std::atomic<int64_t> nanoseconds_scaling{0};
  std::atomic<int64_t> nanoseconds_encoder{0};
};

PromptScene::PromptScene(ModelScene opened, const PromptSegmenter& model, EmbeddingStore store)
    : impl_(std::make_unique<Impl>(std::move(opened), model, std::move(store))) {
  open_level(0);
}
PromptScene::~PromptScene() = default;

void PromptScene::open_level(int level) {
  while (impl_->levels.size() <= static_cast<std::size_t>(level)) {
    auto next = std::make_unique<Level>();
    next->grid = reduced(impl_->scene.reader.grid(), static_cast<int>(impl_->levels.size()));
    impl_->levels.push_back(std::move(next));
  }
}

const Grid& PromptScene::grid(int level) const { return impl_->level(level).grid; }
double PromptScene::gsd_m(int level) const { return std::ldexp(impl_->scene.gsd_m, level); }

std::optional<double> PromptScene::assumed_gsd_m(int level) const {
  const std::optional<double>& assumed = impl_->scene.assumed_gsd_m;
  return assumed ? std::optional(std::ldexp(*assumed, level)) : std::nullopt;
}

bool PromptScene::is_cached(int level, const Window& tile) const {
  return impl_->store.cache != nullptr && impl_->store.cache->contains(impl_->key_of(level, tile));
}

EmbeddedTile PromptScene::embed(int level, const Window& window) const {
  Impl& self = *impl_;
  const std::string key = self.key_of(level, window);
  if (self.store.cache != nullptr) {
    if (std::optional<CachedTile> cached = self.store.cache->load(key)) {
      return {self.model.restore(cached->embedding), std::move(cached->valid), true};
    }
  }
  TileData data = self.source(level).read(Tile{0, 0, 0, window});
  EmbeddedTile out{nullptr, std::move(data.valid), false};
  const auto valid = std::as_const(out.valid).band(0);
  if (std::ranges::all_of(valid, [](uint8_t v) { return v == 0; })) return out;
  const Stopwatch watch;
  out.tile = self.model.embed(data.pixels);
  Impl::add(self.nanoseconds_encoder, watch);
  if (self.store.cache != nullptr) self.store.cache->store(key, {out.tile->embedding(), out.valid});
  return out;
}

RasterReader& PromptScene::reader() { return impl_->scene.reader; }
const Scaling& PromptScene::scaling() const { return impl_->scaling(); }

double PromptScene::seconds_reading() const {
  double seconds = static_cast<double>(impl_->nanoseconds_scaling.load()) * 1e-9;
  for (const auto& level : impl_->levels) {
    if (level->source) seconds += level->source->seconds_reading();
  }
  return seconds;
}

double PromptScene::seconds_encoder() const { return static_cast<double>(impl_->nanoseconds_encoder.load()) * 1e-9; }

}  // namespace plat
