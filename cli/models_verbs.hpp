// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace plat::cli {

struct Context;

/// The verbs below `plat models`, beside import.
void add_models_pull(CLI::App& models, Context& context);
void add_models_list(CLI::App& models, Context& context);
void add_models_show(CLI::App& models, Context& context);
void add_models_verify(CLI::App& models, Context& context);

}  // namespace plat::cli
