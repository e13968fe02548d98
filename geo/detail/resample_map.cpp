// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/kernel.hpp"
#include "geo/detail/resampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace plat::detail {
namespace {

// Maps are smooth: they are computed on a net of this many pixels and interpolated between. The net is fixed to the
// grid, so that a pixel's position does not depend on the window.
constexpr int64_t kCell = 16;
// Where the net misses the map by more than this many samples, each pixel is mapped for itself.
constexpr double kMaxNetError = 0.02;

constexpr double kNowhere = std::numeric_limits<double>::quiet_NaN();

/// Where one sample lies in the level's pixels and how far its neighbours are.
struct Sample {
  double x = kNowhere;
  double y = kNowhere;
  float scale_x = 1;
  float scale_y = 1;
};

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/// The samples of a window, row by row.
class Net {
 public:
  Net(const PixelMap& map, const SamplingPlan& plan, const Window& window)
      : map_(map), plan_(plan), window_(window), samples_(static_cast<std::size_t>(window.pixel_count())) {
    const int64_t col_begin = floor_div(window.col, kCell);
    const int64_t row_begin = floor_div(window.row, kCell);
    const int64_t cells_x = floor_div(window.col_end() - 1, kCell) + 1 - col_begin;
    const int64_t cells_y = floor_div(window.row_end() - 1, kCell) + 1 - row_begin;
    nodes_.reserve(static_cast<std::size_t>((cells_x + 1) * (cells_y + 1)));
    for (int64_t i = 0; i <= cells_y; ++i) {
      for (int64_t j = 0; j <= cells_x; ++j) nodes_.push_back(corner(col_begin + j, row_begin + i, 0));
    }
    middles_.reserve(static_cast<std::size_t>(cells_x * cells_y));
    for (int64_t i = 0; i < cells_y; ++i) {
      for (int64_t j = 0; j < cells_x; ++j) middles_.push_back(corner(col_begin + j, row_begin + i, kCell / 2.0));
    }
    to_level(nodes_);
    to_level(middles_);
    for (int64_t i = 0; i < cells_y; ++i) {
      for (int64_t j = 0; j < cells_x; ++j) {
        const auto node = static_cast<std::size_t>(i * (cells_x + 1) + j);
        const std::array<Point, 4> corners = {nodes_[node], nodes_[node + 1],
                                              nodes_[node + static_cast<std::size_t>(cells_x) + 1],
                                              nodes_[node + static_cast<std::size_t>(cells_x) + 2]};
        fill_cell(col_begin + j, row_begin + i, corners, middles_[static_cast<std::size_t>(i * cells_x + j)]);
      }
    }
  }

  const Sample& at(int64_t col, int64_t row) const {
    return samples_[static_cast<std::size_t>((row - window_.row) * window_.width + col - window_.col)];
  }

 private:
  static Point corner(int64_t cell_col, int64_t cell_row, double offset) {
    return {static_cast<double>(cell_col * kCell) + offset, static_cast<double>(cell_row * kCell) + offset};
  }

  void to_level(std::vector<Point>& positions) const {
    for (Point& p : positions) p = plan_.map_from_grid(p);
    map_(positions);
    for (Point& p : positions) p = {p.x * plan_.level_x, p.y * plan_.level_y};
  }

  void fill_cell(int64_t cell_col, int64_t cell_row, const std::array<Point, 4>& c, const Point& middle) {
    const Window part = intersect({cell_col * kCell, cell_row * kCell, kCell, kCell}, window_);
    const Point guess{(c[0].x + c[1].x + c[2].x + c[3].x) / 4, (c[0].y + c[1].y + c[2].y + c[3].y) / 4};
    const auto across = static_cast<double>(2 * kCell);
    const double scale_x = std::hypot(c[1].x - c[0].x + c[3].x - c[2].x, c[2].x - c[0].x + c[3].x - c[1].x) / across;
    const double scale_y = std::hypot(c[1].y - c[0].y + c[3].y - c[2].y, c[2].y - c[0].y + c[3].y - c[1].y) / across;
    // False for NaN as well.
    const bool smooth = std::abs(guess.x - middle.x) <= kMaxNetError * std::max(1.0, scale_x) &&
                        std::abs(guess.y - middle.y) <= kMaxNetError * std::max(1.0, scale_y);
    if (!smooth) {
      fill_exactly(part);
      return;
    }
    for (int64_t row = part.row; row < part.row_end(); ++row) {
      const double v = (static_cast<double>(row - cell_row * kCell) + 0.5) / kCell;
      for (int64_t col = part.col; col < part.col_end(); ++col) {
        const double u = (static_cast<double>(col - cell_col * kCell) + 0.5) / kCell;
        Sample& sample = slot(col, row);
        sample.x = (1 - v) * ((1 - u) * c[0].x + u * c[1].x) + v * ((1 - u) * c[2].x + u * c[3].x);
        sample.y = (1 - v) * ((1 - u) * c[0].y + u * c[1].y) + v * ((1 - u) * c[2].y + u * c[3].y);
        sample.scale_x = static_cast<float>(std::max(1.0, scale_x));
        sample.scale_y = static_cast<float>(std::max(1.0, scale_y));
      }
    }
  }

  void fill_exactly(const Window& part) {
    std::vector<Point> centres;
    for (int64_t row = part.row; row < part.row_end(); ++row) {
      for (int64_t col = part.col; col < part.col_end(); ++col) {
        centres.push_back({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5});
      }
    }
    to_level(centres);
    std::size_t i = 0;
    for (int64_t row = part.row; row < part.row_end(); ++row) {
      for (int64_t col = part.col; col < part.col_end(); ++col, ++i) {
        slot(col, row) = {centres[i].x, centres[i].y, static_cast<float>(std::max(1.0, plan_.scale_x)),
                          static_cast<float>(std::max(1.0, plan_.scale_y))};
      }
    }
  }

  Sample& slot(int64_t col, int64_t row) {
    return samples_[static_cast<std::size_t>((row - window_.row) * window_.width + col - window_.col)];
  }

  const PixelMap& map_;
  const SamplingPlan& plan_;
  Window window_;
  std::vector<Sample> samples_;
  std::vector<Point> nodes_;
  std::vector<Point> middles_;
};

/// Averages squares of pixels, those at the edges of what there is; half of a square must be valid.
RasterBlock boxed(const RasterBlock& block, int64_t box) {
  const int64_t width = (block.valid.width() + box - 1) / box;
  const int64_t height = (block.valid.height() + box - 1) / box;
  RasterBlock out{Image<float>(width, height, block.pixels.bands()), Image<uint8_t>(width, height)};
  for (int64_t row = 0; row < height; ++row) {
    const int64_t row_end = std::min((row + 1) * box, block.valid.height());
    for (int64_t col = 0; col < width; ++col) {
      const int64_t col_end = std::min((col + 1) * box, block.valid.width());
      int64_t count = 0;
      for (int64_t r = row * box; r < row_end; ++r) {
        for (int64_t c = col * box; c < col_end; ++c) count += block.valid.at(c, r);
      }
      if (2 * count < (row_end - row * box) * (col_end - col * box)) continue;
      out.valid.at(col, row) = 1;
      for (int64_t b = 0; b < block.pixels.bands(); ++b) {
        // Invalid pixels are 0.
        float sum = 0;
        for (int64_t r = row * box; r < row_end; ++r) {
          for (int64_t c = col * box; c < col_end; ++c) sum += block.pixels.at(c, r, b);
        }
        out.pixels.at(col, row, b) = sum / static_cast<float>(count);
      }
    }
  }
  return out;
}

class MapSampler {
 public:
  MapSampler(RasterSource& source, const SamplingPlan& plan, const Net& net, const Window& window, RasterBlock& out)
      : source_(source),
        plan_(plan),
        net_(net),
        window_(window),
        out_(out),
        boxes_x_((source.width() + plan.box - 1) / plan.box),
        boxes_y_((source.height() + plan.box - 1) / plan.box) {}

  /// Samples a part of the window, in quarters where the file's pixels behind it are too many at once: a map may tear
  /// (at the antimeridian, at a pole), and neighbours then lie far apart in the file.
  void sample(const Window& part) {
    const Window needed = reach(part);
    if (needed.empty()) return;
    if (needed.pixel_count() * plan_.box * plan_.box * (source_.channels() + 1) > kMaxValues &&
        part.pixel_count() > 1) {
      const int64_t left = (part.width + 1) / 2;
      const int64_t top = (part.height + 1) / 2;
      for (const Window& quarter :
           {Window{part.col, part.row, left, top}, Window{part.col + left, part.row, part.width - left, top},
            Window{part.col, part.row + top, left, part.height - top},
            Window{part.col + left, part.row + top, part.width - left, part.height - top}}) {
        if (!quarter.empty()) sample(quarter);
      }
      return;
    }
    const Window pixels =
        intersect({needed.col * plan_.box, needed.row * plan_.box, needed.width * plan_.box, needed.height * plan_.box},
                  {0, 0, source_.width(), source_.height()});
    RasterBlock block = source_.read(pixels);
    if (plan_.box > 1) block = boxed(block, plan_.box);
    for (int64_t row = part.row; row < part.row_end(); ++row) {
      for (int64_t col = part.col; col < part.col_end(); ++col) sample_one(col, row, block, needed);
    }
  }

 private:
  double box() const { return static_cast<double>(plan_.box); }

  bool inside(const Sample& s) const { return is_inside(s.x, source_.width()) && is_inside(s.y, source_.height()); }

  /// The boxes that a part's samples touch.
  Window reach(const Window& part) const {
    double min_x = 1e300;
    double min_y = 1e300;
    double max_x = -1e300;
    double max_y = -1e300;
    for (int64_t row = part.row; row < part.row_end(); ++row) {
      for (int64_t col = part.col; col < part.col_end(); ++col) {
        const Sample& s = net_.at(col, row);
        if (!inside(s)) continue;
        const double radius_x = 2 * std::max(1.0, s.scale_x / box()) + 1;
        const double radius_y = 2 * std::max(1.0, s.scale_y / box()) + 1;
        min_x = std::min(min_x, s.x / box() - radius_x);
        max_x = std::max(max_x, s.x / box() + radius_x);
        min_y = std::min(min_y, s.y / box() - radius_y);
        max_y = std::max(max_y, s.y / box() + radius_y);
      }
    }
    if (min_x > max_x) return {};
    const auto col = static_cast<int64_t>(std::floor(min_x));
    const auto row = static_cast<int64_t>(std::floor(min_y));
    return intersect(
        {col, row, static_cast<int64_t>(std::ceil(max_x)) - col, static_cast<int64_t>(std::ceil(max_y)) - row},
        {0, 0, boxes_x_, boxes_y_});
  }

  void sample_one(int64_t col, int64_t row, const RasterBlock& block, const Window& needed) {
    const Sample& s = net_.at(col, row);
    if (!inside(s)) return;
    cols_.set(s.x / box(), std::max(1.0, s.scale_x / box()), boxes_x_, plan_.nearest);
    rows_.set(s.y / box(), std::max(1.0, s.scale_y / box()), boxes_y_, plan_.nearest);
    bool complete = true;
    for (const auto& r : rows_.all()) {
      const uint8_t* valid = block.valid.row(r.pixel - needed.row).data() - needed.col;
      for (const auto& c : cols_.all()) complete = complete && valid[c.pixel] != 0;
    }
    float weight = 1;
    if (!complete) {
      weight = 0;
      for (const auto& r : rows_.all()) {
        const uint8_t* valid = block.valid.row(r.pixel - needed.row).data() - needed.col;
        for (const auto& c : cols_.all()) weight += valid[c.pixel] != 0 ? r.weight * c.weight : 0;
      }
      if (weight < kLeastWeight) return;
    }
    out_.valid.at(col - window_.col, row - window_.row) = 1;
    for (int64_t b = 0; b < block.pixels.bands(); ++b) {
      float sum = 0;
      for (const auto& r : rows_.all()) {
        const float* values = block.pixels.row(r.pixel - needed.row, b).data() - needed.col;
        float line = 0;
        for (const auto& c : cols_.all()) line += c.weight * values[c.pixel];
        sum += r.weight * line;
      }
      out_.pixels.at(col - window_.col, row - window_.row, b) = complete ? sum : sum / weight;
    }
  }

  RasterSource& source_;
  const SamplingPlan& plan_;
  const Net& net_;
  Window window_;
  RasterBlock& out_;
  int64_t boxes_x_;
  int64_t boxes_y_;
  Taps cols_;
  Taps rows_;
};

}  // namespace

RasterBlock resample_map(RasterSource& source, const PixelMap& map, const SamplingPlan& plan, const Window& window) {
  RasterBlock out{Image<float>(window.width, window.height, source.channels()),
                  Image<uint8_t>(window.width, window.height)};
  if (window.empty()) return out;
  const Net net(map, plan, window);
  MapSampler(source, plan, net, window, out).sample(window);
  return out;
}

}  // namespace plat::detail
