// SPDX-License-Identifier: Apache-2.0
#include "model/precision.hpp"

#include "core/error.hpp"

#include <array>
#include <utility>

namespace plat {
namespace {

constexpr std::array kNames = {std::pair{Precision::Float32, "float32"}, std::pair{Precision::Int16, "int16"}};

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

}  // namespace plat
