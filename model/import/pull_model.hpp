// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"

#include <functional>
#include <string>

namespace plat {

/// Loads a model into a cache on this machine and returns where it lies there: a folder for a repository of the Hugging
/// Face Hub, a file for others; import_model takes both. `name` is an entry of the catalogue, a repository of the Hub as
/// organisation/name, or the address of a file (https://…), whose checksum is `sha256` unless that is empty. Repositories go into the cache of huggingface_hub, in its layout ($HF_HUB_CACHE, $HF_HOME/hub or
/// ~/.cache/huggingface/hub), come from $HF_ENDPOINT (https://huggingface.co) and are asked for with $HF_TOKEN if that is
/// set; files go into $XDG_CACHE_HOME/plat or ~/.cache/plat, those of addresses into a folder of each address. What is there already is not loaded again, and what was
/// interrupted goes on. Sizes and SHA-256 are checked where they are known. `progress_for` makes the receiver of a file's
/// progress. Throws UsageError for a name that is none of these, IoError, ModelError for a wrong checksum, Cancelled.
std::string pull_model(const std::string& name, const std::function<Progress(const std::string& file)>& progress_for,
                       const std::string& sha256 = "");

}  // namespace plat
