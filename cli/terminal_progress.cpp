// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

namespace plat::cli {

Progress terminal_progress(const std::string& title, bool quiet) {
  if (quiet || isatty(STDERR_FILENO) == 0) return {};
  struct State {
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    int shown = -1;
    // A run that ends early (an error, an interrupt) must not leave half a bar before the message that follows.
    ~State() { clear(); }
    void clear() {
      if (shown >= 0) std::fputs("\r\033[K", stderr);
      shown = -1;
    }
  };
  auto state = std::make_shared<State>();
  return [title, state](double fraction) {
    const int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100);
    if (percent == 100) state->clear();
    if (percent == 100 || percent == state->shown) return;
    state->shown = percent;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - state->start).count();
    const double left = percent > 0 ? seconds * (100.0 - percent) / percent : 0;
    const int filled = percent * 30 / 100;
    std::fprintf(stderr, "\r%s [%.*s%.*s] %3d%% %4.0f s left ", title.c_str(), filled, "##############################",
                 30 - filled, "..............................", percent, left);
    std::fflush(stderr);
  };
}

}  // namespace plat::cli
