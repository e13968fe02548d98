// SPDX-License-Identifier: Apache-2.0
#include "training/samples/distance_transform.hpp"

#include <opencv2/core/mat.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <span>

namespace plat {

Image<float> distance_transform(const Image<uint8_t>& mask) {
  Image<float> out(mask.width(), mask.height());
  if (out.empty()) return out;
  const auto width = static_cast<int>(mask.width()), height = static_cast<int>(mask.height());
  cv::Mat1b away(height, width);  // distances are to its zeros
  std::transform(mask.data(), mask.data() + mask.size(), away.begin(),
                 [](uint8_t m) -> uint8_t { return m != 0 ? 0 : 1; });
  cv::Mat1f distance(height, width, out.data());
  cv::distanceTransform(away, distance, cv::DIST_L2, cv::DIST_MASK_PRECISE, CV_32F);
  // Where there is nothing to be near, the library gives a number of its own.
  const auto diagonal = static_cast<float>(std::hypot(width, height));
  for (float& value : std::span(out.data(), out.size())) value = std::min(value, diagonal);
  return out;
}

}  // namespace plat
