// SPDX-License-Identifier: Apache-2.0
#include "automatic_parity.hpp"

#include "model/files/safetensors.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace plat::test {
namespace {

/// What automatic_masks.py packs.
std::vector<int64_t> unpacked(const std::string& text) {
  std::vector<int64_t> values;
  int64_t value = 0;
  int shift = 0;
  for (const char c : text) {
    const int digit = c - 48;
    value += int64_t{digit % 32} << shift;
    shift += 5;
    if (digit >= 32) continue;
    const int64_t change = value % 2 == 0 ? value / 2 : -(value + 1) / 2;
    values.push_back(change + (values.size() < 2 ? 0 : values[values.size() - 2]));
    value = shift = 0;
  }
  return values;
}

/// Run lengths along the rows, the first one outside, as runs.
RunMask mask_of(const std::vector<int64_t>& lengths, int64_t width) {
  std::vector<MaskRun> runs;
  int64_t place = 0;
  bool inside = false;
  for (const int64_t length : lengths) {
    for (int64_t at = place; inside && at < place + length;) {
      const int64_t row = at / width, end = std::min(place + length, (row + 1) * width);
      runs.push_back(
          {static_cast<int32_t>(row), static_cast<int32_t>(at - row * width), static_cast<int32_t>(end - row * width)});
      at = end;
    }
    place += length;
    inside = !inside;
  }
  return RunMask(std::move(runs));
}

AutomaticCase read_case(const std::string& text, int64_t width) {
  std::istringstream in(text);
  AutomaticCase result;
  AutomaticMaskOptions& o = result.options;
  in >> o.points_per_side >> o.iou_threshold >> o.stability_threshold >> o.stability_offset >> o.box_nms_threshold >>
      o.crop_layers >> o.crop_nms_threshold >> o.crop_overlap_ratio >> o.crop_points_downscale >> o.min_region_px;
  std::size_t count = 0;
  in >> count;
  for (std::size_t i = 0; i < count; ++i) {
    AutomaticMask mask;
    std::string lengths;
    in >> mask.iou >> mask.stability >> mask.point.col >> mask.point.row >> lengths;
    mask.mask = mask_of(unpacked(lengths), width);
    result.masks.push_back(std::move(mask));
  }
  return result;
}

}  // namespace

AutomaticReference read_automatic_reference(const std::string& path) {
  const SafetensorsFile file(path);
  const TensorView& view = file.tensors().at("image");
  const std::vector<float> values = float_values(view);
  const int64_t zoom = std::stoll(file.metadata().at("zoom"));
  const int64_t height = view.shape[1], width = view.shape[2];
  AutomaticReference reference{Image<float>(width * zoom, height * zoom, view.shape[0]), {}};
  Image<float>& image = reference.image;
  for (int64_t b = 0; b < image.bands(); ++b) {
    for (int64_t r = 0; r < image.height(); ++r) {
      for (int64_t c = 0; c < image.width(); ++c) {
        image.at(c, r, b) = values[static_cast<std::size_t>((b * height + r / zoom) * width + c / zoom)];
      }
    }
  }
  for (const auto& [name, text] : file.metadata()) {
    if (name != "zoom" && name != "config.json" && name != "format") {
      reference.cases[name] = read_case(text, image.width());
    }
  }
  return reference;
}

double Agreement::share() const {
  return expected + found == 0 ? 1 : static_cast<double>(matched) / static_cast<double>(std::max(expected, found));
}

Agreement compare(const std::vector<AutomaticMask>& expected, const std::vector<AutomaticMask>& found) {
  constexpr double kSame = 0.95;
  Agreement agreement{expected.size(), found.size()};
  std::vector<bool> taken(found.size());
  for (const AutomaticMask& mask : expected) {
    std::size_t best = found.size();
    double best_iou = kSame;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double iou = taken[i] ? 0 : mask_iou(mask.mask, found[i].mask);
      if (iou >= best_iou) {
        best = i;
        best_iou = iou;
      }
    }
    if (best == found.size()) continue;
    taken[best] = true;
    ++agreement.matched;
    agreement.worst_iou = std::min(agreement.worst_iou, best_iou);
    agreement.worst_estimate = std::max(agreement.worst_estimate, std::abs(mask.iou - found[best].iou));
    agreement.worst_stability = std::max(agreement.worst_stability, std::abs(mask.stability - found[best].stability));
  }
  return agreement;
}

}  // namespace plat::test
