// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/shift.hpp"

#include <nlohmann/json_fwd.hpp>

namespace plat::cli {

/// The shift between two scenes as --json tells it; `shifted`: whether it is taken out.
nlohmann::ordered_json json_of(const MeasuredShift& shift, bool shifted);

}  // namespace plat::cli
