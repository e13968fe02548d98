// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// How pixels are weighed by `resize`.
enum class ResizeFilter {
  Area,    ///< mean of the covered area: for shrinking
  Linear,  ///< tent
  Cubic,   ///< Keys' cubic with a = -0.75
};

/// The image at another size; pixels beyond the edges repeat the outermost ones. Area is meant for shrinking, the
/// others for growing (they do not blur before they skip pixels).
Image<float> resize(const Image<float>& image, int64_t width, int64_t height, ResizeFilter filter);
/// Convolves with a Gaussian cut at three deviations; edges are mirrored.
Image<float> gaussian_blur(const Image<float>& image, double deviation);
/// Half the width and height: means of 2 x 2 pixels, an odd last row or column left out.
Image<uint8_t> halve(const Image<uint8_t>& image);
/// What the JPEG codec at a quality from 1 to 100 leaves of three bands in 0..255 (red, green, blue): 8 x 8 cosine
/// transform, quantization with the standard tables, colour at half resolution. Nothing is rounded but coefficients.
Image<float> jpeg_artefacts(const Image<float>& image, int quality);

}  // namespace plat
