// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace plat {

/// A tile as the encoder left it, with the pixels of it that are real.
struct CachedTile {
  Image<float> embedding;
  Image<uint8_t> valid;
};

/// Embeddings of tiles on disk, one file each in a folder. A file holds the whole key that it was stored under and a
/// checksum: whatever is damaged or belongs to something else counts as absent and is written anew. Files appear whole
/// under their names. Once they take more than the limit, those that were used longest ago are removed. A folder that
/// cannot be written is no error: what is stored there is lost, and a warning says so once. Thread-safe; several processes
/// may share a folder.
class EmbeddingCache {
 public:
  EmbeddingCache(std::string folder, int64_t limit_bytes);
  ~EmbeddingCache();
  const std::string& folder() const;
  std::optional<CachedTile> load(const std::string& key) const;
  /// Whether `load` would look at a file, which may still turn out to be damaged.
  bool contains(const std::string& key) const;
  void store(const std::string& key, const CachedTile& tile);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Where embeddings are kept unless the user says otherwise: plat/embeddings in XDG_CACHE_HOME, else in ~/.cache, else in
/// the folder for temporary files.
std::string default_embedding_folder();

}  // namespace plat
