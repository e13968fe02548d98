// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat {

/// Throws UsageError unless a text is the name of a repository of the Hugging Face Hub, organisation/name; `option` is what
/// the error calls it.
void require_repo_name(const std::string& text, const std::string& option);
/// Whether the Hub takes a text, in lower case, as the licence of a card; "other" is one.
bool is_hub_licence(const std::string& text);
/// A text in lower case with hyphens for all that is no letter, digit or point.
std::string slug(const std::string& text);

}  // namespace plat
