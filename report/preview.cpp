// SPDX-License-Identifier: Apache-2.0
#include "report/preview.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <new>
#include <type_traits>
#include <vector>

namespace plat {
namespace {

namespace fs = std::filesystem;

/// Line coordinates are given to OpenCV in 1/16 pixels, so that small outlines keep their shape.
constexpr int kSubpixelBits = 4;
constexpr int64_t kLargestEnlargement = 4;
const cv::Vec3f kHaloColour(20, 10, 10);  // blue, green, red

cv::Scalar colour_of(PreviewColour colour) {
  switch (colour) {
    case PreviewColour::Green: return {60, 220, 60};
    case PreviewColour::Red: return {50, 50, 255};
    case PreviewColour::Cyan: return {255, 220, 0};
    case PreviewColour::Orange: return {0, 140, 255};
    case PreviewColour::Violet: return {255, 80, 200};
    case PreviewColour::Yellow: break;
  }
  return {0, 230, 255};
}

/// Colours where the mask is set, in part where it is grey: with one colour, or with a picture's.
template <typename Colour>
void blend(cv::Mat3b& picture, const cv::Mat1b& mask, const Colour& colour, float strength) {
  for (int r = 0; r < picture.rows; ++r) {
    for (int c = 0; c < picture.cols; ++c) {
      const float weight = static_cast<float>(mask(r, c)) / 255.0F * strength;
      if (weight == 0.0F) continue;
      for (int b = 0; b < 3; ++b) {
        float wanted;
        if constexpr (std::is_same_v<Colour, cv::Vec3f>) {
          wanted = colour[b];
        } else {
          wanted = static_cast<float>(colour(r, c)[b]);
        }
        const float mixed = (1.0F - weight) * static_cast<float>(picture(r, c)[b]) + weight * wanted;
        picture(r, c)[b] = static_cast<unsigned char>(std::lround(mixed));
      }
    }
  }
}

cv::Mat3b picture_of(const RasterBlock& block) {
  cv::Mat3b picture(static_cast<int>(block.pixels.height()), static_cast<int>(block.pixels.width()));
  const int64_t bands = block.pixels.bands();
  for (int r = 0; r < picture.rows; ++r) {
    for (int c = 0; c < picture.cols; ++c) {
      for (int b = 0; b < 3; ++b) {
        // OpenCV wants blue first; a single band is grey.
        const int64_t band = bands >= 3 ? 2 - b : 0;
        const float value = block.valid.at(c, r) != 0 ? block.pixels.at(c, r, band) : 0.0F;
        picture(r, c)[b] = static_cast<unsigned char>(std::lround(std::clamp(value, 0.0F, 255.0F)));
      }
    }
  }
  return picture;
}

void write_png(const std::string& png_path, const cv::Mat3b& picture) {
  std::vector<unsigned char> png;
  try {
    cv::imencode(".png", picture, png);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw IoError(png_path + ": the picture cannot be encoded (" + error.err + ").");
  }
  write_whole_file(png_path, {reinterpret_cast<const char*>(png.data()), png.size()});
}

}  // namespace

struct PreviewCanvas::Impl {
  Impl(const Grid& scene_grid, const PreviewOptions& preview_options) : grid(scene_grid), options(preview_options) {
    const double longer = static_cast<double>(std::max(grid.width, grid.height));
    scale = std::min(static_cast<double>(options.max_size) / longer, static_cast<double>(kLargestEnlargement));
    const auto side = [this](int64_t pixels) {
      return std::max(1, static_cast<int>(std::lround(static_cast<double>(pixels) * scale)));
    };
    halo = cv::Mat1b::zeros(side(grid.height), side(grid.width));
    lines = cv::Mat1b::zeros(halo.rows, halo.cols);
    ink = cv::Mat3b::zeros(halo.rows, halo.cols);
  }

  cv::Mat3b draw(RasterReader& scene, const Scaling& scaling, bool pale) const {
    RasterBlock block = scene.read_reduced_around_damage(grid.window(), halo.cols, halo.rows);
    scaling.apply(block.pixels);
    cv::Mat3b picture = picture_of(block);
    if (pale) {
      cv::Mat1b grey;
      cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
      grey.convertTo(grey, CV_8U, 0.5, 110);
      cv::cvtColor(grey, picture, cv::COLOR_GRAY2BGR);
    }
    blend(picture, halo, kHaloColour, 0.7F);
    blend(picture, lines, ink, 1.0F);
    return picture;
  }

  Grid grid;
  PreviewOptions options;
  double scale = 1;
  cv::Mat1b halo;  ///< where dark borders go; drawn below all lines, so that neighbours do not hide each other
  cv::Mat1b lines;
  cv::Mat3b ink;  ///< the colour of each line, somewhat beyond it
};

PreviewCanvas::PreviewCanvas(const Grid& grid, const PreviewOptions& options)
    : impl_(std::make_unique<Impl>(grid, options)) {}
PreviewCanvas::~PreviewCanvas() = default;
PreviewCanvas::PreviewCanvas(PreviewCanvas&&) noexcept = default;

void PreviewCanvas::add(const MultiPolygon& pixel, PreviewColour colour) {
  const auto draw = [this, colour](const Ring& ring) {
    std::vector<cv::Point> points;
    for (const Point& p : ring) {
      // Pixel (0, 0) covers the square from its corner on; OpenCV counts from its centre.
      const auto fixed = [this](double v) {
        return static_cast<int>(std::lround((v * impl_->scale - 0.5) * (1 << kSubpixelBits)));
      };
      points.emplace_back(fixed(p.x), fixed(p.y));
    }
    // In a picture smaller than its scene, thick lines would cover what they surround.
    const int width = impl_->scale >= 1 ? 2 : 1;
    cv::polylines(impl_->halo, points, true, cv::Scalar(255), width + 2, cv::LINE_AA, kSubpixelBits);
    cv::polylines(impl_->lines, points, true, cv::Scalar(255), width, cv::LINE_AA, kSubpixelBits);
    cv::polylines(impl_->ink, points, true, colour_of(colour), width + 2, cv::LINE_8, kSubpixelBits);
  };
  for (const Polygon& polygon : pixel) {
    draw(polygon.exterior);
    for (const Ring& hole : polygon.holes) draw(hole);
  }
}

void PreviewCanvas::write(const std::string& png_path, RasterReader& scene, const Scaling& scaling) const {
  if (!impl_->options.overwrite && fs::exists(png_path)) {
    throw IoError(png_path + ": exists already. Pass --overwrite to replace it.");
  }
  write_png(png_path, impl_->draw(scene, scaling, false));
}

void write_panels(const std::string& png_path, const std::vector<PreviewPanel>& panels) {
  constexpr int kGap = 8;
  constexpr int kTitle = 28;
  constexpr int kMostColumns = 4;
  const cv::Mat1b& size = panels.front().canvas.impl_->halo;
  const auto count = static_cast<int>(panels.size());
  const int columns = std::min(count, kMostColumns), rows = (count + columns - 1) / columns;
  if (!panels.front().canvas.impl_->options.overwrite && fs::exists(png_path)) {
    throw IoError(png_path + ": exists already. Pass --overwrite to replace it.");
  }
  cv::Mat3b sheet(rows * (size.rows + kTitle), size.cols * columns + kGap * (columns - 1), cv::Vec3b(255, 255, 255));
  for (int i = 0; i < count; ++i) {
    const PreviewPanel& panel = panels[static_cast<std::size_t>(i)];
    const int left = i % columns * (size.cols + kGap), top = i / columns * (size.rows + kTitle);
    panel.canvas.impl_->draw(panel.scene, panel.scaling, panel.pale)
        .copyTo(sheet(cv::Rect(left, top + kTitle, size.cols, size.rows)));
    // A long title is written smaller; one that is still too long ends at its panel's edge.
    constexpr double kScale = 0.55, kLeastScale = 0.38;
    constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
    const int needed = cv::getTextSize(panel.title, kFont, kScale, 1, nullptr).width + 8;
    const double scale = std::clamp(kScale * size.cols / std::max(1, needed), kLeastScale, kScale);
    cv::Mat3b strip = sheet(cv::Rect(left, top, size.cols, kTitle));
    cv::putText(strip, panel.title, {4, kTitle - 8}, kFont, scale, {30, 30, 30}, 1, cv::LINE_AA);
  }
  write_png(png_path, sheet);
}

void write_preview(const std::string& png_path, RasterReader& scene, const Scaling& scaling, const FeatureLayer& layer,
                   const PreviewOptions& options) {
  const Grid& grid = scene.grid();
  PreviewCanvas canvas(grid, options);
  std::unique_ptr<CrsTransform> transform;
  if (!layer.crs.empty() && !grid.crs.empty() && !layer.crs.same_as(grid.crs)) {
    transform = std::make_unique<CrsTransform>(layer.crs, grid.crs);
  }
  for (const Feature& feature : layer.features) {
    MultiPolygon pixel = transform ? (*transform)(feature.geometry) : feature.geometry;
    for (Polygon& polygon : pixel) polygon = grid.to_pixel(polygon);
    canvas.add(pixel);
  }
  canvas.write(png_path, scene, scaling);
}

}  // namespace plat
