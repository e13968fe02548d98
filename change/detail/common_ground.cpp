// SPDX-License-Identifier: Apache-2.0
#include "change/detail/common_ground.hpp"

#include "change/detail/common_area.hpp"
#include "core/cancel.hpp"
#include "geo/bounds_index.hpp"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <mutex>

namespace plat::detail {
namespace {

constexpr int64_t kBlock = 2048;    // objects that one task takes: some milliseconds
constexpr double kRounding = 1e-9;  // share of the smaller object

BoundsIndex index_of(const ObjectStore& store) {
  std::vector<Bounds> boxes(static_cast<std::size_t>(store.size()));
  for (int64_t i = 0; i < store.size(); ++i) boxes[static_cast<std::size_t>(i)] = store.bounds(i);
  return BoundsIndex(boxes);
}

}  // namespace

std::vector<CommonGround> find_common_ground(const ObjectStore& before, const ObjectStore& after,
                                             const Progress& progress) {
  throw_if_cancelled();
  const BoundsIndex index = index_of(after);
  const int64_t blocks = (before.size() + kBlock - 1) / kBlock;
  std::vector<std::vector<CommonGround>> found(static_cast<std::size_t>(blocks));
  std::mutex reporting;
  int64_t done = 0;
  tbb::parallel_for(int64_t{0}, blocks, [&](int64_t block) {
    throw_if_cancelled();
    std::vector<CommonGround>& own = found[static_cast<std::size_t>(block)];
    CommonArea common_area;
    const int64_t end = std::min(before.size(), (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; ++i) {
      const Bounds box = before.bounds(i);
      for (const int64_t k : index.find(box)) {
        if (before.facts(i).class_index != after.facts(k).class_index) continue;
        const double area = common_area(before, i, box, after, k, after.bounds(k));
        if (area > kRounding * std::min(before.area(i), after.area(k))) own.push_back({i, k, area});
      }
    }
    const std::scoped_lock lock(reporting);
    report(progress, static_cast<double>(++done) / static_cast<double>(blocks));
  });
  std::size_t count = 0;
  for (const std::vector<CommonGround>& own : found) count += own.size();
  std::vector<CommonGround> all;
  all.reserve(count);
  for (std::vector<CommonGround>& own : found) {
    all.insert(all.end(), own.begin(), own.end());
    own = {};
  }
  return all;
}

}  // namespace plat::detail
