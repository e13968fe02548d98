// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// Element types of a safetensors file that plat reads.
enum class TensorType { Float32, Float16, BFloat16, Int64 };

/// Bytes of one element.
int64_t bytes_of(TensorType type);

/// A tensor of a file, as the file has it: little-endian, rows first.
struct TensorView {
  TensorType type = TensorType::Float32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A safetensors file (https://github.com/huggingface/safetensors), open for reading. The file is mapped, not read:
/// only what is looked at takes memory. Throws IoError where the file cannot be opened and ModelError where it breaks a
/// rule of the format: a header that is too long, is no JSON or names a tensor twice; a type that plat does not read; a
/// size that does not follow from the shape; tensors that overlap, leave gaps or end beyond the file. Reading from
/// several threads is safe.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::string& path() const;
  /// By name; the bytes live as long as this object.
  const std::map<std::string, TensorView>& tensors() const;
  const std::map<std::string, std::string>& metadata() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Values of a floating-point tensor as float32. Throws ModelError for integers.
std::vector<float> float_values(const TensorView& tensor);

/// Writes a safetensors file with the tensors in the order of their names, to a temporary name first, then renamed; the
/// same input gives the same bytes. Throws IoError.
void write_safetensors(const std::string& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace plat
