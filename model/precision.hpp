// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat {

/// The numbers that a network's matrix products are made of.
enum class Precision {
  Auto,  ///< plat chooses: Float32, which is exact, on every device
  Float32,
  BFloat16,  ///< the encoder's in 16 bits with float32's range; on graphics cards, and CPUs with AVX512-BF16
  Float16,   ///< the encoder's in 16 bits with more digits; on graphics cards, and CPUs with AVX512-FP16
  Int16,     ///< a ViT encoder's linear layers in whole numbers of 16 bits; on CPUs with AVX2
};

/// What an option's text names. Throws UsageError with the choices.
Precision precision_of(const std::string& text);
std::string to_text(Precision precision);

/// Whether this processor multiplies in that precision by itself; what it has to imitate takes hundreds of times as long.
/// Not for Int16.
bool has_hardware_for(Precision precision);

}  // namespace plat
