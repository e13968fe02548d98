// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "synthesis/canvas.hpp"
#include "synthesis/scene.hpp"

#include <cstdint>

namespace plat::detail {

/// Lights the canvas by sun and sky and averages `factor` x `factor` samples to a pixel: light as a camera collects it,
/// linear, three bands.
Image<float> expose(const Canvas& canvas, const SceneStyle& style, int64_t factor);
/// Turns collected light into the grey values 0..255 of a delivered image: blur, tone, noise, sharpening, rounding.
void develop(Image<float>& image, const SceneStyle& style, uint64_t seed);

}  // namespace plat::detail
