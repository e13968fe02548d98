// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/grid.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/object_builder.hpp"
#include "postprocess/stitcher.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace plat {

/// Takes blocks of stitched maps, in the Stitcher's order, to the objects of each class, which share no ground: told apart
/// (InstanceStream), drawn (ObjectBuilder), kept apart (DrawnOutlines). The order of a class's objects does not depend on blocks
/// or threads. Not thread-safe; its steps use all threads themselves.
class ObjectStream {
 public:
  /// Called with the position of a class in the plan and an object of it.
  using Sink = std::function<void(std::size_t class_index, ExtractedObject&& object)>;

  /// Each class's maps are followed by those of `witnesses` (InstanceStream).
  ObjectStream(const Grid& grid, const WorkPlan& plan, const ObjectOptions& options, Sink sink, int64_t witnesses = 0);
  ~ObjectStream();
  void add(const MapBlock& block);
  /// Draws the objects that are complete: to be called between tiles, so that few of them wait.
  void draw();
  /// Tells that no block follows, and draws what is left.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
