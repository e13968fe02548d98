// SPDX-License-Identifier: Apache-2.0
// Shows the whole way as one call, as the command `plat extract` makes it, with progress of one's own.
// Read first: pipeline/extract.hpp.
// Run: build/release/bin/example_03_extract data/scenes/demo.tif buildings.gpkg buildings
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "pipeline/extract.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: example_03_extract SCENE OUTPUT MODEL\n");
    return 2;
  }
  const plat::GdalSession gdal;
  plat::ExtractOptions options;
  options.model = argv[3];  // a folder, a model that ships, or "threshold", which needs no network
  options.min_area_m2 = 20;
  options.overwrite = true;
  options.progress = [](double fraction) { std::fprintf(stderr, "\r%3.0f %%", 100 * fraction); };
  try {
    const plat::ExtractSummary summary = plat::extract(argv[1], argv[2], options);
    std::printf("\n%s: %lld objects, %.0f m2, in %.1f s\n", argv[2], static_cast<long long>(summary.objects),
                summary.area_m2, summary.seconds_total);
  } catch (const plat::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
