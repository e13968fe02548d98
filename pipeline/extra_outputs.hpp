// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace plat {

/// The outputs beside a run's main one (maps, a picture). Where one fails, the run goes on without it: it is named in a warning,
/// and the run ends as partial (PartialError). One thread at a time.
class ExtraOutputs {
 public:
  /// Warnings are logged, and kept in a list of the run's.
  explicit ExtraOutputs(std::vector<std::string>& warnings) : warnings_(warnings) {}

  /// Does a piece of work for an output. False where it failed; Cancelled passes.
  bool attempt(const std::string& path, const std::function<void()>& work);
  /// Whether all were written.
  bool complete() const { return lost_.empty(); }
  /// Those that were not, for a sentence: "a.png was not written (reason)".
  std::string text() const;

 private:
  std::vector<std::string>& warnings_;
  std::vector<std::string> lost_;
};

}  // namespace plat
