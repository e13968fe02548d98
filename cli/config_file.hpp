// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace plat::cli {

/// Puts the options of the file that `--config FILE` names right after the verb, so that those given by hand, which come
/// later, win. The file is a JSON object (.json), else TOML or INI; its keys are the long options without dashes, true
/// switches a flag on. Throws UsageError for a key that the verb does not have, IoError when the file cannot be read.
/// `arguments` are those after the program's name; returned unchanged when no file is named.
std::vector<std::string> expand_config(CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace plat::cli
