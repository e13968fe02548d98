// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/safetensors.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace plat::detail {

/// A tensor of a file that another program wrote, as it stands there.
struct StoredTensor {
  enum class Type { Float32, Float16, BFloat16, Float64, Other };
  Type type = Type::Other;
  int64_t element_bytes = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;      ///< in elements
  std::span<const std::byte> bytes;  ///< from the first element; every element lies within
};

/// Weights in whatever layout they were published: torch.save's files (.pth, .pt, .bin), safetensors, or a folder of
/// transformers with one of them, whole or in shards. Files are mapped, so only what is looked at takes memory. Reading
/// from several threads is safe.
class WeightsFile {
 public:
  /// `path` names a file or a folder. Throws IoError where nothing can be opened, ModelError for a file that is damaged
  /// or no table of tensors.
  explicit WeightsFile(const std::string& path);
  ~WeightsFile();
  WeightsFile(WeightsFile&&) noexcept;
  WeightsFile& operator=(WeightsFile&&) noexcept;

  /// By name; the bytes live as long as this object.
  const std::map<std::string, StoredTensor>& tensors() const;
  /// The files that were opened.
  const std::vector<std::string>& files() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How a tensor's numbers are kept: as they are (float64 becomes float32), or all as float16.
enum class Precision { Kept, Half };

/// The tensor with its rows one after the other. `buffer` holds the numbers where they cannot be looked at in place, and
/// must live as long as the result. Throws ModelError beginning with `where` for integers, and for numbers too large for
/// float16.
TensorView packed(const StoredTensor& tensor, Precision precision, std::vector<std::byte>& buffer,
                  const std::string& where);

}  // namespace plat::detail
