// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "synthesis/canvas.hpp"
#include "synthesis/scene.hpp"

#include <cstdint>

namespace plat::detail {

/// What a camera sees of the canvas: an image of so many pixels, its top-left corner at `origin`, in pixels from the
/// canvas's own, which may lie between pixels. The canvas must reach as far.
struct View {
  int64_t width = 0;
  int64_t height = 0;
  Point origin;
};

/// Lights the canvas by sun and sky and averages the samples in each pixel's square, those at its edge by their share:
/// light as a camera collects it, linear, three bands.
Image<float> expose(const Canvas& canvas, const SceneStyle& style, const View& view);
/// Turns collected light into the grey values 0..255 of a delivered image: blur, tone, noise, sharpening, rounding.
void develop(Image<float>& image, const SceneStyle& style, uint64_t seed);

}  // namespace plat::detail
