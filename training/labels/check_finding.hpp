// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace plat {

enum class Severity { Note, Warning };

/// What a check of the training data found.
struct Finding {
  Severity severity = Severity::Note;
  std::string check;  ///< a short name for programs: "invalid", "overlap", "shift", …
  int64_t count = 0;  ///< how many objects, images or pixels, as the text says
  std::string text;   ///< what it is, for people
};

}  // namespace plat
