// SPDX-License-Identifier: Apache-2.0
#include "training/data/ground_split.hpp"

#include "core/cancel.hpp"
#include "training/samples/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace plat {
namespace {

constexpr uint8_t kTrain = static_cast<uint8_t>(PixelUse::Train);
constexpr double kLeastPixels = 32;  // side of a block in pixels of the coarsest scene
constexpr int kMaxDraws = 64;

/// A block: the frame of coordinates that it belongs to, and its place there.
struct Block {
  int64_t frame = 0;  ///< 0: the common grid on the ground; 1: coordinates without a CRS; from 2: a scene of its own
  int64_t col = 0;
  int64_t row = 0;
  auto operator<=>(const Block&) const = default;
};

struct BlockSum {
  double area_m2 = 0;  ///< labelled, not left out
  int64_t objects = 0;
  bool validate = false;
};

using Blocks = std::map<Block, BlockSum>;

/// An equal-area CRS around the scenes, whole degrees in its middle, so that further scenes rarely move the grid. Empty
/// where no scene has a CRS.
Crs common_crs(const std::vector<LabelledScene>& scenes) {
  Bounds all;
  std::vector<Point> centres;
  for (const LabelledScene& scene : scenes) {
    if (scene.grid.crs.empty()) continue;
    const CrsTransform to_degrees(scene.grid.crs, Crs::wgs84());
    all.add(to_degrees(scene.grid.world_bounds()));
    centres.push_back(to_degrees(centre(scene.grid.world_bounds())));
  }
  if (all.empty()) return {};
  const Point middle = all.max_x - all.min_x > 180 ? middle_in_degrees(centres) : centre(all);
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "+proj=laea +lat_0=%.0f +lon_0=%.0f +datum=WGS84 +units=m +no_defs", middle.y,
                middle.x);
  return Crs::from_text(text.data());
}

/// Which block each pixel of a scene lies in: positions are carried over at every 32nd pixel, and straight between them.
class BlockMap {
 public:
  BlockMap(const LabelledScene& scene, const Crs& common, double side_m, int64_t own_frame, bool whole)
      : frame_(own_frame), side_(side_m), whole_(whole) {
    if (whole) return;
    std::optional<CrsTransform> to_common;
    if (scene.georeferenced) {
      frame_ = scene.grid.crs.empty() ? 1 : 0;
      if (!scene.grid.crs.empty()) to_common.emplace(scene.grid.crs, common);
    }
    cols_ = (scene.width() + kStep - 1) / kStep + 1;
    const int64_t rows = (scene.height() + kStep - 1) / kStep + 1;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols_; ++c) {
        const Point pixel = {static_cast<double>(std::min(c * kStep, scene.width())),
                             static_cast<double>(std::min(r * kStep, scene.height()))};
        Point at = {pixel.x * scene.gsd_m, pixel.y * scene.gsd_m};
        if (scene.georeferenced) at = scene.grid.world_from_pixel(pixel);
        if (to_common) at = (*to_common)(at);
        lattice_.push_back(at);
      }
    }
    width_ = static_cast<double>(scene.width());
    height_ = static_cast<double>(scene.height());
  }

  /// The block of a position in the scene's pixels.
  Block at(double x, double y) const {
    if (whole_) return {frame_, 0, 0};
    const auto c = static_cast<int64_t>(x) / kStep;
    const auto r = static_cast<int64_t>(y) / kStep;
    const auto low_x = static_cast<double>(c * kStep);
    const auto low_y = static_cast<double>(r * kStep);
    const double fx = (x - low_x) / (std::min(low_x + kStep, width_) - low_x);
    const double fy = (y - low_y) / (std::min(low_y + kStep, height_) - low_y);
    const auto i = static_cast<std::size_t>(r * cols_ + c);
    const Point& a = lattice_[i];
    const Point& b = lattice_[i + 1];
    const Point& d = lattice_[i + static_cast<std::size_t>(cols_)];
    const Point& e = lattice_[i + static_cast<std::size_t>(cols_) + 1];
    const double along = (a.x * (1 - fx) + b.x * fx) * (1 - fy) + (d.x * (1 - fx) + e.x * fx) * fy;
    const double up = (a.y * (1 - fx) + b.y * fx) * (1 - fy) + (d.y * (1 - fx) + e.y * fx) * fy;
    return {frame_, static_cast<int64_t>(std::floor(along / side_)), static_cast<int64_t>(std::floor(up / side_))};
  }

 private:
  static constexpr int64_t kStep = 32;
  int64_t frame_;
  double side_;
  bool whole_;
  int64_t cols_ = 0;
  double width_ = 0;
  double height_ = 0;
  std::vector<Point> lattice_;
};

/// Calls `visit(pixel, block's sum)` for each pixel that is for training; neighbours mostly share a block.
template <typename Visit>
void visit_pixels(LabelledScene& scene, const BlockMap& map, Blocks& blocks, Visit visit) {
  Block last;
  BlockSum* sum = nullptr;
  for (int64_t row = 0; row < scene.height(); ++row) {
    throw_if_cancelled();
    for (int64_t col = 0; col < scene.width(); ++col) {
      uint8_t& pixel = scene.use.at(col, row);
      if (pixel != kTrain) continue;
      const Block block = map.at(static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5);
      if (sum == nullptr || block != last) {
        last = block;
        sum = &blocks[block];
      }
      visit(pixel, *sum);
    }
  }
}

/// The middle of an object's rectangle, or nothing where it is not on the scene.
std::optional<Point> middle(const LabelledScene& scene, std::size_t object) {
  const Bounds& box = scene.object_bounds[object];
  const Point p = {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2};
  const bool on =
      p.x >= 0 && p.y >= 0 && p.x < static_cast<double>(scene.width()) && p.y < static_cast<double>(scene.height());
  return on ? std::optional(p) : std::nullopt;
}

uint8_t use_at(const LabelledScene& scene, const Point& p) {
  return scene.use.at(static_cast<int64_t>(p.x), static_cast<int64_t>(p.y));
}

/// Marks blocks for validation in an order that the seed and the draw decide; how many objects they hold.
int64_t draw(Blocks& blocks, double wanted_m2, uint64_t seed, int64_t number) {
  std::vector<std::pair<uint64_t, BlockSum*>> order;
  for (auto& [block, sum] : blocks) {
    sum.validate = false;
    const auto place = static_cast<uint64_t>((block.frame * 1'000'003 + block.row) * 1'000'003 + block.col);
    order.emplace_back(Random(seed + static_cast<uint64_t>(number) * 7919, place).next(), &sum);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  double kept_out = 0;
  int64_t objects = 0;
  for (const auto& [hash, sum] : order) {
    // The last block may not overshoot by more than half of itself.
    if (kept_out + sum->area_m2 / 2 > wanted_m2) continue;
    sum->validate = true;
    kept_out += sum->area_m2;
    objects += sum->objects;
  }
  return objects;
}

std::string metres(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g m", value);
  return text.data();
}

}  // namespace

int64_t objects_on(const LabelledScene& scene, PixelUse use) {
  int64_t count = 0;
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    const std::optional<Point> p = middle(scene, i);
    if (p && use_at(scene, *p) == static_cast<uint8_t>(use)) ++count;
  }
  return count;
}

double block_side_m(double area_m2, double coarsest_m, const SplitOptions& options) {
  // Two blocks at least make the share that is asked for, else chance decides too much; but none gets smaller than a
  // few objects.
  return std::max(std::min(options.block_m, std::sqrt(area_m2 * options.fraction / 2)), kLeastPixels * coarsest_m);
}

SplitReport split_on_ground(std::vector<LabelledScene>& scenes, const SplitOptions& options) {
  SplitReport report;
  double area_m2 = 0;
  double coarsest_m = 0;
  int64_t free_images = 0;
  for (const LabelledScene& scene : scenes) {
    area_m2 += static_cast<double>(scene.count(PixelUse::Train)) * scene.gsd_m * scene.gsd_m;
    coarsest_m = std::max(coarsest_m, scene.gsd_m);
    free_images += scene.georeferenced ? 0 : 1;
  }
  if (!(options.fraction > 0) || !(area_m2 > 0)) {
    report.how = "no validation";
    return report;
  }
  const double side = block_side_m(area_m2, coarsest_m, options);
  const bool whole_images = static_cast<double>(free_images) * options.fraction >= 0.5;
  report.block_m = side;
  const Crs common = common_crs(scenes);
  std::vector<BlockMap> maps;
  Blocks blocks;
  int64_t objects = 0;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    LabelledScene& scene = scenes[i];
    maps.emplace_back(scene, common, side, static_cast<int64_t>(i) + 2, whole_images && !scene.georeferenced);
    const double pixel_m2 = scene.gsd_m * scene.gsd_m;
    visit_pixels(scene, maps[i], blocks, [pixel_m2](uint8_t, BlockSum& sum) { sum.area_m2 += pixel_m2; });
    for (std::size_t k = 0; k < scene.objects.size(); ++k) {
      const std::optional<Point> p = middle(scene, k);
      if (!p || use_at(scene, *p) != kTrain) continue;
      ++blocks[maps[i].at(p->x, p->y)].objects;
      ++objects;
    }
  }
  const double wanted_m2 = area_m2 * options.fraction;
  for (int64_t number = 0; number <= kMaxDraws; ++number) {
    // Where no draw serves both sides, the first one stands.
    const int64_t kept_out = draw(blocks, wanted_m2, options.seed, number % kMaxDraws);
    report.redraws = number;
    if (kept_out > 0 && kept_out < objects) break;
  }
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    visit_pixels(scenes[i], maps[i], blocks, [](uint8_t& pixel, const BlockSum& sum) {
      if (sum.validate) pixel = static_cast<uint8_t>(PixelUse::Validate);
    });
  }
  report.blocks = static_cast<int64_t>(blocks.size());
  report.validation_blocks =
      std::count_if(blocks.begin(), blocks.end(), [](const auto& entry) { return entry.second.validate; });
  const bool on_ground = static_cast<std::size_t>(free_images) < scenes.size();
  if (on_ground) report.how = "blocks of " + metres(side) + " on the ground";
  if (free_images > 0)
    report.how += std::string(on_ground ? ", " : "") +
                  (whole_images ? "whole images where they have no georeference"
                                : "blocks of " + metres(side) + " in images without georeference");
  return report;
}

}  // namespace plat
