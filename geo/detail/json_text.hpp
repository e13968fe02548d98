// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace plat::detail {

/// Appends a JSON string; bytes that are no UTF-8 become U+FFFD.
void append_json_text(std::string& out, std::string_view text);
/// Appends an attribute as JSON, in its field's type: reals keep a decimal point, what is not finite becomes null.
void append_json_value(std::string& out, const AttributeValue& value, FieldType type);
/// Appends `units` / 10^decimals without trailing zeros.
void append_decimal(std::string& out, int64_t units, int decimals);
/// The shortest text that reads back as the same number; with a decimal point or an exponent.
std::string real_text(double value);

}  // namespace plat::detail
