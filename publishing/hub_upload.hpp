// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat {

/// Where a folder is uploaded to on the Hugging Face Hub.
struct UploadOptions {
  std::string repo;               ///< organisation/name; made where it does not exist and the client can
  std::string revision = "main";  ///< branch
  std::string message = {};       ///< of the commit
  bool is_private = false;        ///< of a repository that is made
};

/// What was uploaded with, and where it is.
struct UploadResult {
  std::string client;  ///< "hf", "huggingface-cli" or "git"
  std::string url;     ///< of the repository
};

/// The command of the Hub's client that uploads a folder; it holds no secret.
std::vector<std::string> upload_command(const std::string& client, const std::string& folder,
                                        const UploadOptions& options);

/// Uploads a folder: with the Hub's own client where `hf` or `huggingface-cli` lies on PATH, else with git and git-lfs.
/// HF_ENDPOINT (https://huggingface.co) says where; a file:// address is one of plain git repositories. The client finds
/// HF_TOKEN or what HF_HOME holds itself; git is told HF_TOKEN by a helper that reads the environment, for that address
/// only. No token is put on a command line, into an address or a file, and none is shown. Throws IoError saying what failed
/// or what to install; UsageError; Cancelled.
UploadResult upload_folder(const std::string& folder, const UploadOptions& options);

}  // namespace plat
