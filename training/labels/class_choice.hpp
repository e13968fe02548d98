// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/labels/check_finding.hpp"
#include "training/labels/label_set.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace plat {

/// Which of the labelled objects a model with one class learns.
class ClassChoice {
 public:
  /// Takes the objects with one of `values`; without any, those whose value is `class_name`, and where no label has that
  /// one, all. Letters' case and white space at the ends do not count. Throws DataError where none has any of `values`.
  ClassChoice(const std::vector<std::shared_ptr<const LabelSet>>& labels, const std::string& class_name,
              const std::vector<std::string>& values);

  bool takes(const LabelSet& labels, const LabelObject& object) const;
  /// What was chosen and what stands out: several classes taken as one, objects without a class, spellings.
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::set<std::string> chosen_;  ///< empty: all
  bool masks_tell_ = true;        ///< whether values of masks mean classes
  std::vector<Finding> findings_;
};

}  // namespace plat
