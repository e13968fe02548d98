// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace plat::detail {
namespace {

/// Length of the UTF-8 sequence at the start of a text; 0 where there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and values past U+10FFFF.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf0 && byte(1) < 0x90) ||
      (lead == 0xf4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      text.remove_prefix(1);
    } else if (code < 0x20 || code == 0x7f) {
      out += "\\u00";
      out += kHex[code >> 4];
      out += kHex[code & 15];
      text.remove_prefix(1);
    } else if (const std::size_t length = utf8_length(text); length > 0) {
      out += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      out += "\\ufffd";
      text.remove_prefix(1);
    }
  }
  out += '"';
}

std::string real_text(double value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".eE") == std::string::npos) text += ".0";
  return text;
}

void append_json_value(std::string& out, const AttributeValue& value, FieldType type) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    if (type == FieldType::Integer) {
      out += std::to_string(*number);
    } else if (type == FieldType::Real) {
      out += real_text(static_cast<double>(*number));
    } else {
      append_json_text(out, std::to_string(*number));
    }
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (!std::isfinite(*real)) {
      out += "null";
    } else if (type == FieldType::Text) {
      append_json_text(out, real_text(*real));
    } else if (type == FieldType::Integer) {
      out += std::to_string(std::llround(*real));
    } else {
      out += real_text(*real);
    }
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_text(out, *text);
  } else {
    out += "null";
  }
}

void append_decimal(std::string& out, int64_t units, int decimals) {
  if (units < 0) {
    out += '-';
    units = -units;
  }
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), units).ptr;
  std::string digits(buffer.data(), end);
  const auto places = static_cast<std::size_t>(decimals);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  const std::size_t point = digits.size() - places;
  out.append(digits, 0, point);
  const std::size_t last = digits.find_last_not_of('0');
  if (last != std::string::npos && last >= point) {
    out += '.';
    out.append(digits, point, last + 1 - point);
  }
}

}  // namespace plat::detail
