// SPDX-License-Identifier: Apache-2.0
#include "model/nn/device.hpp"

#include "core/error.hpp"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

namespace plat::nn {

at::Device device_of(const std::string& name) {
  if (name == "auto") return at::hasCUDA() ? at::Device(at::kCUDA) : at::Device(at::kCPU);
  if (name == "cpu") return at::Device(at::kCPU);
  if (name != "cuda" && !name.starts_with("cuda:")) {
    throw UsageError("the device '" + name + "' is none of auto, cpu, cuda and cuda:N");
  }
  if (!at::hasCUDA()) throw ModelError("there is no CUDA device that this build can use; pass --device cpu");
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    throw UsageError("the device '" + name + "' is none of auto, cpu, cuda and cuda:N");
  }
}

}  // namespace plat::nn
