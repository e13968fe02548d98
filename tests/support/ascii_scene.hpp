// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace plat::test {

/// Draws labels from text: '.' or ' ' is 0, '#' is 1, digits and letters a.. are 1..9 and 10.. ; leading and trailing line
/// breaks are ignored.
inline Image<int32_t> ascii_scene(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::size_t width = 0;
  for (const auto line : lines) width = std::max(width, line.size());
  Image<int32_t> image(static_cast<int64_t>(width), static_cast<int64_t>(lines.size()));
  for (std::size_t r = 0; r < lines.size(); ++r) {
    for (std::size_t c = 0; c < lines[r].size(); ++c) {
      const char symbol = lines[r][c];
      int32_t label = 0;
      if (symbol == '#') label = 1;
      if (symbol >= '0' && symbol <= '9') label = symbol - '0';
      if (symbol >= 'a' && symbol <= 'z') label = symbol - 'a' + 10;
      image.at(static_cast<int64_t>(c), static_cast<int64_t>(r)) = label;
    }
  }
  return image;
}

}  // namespace plat::test
