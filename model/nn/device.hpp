// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace plat::nn {

/// The device that `name` means: auto (a graphics card where this build finds one, else the CPU), cpu, cuda or cuda:N. Throws
/// UsageError for another name, ModelError where there is no such device.
at::Device device_of(const std::string& name);

}  // namespace plat::nn
