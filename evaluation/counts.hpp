// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// Precision, recall and what follows from them, out of counts. A ratio whose denominator is 0 (nothing predicted,
/// nothing true) is 0, as in SpaceNet's tables; `defined()` of the counts tells whether there was anything to count.
struct Rates {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double iou = 0;  ///< TP / (TP + FP + FN); for objects this is the average precision of micro-sam and the DSB
};

/// Pixels of one class counted right and wrong; add up over tiles or scenes, then ask for rates. A value type.
struct PixelCounts {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t false_negatives = 0;
  int64_t true_negatives = 0;

  /// Counts one tile: any value but 0 means the class. Throws DataError when the sizes differ.
  void add(const Image<uint8_t>& predicted, const Image<uint8_t>& truth);
  /// The same where `valid` is not 0; other pixels are left out.
  void add(const Image<uint8_t>& predicted, const Image<uint8_t>& truth, const Image<uint8_t>& valid);
  PixelCounts& operator+=(const PixelCounts& other);
  bool operator==(const PixelCounts&) const = default;

  int64_t total() const { return true_positives + false_positives + false_negatives + true_negatives; }
  /// Whether the class occurs at all, in the prediction or in the truth.
  bool defined() const { return true_positives + false_positives + false_negatives > 0; }
  Rates rates() const;
  double precision() const { return rates().precision; }
  double recall() const { return rates().recall; }
  double f1() const { return rates().f1; }
  double iou() const { return rates().iou; }
};

/// Objects found, invented and missed; add up over scenes, then ask for rates. A value type.
struct ObjectCounts {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t false_negatives = 0;

  ObjectCounts& operator+=(const ObjectCounts& other);
  bool operator==(const ObjectCounts&) const = default;

  int64_t predicted() const { return true_positives + false_positives; }
  int64_t truth() const { return true_positives + false_negatives; }
  bool defined() const { return predicted() + truth() > 0; }
  Rates rates() const;
  double precision() const { return rates().precision; }
  double recall() const { return rates().recall; }
  double f1() const { return rates().f1; }
};

}  // namespace plat
