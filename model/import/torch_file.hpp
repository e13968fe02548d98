// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/import/weights_file.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace plat::detail {

/// Tensors of a file that torch.save wrote, in today's layout or that before torch 1.6: its largest table of tensors, also where that is nested
/// as in {"model": …}. Read as data; no code of the file is run. The result looks into `bytes`. Throws ModelError
/// beginning with `path` for a file that is damaged, or asks for anything but tensors.
std::map<std::string, StoredTensor> read_torch_file(std::span<const std::byte> bytes, const std::string& path);

}  // namespace plat::detail
