// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plat {

/// Pieces of a text between separators; empty pieces are kept.
std::vector<std::string> split(std::string_view text, char separator);
/// The text without white space at both ends.
std::string trim(std::string_view text);
/// The text in lower case (ASCII only).
std::string lower(std::string_view text);
/// The pieces with a separator between each two.
std::string join(const std::vector<std::string>& pieces, std::string_view separator);
/// The first names of several, as "a, b, c and 7 more".
std::string some_of(const std::vector<std::string>& names, std::size_t limit = 3);
/// A number with its noun, as "1 tile" and "7 tiles".
std::string counted(int64_t count, std::string_view noun);
/// A value as files tell it: to a whole number of steps, of which a unit has `steps_per_unit`.
double rounded(double value, double steps_per_unit);
/// The whole of a text file, without the byte order mark that some programs put before UTF-8. Throws IoError where it cannot
/// be read, and DataError for UTF-16.
std::string read_text_file(const std::string& path);
/// A finite number, or UsageError naming `what`.
double parse_number(std::string_view text, std::string_view what);
/// Numbers between commas, or UsageError naming `what`.
std::vector<double> parse_numbers(std::string_view text, std::string_view what);

}  // namespace plat
