// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log.hpp"

namespace plat::test {

/// Keeps plans and warnings of a test's many runs out of its output, where they would hide what matters: to be included is enough.
inline const struct Quiet {
  Quiet() { set_log_level(LogLevel::Error); }
} quiet;

}  // namespace plat::test
