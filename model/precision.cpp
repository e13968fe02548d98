// SPDX-License-Identifier: Apache-2.0
#include "model/precision.hpp"

#include "core/error.hpp"

#include <array>
#include <utility>

namespace plat {
namespace {

constexpr std::array kNames = {std::pair{Precision::Auto, "auto"}, std::pair{Precision::Float32, "float32"},
                               std::pair{Precision::BFloat16, "bfloat16"}, std::pair{Precision::Float16, "float16"},
                               std::pair{Precision::Int16, "int16"}};

}  // namespace

Precision precision_of(const std::string& text) {
  std::string choices;
  for (const auto& [precision, name] : kNames) {
    if (text == name) return precision;
    choices += (choices.empty() ? "" : ", ") + std::string(name);
  }
  throw UsageError("the precision '" + text + "' is none of " + choices + '.');
}

std::string to_text(Precision precision) {
  for (const auto& [known, name] : kNames) {
    if (known == precision) return name;
  }
  return {};
}

bool has_hardware_for(Precision precision) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (precision == Precision::BFloat16) return __builtin_cpu_supports("avx512bf16") != 0;
  if (precision == Precision::Float16) return __builtin_cpu_supports("avx512fp16") != 0;
#endif
  return precision == Precision::Auto || precision == Precision::Float32;
}

}  // namespace plat
