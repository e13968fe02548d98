// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace plat {

enum class LogLevel { Debug, Info, Warning, Error, Off };

/// Sets the least level that is printed; Info at the start of the program.
void set_log_level(LogLevel level);

/// Write one line to stderr. Thread-safe; stdout is kept for data and summaries.
void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace plat
