// SPDX-License-Identifier: Apache-2.0
#include "report/preview.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

namespace plat {
namespace {

namespace fs = std::filesystem;

/// Line coordinates are given to OpenCV in 1/16 pixels, so that small outlines keep their shape.
constexpr int kSubpixelBits = 4;
constexpr int64_t kLargestEnlargement = 4;
const cv::Vec3f kLineColour(0, 230, 255);  // blue, green, red: a yellow that neither roofs nor plants have
const cv::Vec3f kHaloColour(20, 10, 10);

/// Colours where the mask is set, in part where it is grey.
void blend(cv::Mat3b& picture, const cv::Mat1b& mask, const cv::Vec3f& colour, float strength) {
  for (int r = 0; r < picture.rows; ++r) {
    for (int c = 0; c < picture.cols; ++c) {
      const float weight = static_cast<float>(mask(r, c)) / 255.0F * strength;
      if (weight == 0.0F) continue;
      for (int b = 0; b < 3; ++b) {
        const float mixed = (1.0F - weight) * static_cast<float>(picture(r, c)[b]) + weight * colour[b];
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
  }

  Grid grid;
  PreviewOptions options;
  double scale = 1;
  cv::Mat1b halo;  ///< where dark borders go; drawn below all lines, so that neighbours do not hide each other
  cv::Mat1b lines;
};

PreviewCanvas::PreviewCanvas(const Grid& grid, const PreviewOptions& options)
    : impl_(std::make_unique<Impl>(grid, options)) {}
PreviewCanvas::~PreviewCanvas() = default;
PreviewCanvas::PreviewCanvas(PreviewCanvas&&) noexcept = default;

void PreviewCanvas::add(const MultiPolygon& pixel) {
  const auto draw = [this](const Ring& ring) {
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
  RasterBlock block = scene.read_reduced_around_damage(impl_->grid.window(), impl_->halo.cols, impl_->halo.rows);
  scaling.apply(block.pixels);
  cv::Mat3b picture = picture_of(block);
  blend(picture, impl_->halo, kHaloColour, 0.7F);
  blend(picture, impl_->lines, kLineColour, 1.0F);
  std::vector<unsigned char> png;
  try {
    cv::imencode(".png", picture, png);
  } catch (const cv::Exception& error) {
    throw IoError(png_path + ": the picture cannot be encoded (" + error.err + ").");
  }
  write_whole_file(png_path, {reinterpret_cast<const char*>(png.data()), png.size()});
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
