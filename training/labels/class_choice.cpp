// SPDX-License-Identifier: Apache-2.0
#include "training/labels/class_choice.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/mask_values.hpp"
#include "training/data/data_files.hpp"

#include <algorithm>
#include <map>

namespace plat {
namespace {

std::string plain(const std::string& value) { return lower(trim(value)); }

/// Values and how often they occur, most frequent first.
std::string table(const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<std::string, int64_t>> rows(counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> texts;
  for (const auto& [value, count] : rows)
    texts.push_back((value.empty() ? "none" : value) + " (" + std::to_string(count) + ")");
  return some_of(texts, 8);
}

}  // namespace

ClassChoice::ClassChoice(const std::vector<std::shared_ptr<const LabelSet>>& labels, const std::string& class_name,
                         const std::vector<std::string>& values) {
  std::set<std::string> mask_values;
  for (const auto& set : labels) {
    if (!set->from_mask) continue;
    for (const LabelObject& object : set->objects) mask_values.insert(object.value);
  }
  masks_tell_ = mask_values.size() <= kMaxClasses;
  if (!masks_tell_) {
    findings_.push_back(
        {Severity::Note, "instances", static_cast<int64_t>(mask_values.size()),
         "the masks hold " + std::to_string(mask_values.size()) + " values: they number objects, and tell no classes"});
  }
  std::map<std::string, int64_t> counts;
  std::map<std::string, std::set<std::string>> spellings;
  for (const auto& set : labels) {
    if (!set->tells_classes || (set->from_mask && !masks_tell_)) continue;
    for (const LabelObject& object : set->objects) {
      ++counts[plain(object.value)];
      spellings[plain(object.value)].insert(object.value);
    }
  }
  for (const std::string& value : values) {
    if (counts.contains(plain(value))) chosen_.insert(plain(value));
  }
  if (!values.empty() && chosen_.empty()) {
    throw DataError("no label has the class " + some_of(values) + ", which --class-values asks for; " +
                    (counts.empty()
                         ? std::string("the labels tell no classes: name their attribute with --class-attribute")
                         : "there are " + table(counts)));
  }
  if (values.empty() && counts.contains(plain(class_name))) chosen_.insert(plain(class_name));
  if (counts.size() > 1 && chosen_.empty()) {
    findings_.push_back({Severity::Warning, "classes", static_cast<int64_t>(counts.size()),
                         "the labels tell " + std::to_string(counts.size()) + " classes, " + table(counts) +
                             ": all are taken as " + class_name + "; choose with --class-values"});
  } else if (counts.size() > chosen_.size() && !chosen_.empty()) {
    findings_.push_back({Severity::Note, "classes", static_cast<int64_t>(counts.size()),
                         "of the classes " + table(counts) + " these are taken as " + class_name + ": " +
                             join({chosen_.begin(), chosen_.end()}, ", ") + "; the rest is background"});
  }
  if (!chosen_.empty() && counts.contains("")) {
    findings_.push_back({Severity::Warning, "no-class", counts[""],
                         std::to_string(counts[""]) + " objects have no class and are taken as background"});
  }
  for (const std::string& value : chosen_) {
    if (spellings[value].size() > 1) {
      findings_.push_back({Severity::Warning, "spelling", static_cast<int64_t>(spellings[value].size()),
                           "a class is spelled in " + std::to_string(spellings[value].size()) +
                               " ways, which are taken as one: '" +
                               join({spellings[value].begin(), spellings[value].end()}, "', '") + "'"});
    }
  }
}

bool ClassChoice::takes(const LabelSet& labels, const LabelObject& object) const {
  if (chosen_.empty() || !labels.tells_classes || (labels.from_mask && !masks_tell_)) return true;
  return chosen_.contains(plain(object.value));
}

}  // namespace plat
