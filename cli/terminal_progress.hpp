// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"

#include <string>

namespace plat::cli {

/// A progress bar on stderr with the time left; silent when `quiet` or when stderr is not a terminal.
Progress terminal_progress(const std::string& title, bool quiet);

}  // namespace plat::cli
