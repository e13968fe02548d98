// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"

#include <cstdint>
#include <string>

namespace plat::detail {

/// What a server says of a file before it is loaded.
struct RemoteFile {
  int64_t bytes = -1;  ///< -1 where the server does not say
  std::string etag;    ///< without quotes; on the Hugging Face Hub the SHA-256 of a large file
  std::string commit;  ///< on the Hub, the revision that the file belongs to
};

/// Asks for the headers of a file. `token` goes to the first host only, never to one that it redirects to. Throws IoError
/// naming the address and the server's answer.
RemoteFile inspect_remote(const std::string& url, const std::string& token = "");

/// The text at an address, of at most 16 MiB. Throws as inspect_remote.
std::string download_text(const std::string& url, const std::string& token = "");

/// Loads a file. What is already in `path` is the file's beginning, and only the rest is asked for; a server that cannot
/// continue sends all of it again. Throws IoError, leaving what came so far for the next attempt; Cancelled.
void download_file(const std::string& url, const std::string& path, const std::string& token, const Progress& progress);

}  // namespace plat::detail
