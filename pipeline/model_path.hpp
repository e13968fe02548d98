// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat {

/// The model that `extract` uses when none is named.
inline constexpr const char* kDefaultModel = "buildings";

/// Folders that hold models by name, existing ones only, in the order of search: those of the environment variable
/// PLAT_MODELS (separated by ':'), then the models that ship with the running program (an installation's
/// share/plat/models, or data/models of the source tree that it was built in).
std::vector<std::string> model_folders();
/// Where a model lies: a path to a folder as it is, the name of the built-in "threshold" model as it is, else a model of
/// that name in `model_folders()`; empty means kDefaultModel. Throws ModelError naming the places searched.
std::string find_model(const std::string& name);

}  // namespace plat
