// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat {

/// Registers GDAL's drivers once and sends its messages to our errors and log; the first object of every program and
/// test that uses geo, so that it dies last. Making several is harmless.
class GdalSession {
 public:
  GdalSession();
};

/// Bounds the memory of GDAL's block cache, which all readers of the process share (5 % of the machine's memory unless
/// this or GDAL_CACHEMAX says otherwise). Thread-safe.
void limit_gdal_cache(int64_t bytes);

}  // namespace plat
