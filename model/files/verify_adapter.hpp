// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"

#include <string>

namespace plat::detail {

/// Checks the tensors of an adapter folder against its base, which the caller has found in order: each replaces one of the
/// same shape, is a factor of LoRA that fits its layer, or belongs to a part that is added; all numbers are finite. Throws
/// IoError, and ModelError for the first fault.
void check_adapter(const std::string& folder, const AdapterBase& base);

}  // namespace plat::detail
