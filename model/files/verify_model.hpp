// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// What a check of a model found in order.
struct VerifiedModel {
  std::string architecture;  ///< "sam-vit" or "sam-tinyvit"
  int64_t tensors = 0;
  int64_t parameters = 0;
  struct File {
    std::string path;
    std::string sha256;
    std::string known_as;  ///< name in the catalogue of the file with this checksum; "" for none
  };
  std::vector<File> files;  ///< of weights
};

/// Reads a model folder, or a file or folder that import_model takes, to its last byte: every tensor that its
/// configuration needs is there with the right shape, no other, and every number is finite. An adapter folder is read with
/// its base, whose tensors and file are counted too. Throws IoError, and ModelError
/// for the first fault; Cancelled.
VerifiedModel verify_model(const std::string& path);

}  // namespace plat
