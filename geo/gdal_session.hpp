// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plat {

/// Registers GDAL's drivers once and sends its messages to our errors and log; the first object of every program and
/// test that uses geo, so that it dies last. Making several is harmless.
class GdalSession {
 public:
  GdalSession();
};

}  // namespace plat
