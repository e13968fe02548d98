// SPDX-License-Identifier: Apache-2.0
#include "evaluation/matching.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace plat {
namespace {

/// Pixels of each label, and positions of the labels that are large enough, by ascending label.
struct LabelTable {
  std::map<int32_t, int64_t> area;
  std::unordered_map<int32_t, int64_t> position;
};

LabelTable tabulate(const Image<int32_t>& labels, int64_t min_area_px) {
  LabelTable table;
  // Runs of one label are long, so the table is asked once a run.
  int32_t run_label = 0;
  int64_t run = 0;
  const auto flush = [&] {
    if (run_label != 0 && run > 0) table.area[run_label] += run;
  };
  for (const int32_t label : labels.band(0)) {
    if (label != run_label) {
      flush();
      run_label = label;
      run = 0;
    }
    ++run;
  }
  flush();
  for (const auto& [label, pixels] : table.area) {
    if (pixels < min_area_px) continue;
    const auto next = static_cast<int64_t>(table.position.size());
    table.position.emplace(label, next);
  }
  return table;
}

std::map<std::pair<int32_t, int32_t>, int64_t> common_pixels(const Image<int32_t>& a, const Image<int32_t>& b) {
  std::map<std::pair<int32_t, int32_t>, int64_t> common;
  std::pair<int32_t, int32_t> run_pair{0, 0};
  int64_t run = 0;
  const auto flush = [&] {
    if (run_pair.first != 0 && run_pair.second != 0) common[run_pair] += run;
  };
  const auto pa = a.band(0);
  const auto pb = b.band(0);
  for (std::size_t i = 0; i < pa.size(); ++i) {
    if (pa[i] != run_pair.first || pb[i] != run_pair.second) {
      flush();
      run_pair = {pa[i], pb[i]};
      run = 0;
    }
    ++run;
  }
  flush();
  return common;
}

}  // namespace

ObjectCounts Matching::counts() const {
  const auto found = [](int64_t partner) { return partner >= 0; };
  const int64_t tp = std::count_if(truth_of_predicted.begin(), truth_of_predicted.end(), found);
  return {tp, static_cast<int64_t>(truth_of_predicted.size()) - tp,
          static_cast<int64_t>(predicted_of_truth.size()) - tp};
}

Matching match_greedily(int64_t predicted, int64_t truth, std::vector<Overlap> overlaps, double iou,
                        std::span<const int64_t> order) {
  const auto predicted_count = static_cast<std::size_t>(predicted);
  const auto truth_count = static_cast<std::size_t>(truth);
  Matching result{std::vector<int64_t>(predicted_count, -1), std::vector<int64_t>(truth_count, -1),
                  std::vector<double>(predicted_count, 0.0), std::vector<double>(truth_count, 0.0)};
  std::sort(overlaps.begin(), overlaps.end(), [](const Overlap& a, const Overlap& b) {
    return std::tie(a.predicted, b.iou, a.truth) < std::tie(b.predicted, a.iou, b.truth);
  });
  std::vector<std::size_t> first(predicted_count + 1, 0);
  for (const Overlap& overlap : overlaps) {
    ++first[static_cast<std::size_t>(overlap.predicted) + 1];
    double& best = result.iou_of_truth[static_cast<std::size_t>(overlap.truth)];
    best = std::max(best, overlap.iou);
  }
  std::partial_sum(first.begin(), first.end(), first.begin());

  for (std::size_t turn = 0; turn < predicted_count; ++turn) {
    const std::size_t p = order.empty() ? turn : static_cast<std::size_t>(order[turn]);
    for (std::size_t i = first[p]; i < first[p + 1]; ++i) {
      const Overlap& candidate = overlaps[i];
      int64_t& partner = result.predicted_of_truth[static_cast<std::size_t>(candidate.truth)];
      if (partner >= 0) continue;
      result.iou_of_predicted[p] = candidate.iou;
      if (candidate.iou > iou) {
        partner = static_cast<int64_t>(p);
        result.truth_of_predicted[p] = candidate.truth;
      }
      break;
    }
  }
  return result;
}

ObjectCounts match_labels(const Image<int32_t>& predicted, const Image<int32_t>& truth, double iou,
                          int64_t min_area_px) {
  if (predicted.width() != truth.width() || predicted.height() != truth.height()) {
    throw DataError("predicted labels have " + std::to_string(predicted.width()) + " x " +
                    std::to_string(predicted.height()) + " pixels but true labels " + std::to_string(truth.width()) +
                    " x " + std::to_string(truth.height()) + "; bring both to one grid");
  }
  const LabelTable p = tabulate(predicted, min_area_px);
  const LabelTable t = tabulate(truth, min_area_px);
  std::vector<Overlap> overlaps;
  for (const auto& [labels, common] : common_pixels(predicted, truth)) {
    const auto in_p = p.position.find(labels.first);
    const auto in_t = t.position.find(labels.second);
    if (in_p == p.position.end() || in_t == t.position.end()) continue;
    const int64_t together = p.area.at(labels.first) + t.area.at(labels.second) - common;
    overlaps.push_back({in_p->second, in_t->second, static_cast<double>(common) / static_cast<double>(together)});
  }
  return match_greedily(static_cast<int64_t>(p.position.size()), static_cast<int64_t>(t.position.size()),
                        std::move(overlaps), iou)
      .counts();
}

}  // namespace plat
