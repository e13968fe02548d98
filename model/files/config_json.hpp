// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/json_section.hpp"
#include "model/sam_config.hpp"

#include <nlohmann/json_fwd.hpp>

namespace plat::detail {

/// The network's part of config.json, in the layout of transformers' SamConfig. Keys that transformers writes and that
/// do not change the network are ignored; values that plat has no code for are ModelErrors.
SamConfig read_sam_config(JsonSection& config);
nlohmann::json write_sam_config(const SamConfig& config);

/// The `plat.class_decoder` section; the number of classes stands elsewhere.
ClassDecoderConfig read_class_decoder(JsonSection section);
nlohmann::json write_class_decoder(const ClassDecoderConfig& config);

}  // namespace plat::detail
