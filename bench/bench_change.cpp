// SPDX-License-Identifier: Apache-2.0
// Times the matching of two dates of a drawn town: houses of 4 to 8 corners that the second date draws a little
// differently, one in twenty of them gone, new, extended, divided or joined to the next one.
// Usage: bench_change [houses, default 1000000] [threads, default all] [folder, into which the two maps are written]
#include "change/object_changes.hpp"
#include "core/memory.hpp"

#include <tbb/global_control.h>
#include <tbb/info.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

namespace {

constexpr double kPlot = 25;     // metres from house to house
constexpr double kJitter = 0.3;  // metres by which a corner is drawn differently
constexpr double kChanged = 0.05;
constexpr int64_t kPrime = 15485863;

class Town {
 public:
  explicit Town(int64_t houses) {
    before.reserve(houses, 6 * houses + houses / 4);
    after.reserve(houses + houses / 20, 6 * houses + houses / 2);
    const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(houses))));
    for (int64_t n = 0; n < houses; ++n) {
      // Neighbours are far apart in memory, which is the slower case.
      const int64_t i = n * kPrime % houses;
      const plat::Point corner{400000 + kPlot * static_cast<double>(i % columns),
                               5000000 + kPlot * static_cast<double>(i / columns)};
      add_house(corner);
    }
  }

  plat::ObjectStore before;
  plat::ObjectStore after;

 private:
  double uniform(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random_); }

  // A rectangle, an L or an L with a bay, turned about the corner of its plot.
  void add_house(const plat::Point& corner) {
    const double width = uniform(7, 14);
    const double height = uniform(7, 14);
    const double angle = uniform(0, 0.3);
    const int shape = static_cast<int>(uniform(0, 3));
    plat::Ring ring = {{0, 0}, {width, 0}, {width, height}, {0, height}};
    if (shape >= 1) {
      ring = {{0, 0},     {width, 0}, {width, height * 0.6}, {width * 0.6, height * 0.6}, {width * 0.6, height},
              {0, height}};
    }
    if (shape == 2) ring.insert(ring.end(), {{0, height * 0.7}, {-2, height * 0.5}});
    const auto placed = [&](const plat::Ring& plan, double jitter) {
      plat::Ring out;
      for (const plat::Point& point : plan) {
        out.push_back({corner.x + 5 + std::cos(angle) * point.x - std::sin(angle) * point.y + uniform(-jitter, jitter),
                       corner.y + std::sin(angle) * point.x + std::cos(angle) * point.y + uniform(-jitter, jitter)});
      }
      return plat::MultiPolygon{{out, {}}};
    };
    const plat::ObjectFacts facts{before.size(), 0, 0.9F, 0};
    const double fate = uniform(0, 1) / kChanged;
    if (fate < 0.2) {
      after.add(placed(ring, kJitter), facts);
      return;
    }
    if (fate >= 0.8 && fate < 1) {
      before.add(placed({{0, 0}, {width / 2, 0}, {width / 2, height}, {0, height}}, 0), facts);
      before.add(placed({{width / 2, 0}, {width, 0}, {width, height}, {width / 2, height}}, 0), facts);
      after.add(placed({{0, 0}, {width, 0}, {width, height}, {0, height}}, kJitter), facts);
      return;
    }
    before.add(placed(ring, 0), facts);
    if (fate < 0.4) return;
    if (fate < 0.6) {
      after.add(placed({{0, 0}, {width * 1.4, 0}, {width * 1.4, height}, {0, height}}, kJitter), facts);
    } else if (fate < 0.8) {
      after.add(placed({{0, 0}, {width * 0.45, 0}, {width * 0.45, height}, {0, height}}, kJitter), facts);
      after.add(placed({{width * 0.5, 0}, {width, 0}, {width, height}, {width * 0.5, height}}, kJitter), facts);
    } else {
      after.add(placed(ring, kJitter), facts);
    }
  }

  std::mt19937 random_{1};
};

/// Rings as others read them: their number, where each ends, and all corners, as 64-bit numbers.
void write(const plat::ObjectStore& store, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](const auto& value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
  put(store.size());
  int64_t end = 0;
  for (int64_t i = 0; i < store.size(); ++i) put(end += static_cast<int64_t>(store.ring(i, 0).size()));
  for (int64_t i = 0; i < store.size(); ++i) {
    for (const plat::Point& point : store.ring(i, 0)) put(point);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t houses = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1000000;
  const int threads = argc > 2 ? std::max(1, std::atoi(argv[2])) : tbb::info::default_concurrency();
  const Town town(houses);
  if (argc > 3) {
    write(town.before, std::string(argv[3]) + "/before.bin");
    write(town.after, std::string(argv[3]) + "/after.bin");
  }
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  const auto start = std::chrono::steady_clock::now();
  const plat::ObjectChanges result = plat::find_changes(town.before, town.after);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%lld and %lld objects, %s of outlines, %d threads\n", static_cast<long long>(town.before.size()),
              static_cast<long long>(town.after.size()),
              plat::format_memory(town.before.bytes() + town.after.bytes()).c_str(), threads);
  for (std::size_t kind = 0; kind < plat::kChangeKinds; ++kind) {
    std::printf("%-22s %9lld\n", plat::name_of(static_cast<plat::ChangeKind>(kind)).data(),
                static_cast<long long>(result.totals[kind].count));
  }
  std::printf("find_changes           %9.3f s\npeak memory            %s\n", seconds.count(),
              plat::format_memory(plat::peak_resident_memory()).c_str());
  return 0;
}
