// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/json_section.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace plat::detail {

/// Reads one of a model's texts. Throws ModelError where it is absent, too long or no JSON.
nlohmann::json read_json(const std::string& path);
/// The text gets its name once it is complete. Throws IoError.
void write_json(const std::string& path, const nlohmann::json& value);

}  // namespace plat::detail
