// SPDX-License-Identifier: Apache-2.0
#include "training/labels/coco_masks.hpp"

#include "core/error.hpp"
#include "core/image.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <string>

namespace plat {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 32;

}  // namespace

std::vector<int64_t> coco_runs(const std::string& text) {
  std::vector<int64_t> runs;
  for (std::size_t at = 0; at < text.size();) {
    int64_t value = 0;
    for (int shift = 0;; shift += 5) {
      if (at == text.size() || shift > 55) throw DataError("the text of its runs ends inside a number");
      const int64_t group = text[at++] - '0';
      if (group < 0 || group > 63) throw DataError("the text of its runs has a letter that means nothing");
      value |= (group & 31) << shift;
      if ((group & 32) != 0) continue;
      if ((group & 16) != 0) value -= int64_t{1} << (shift + 5);
      break;
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    runs.push_back(value);
  }
  return runs;
}

MultiPolygon outline_of_runs(const std::vector<int64_t>& runs, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > kMostPixels / height) {
    throw DataError("its mask has " + std::to_string(width) + " x " + std::to_string(height) +
                    " pixels, which no image has");
  }
  int64_t sum = 0;
  int64_t first = width;
  int64_t last = -1;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i] < 0 || runs[i] > width * height - sum) throw DataError("the runs of its mask do not fit its size");
    if (i % 2 == 1 && runs[i] > 0) {
      first = std::min(first, sum / height);
      last = (sum + runs[i] - 1) / height;
    }
    sum += runs[i];
  }
  if (sum != width * height) throw DataError("the runs of its mask do not fit its size");
  if (last < 0) return {};
  // Only the columns that the object spans: an image may have thousands of objects.
  Image<int32_t> mask(last - first + 1, height);
  int64_t at = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (int64_t k = at; i % 2 == 1 && k < at + runs[i]; ++k) mask.at(k / height - first, k % height) = 1;
    at += runs[i];
  }
  return vectorize(mask, first, 0)[1];
}

}  // namespace plat
