// SPDX-License-Identifier: Apache-2.0
// Times the whole comparison of two scenes, with a threshold of brightness in the place of the network, whose time would hide
// that of everything else: bench_change_scenes BEFORE AFTER OUTPUT [--threads N] [--ram SIZE] [--tile N] [--overlap N].
// bench/compare_change_scenes.py draws scenes for it and runs it beside NumPy, OpenCV, rasterio and shapely.
#include "core/error.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"
#include "model/segmenter.hpp"
#include "pipeline/change.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace {

/// Calls pixels objects whose mean over the bands is above a level: extent rises from 0 to 1 around it, distance is the same,
/// there is no boundary. Every step that follows a network has its full work.
class MeanThreshold : public plat::Segmenter {
 public:
  MeanThreshold(int64_t tile_size, int64_t overlap) {
    description_.name = "mean-threshold";
    description_.architecture = "threshold";
    description_.classes = {{.name = "roof", .thresholds = {}}};
    description_.tile_size = tile_size;
    description_.overlap = overlap;
  }

  const plat::ModelDescription& description() const override { return description_; }

  plat::Image<float> segment(const plat::Image<float>& pixels) const override {
    constexpr float kLevel = 145, kSoftness = 16;
    plat::Image<float> maps(pixels.width(), pixels.height(), plat::kMapsPerClass);
    const auto extent = maps.band(static_cast<int>(plat::ClassMap::Extent));
    const float share = 1 / (kSoftness * static_cast<float>(pixels.bands()));
    std::ranges::fill(extent, 0.5F - kLevel / kSoftness);
    for (int64_t b = 0; b < pixels.bands(); ++b) {
      const auto band = pixels.band(b);
      for (std::size_t i = 0; i < band.size(); ++i) extent[i] += share * band[i];
    }
    for (float& value : extent) value = std::clamp(value, 0.0F, 1.0F);
    std::ranges::copy(extent, maps.band(static_cast<int>(plat::ClassMap::Distance)).begin());
    return maps;
  }

  int64_t memory_per_tile() const override {
    return description_.tile_size * description_.tile_size * plat::kMapsPerClass * int64_t{sizeof(float)};
  }

 private:
  plat::ModelDescription description_;
};

void print(const plat::ChangeSummary& summary) {
  std::printf("%lld x %lld pixels, %lld tiles, %lld at once, %d threads\n", static_cast<long long>(summary.width),
              static_cast<long long>(summary.height), static_cast<long long>(summary.tiles),
              static_cast<long long>(summary.tiles_in_flight), summary.threads);
  const plat::SceneSummary &before = summary.scenes.front(), &after = summary.scenes.back();
  if (after.radiometry) std::printf("values made comparable by %s\n", plat::name_of(after.radiometry->used).c_str());
  std::printf("%lld and %lld objects\n", static_cast<long long>(before.objects), static_cast<long long>(after.objects));
  for (std::size_t kind = 0; kind < plat::kChangeKinds; ++kind) {
    std::printf("%-22s %9lld\n", plat::name_of(static_cast<plat::ChangeKind>(kind)).data(),
                static_cast<long long>(summary.steps.front().totals[kind].count));
  }
  for (const auto& [name, seconds] : {std::pair{"align", summary.seconds_align},
                                      {"read (sum)", summary.seconds_read},
                                      {"inference (sum)", summary.seconds_inference},
                                      {"objects", summary.seconds_objects},
                                      {"match", summary.seconds_match},
                                      {"write", summary.seconds_write},
                                      {"total", summary.seconds_total}}) {
    std::printf("%-22s %9.2f s\n", name, seconds);
  }
  std::printf("estimated memory       %s\npeak memory            %s\n",
              plat::format_memory(summary.estimated_bytes).c_str(),
              plat::format_memory(plat::peak_resident_memory()).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  plat::keep_freed_pages();
  const plat::GdalSession gdal;
  plat::ChangeOptions options;
  options.overwrite = true;
  int64_t tile = 512, overlap = 64;
  for (int i = 4; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--threads") options.threads = std::atoi(value.c_str());
    if (name == "--ram") options.ram_bytes = plat::parse_memory(value);
    if (name == "--tile") tile = std::atoll(value.c_str());
    if (name == "--overlap") overlap = std::atoll(value.c_str());
  }
  if (argc < 4 || argc % 2 != 0) {
    std::fprintf(stderr,
                 "bench_change_scenes BEFORE AFTER OUTPUT [--threads N] [--ram SIZE] [--tile N] [--overlap N]\n");
    return 2;
  }
  try {
    print(plat::detect_change({argv[1], argv[2]}, argv[3], options, MeanThreshold(tile, overlap)));
  } catch (const plat::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
