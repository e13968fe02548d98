// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace plat {

/// Receives the fraction done, monotonic from 0 to 1; may be empty. Called from one thread at a time.
using Progress = std::function<void(double fraction)>;

/// Reports to a progress receiver if there is one.
inline void report(const Progress& progress, double fraction) {
  if (progress) progress(fraction);
}

}  // namespace plat
