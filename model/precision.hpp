// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat {

/// The numbers that a network's matrix products are made of.
enum class Precision {
  Float32,
  Int16,  ///< a ViT encoder's linear layers in whole numbers of 16 bits; on CPUs with AVX2
};

/// What an option's text names. Throws UsageError with the choices.
Precision precision_of(const std::string& text);
std::string to_text(Precision precision);

}  // namespace plat
