// SPDX-License-Identifier: Apache-2.0
#include "model/import/weights_file.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "model/files/mapped_file.hpp"
#include "model/import/torch_file.hpp"

#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

namespace plat::detail {
namespace {

namespace fs = std::filesystem;
using Type = StoredTensor::Type;

constexpr std::uintmax_t kMaxIndexBytes = 64 << 20;

/// The files that an index of shards names.
std::vector<fs::path> shards(const fs::path& index) {
  std::set<std::string> names;
  try {
    if (fs::file_size(index) > kMaxIndexBytes) throw ModelError(index.string() + ": is too long for a list of shards");
    std::ifstream in(index, std::ios::binary);
    const auto content = nlohmann::json::parse(in);
    for (const auto& [tensor, file] : content.at("weight_map").items()) names.insert(file.get<std::string>());
  } catch (const nlohmann::json::exception&) {
    throw ModelError(index.string() + ": is no list of shards (JSON with a 'weight_map'); download it again");
  }
  std::vector<fs::path> files;
  for (const std::string& name : names) {
    // An index names its neighbours; anything else would open files that nobody chose.
    if (name != fs::path(name).filename() || name == "..") {
      throw ModelError(index.string() + ": names a shard outside of its own folder");
    }
    files.push_back(index.parent_path() / name);
  }
  return files;
}

/// The files with the weights of a folder.
std::vector<fs::path> weight_files(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    if (fs::is_regular_file(folder / name)) return {folder / name};
    const fs::path index = folder / (std::string(name) + ".index.json");
    if (fs::is_regular_file(index)) return shards(index);
  }
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string extension = lower(entry.path().extension().string());
    for (const char* known : {".safetensors", ".pth", ".pt", ".bin"}) {
      if (extension == known && entry.is_regular_file()) found.push_back(entry.path());
    }
  }
  if (found.empty()) {
    throw IoError(folder.string() + ": holds no weights; a model folder has model.safetensors or pytorch_model.bin");
  }
  if (found.size() > 1) {
    throw IoError(folder.string() + ": holds several files of weights; name the one to import");
  }
  return found;
}

StoredTensor from_view(const TensorView& view) {
  static constexpr Type kTypes[] = {Type::Float32, Type::Float16, Type::BFloat16, Type::Other};
  StoredTensor tensor{kTypes[static_cast<int>(view.type)], bytes_of(view.type), view.shape, {}, view.bytes};
  tensor.strides.resize(view.shape.size());
  int64_t stride = 1;
  for (std::size_t i = view.shape.size(); i > 0; --i) {
    tensor.strides[i - 1] = stride;
    stride *= view.shape[i - 1];
  }
  return tensor;
}

bool rows_follow_each_other(const StoredTensor& tensor) {
  int64_t stride = 1;
  for (std::size_t i = tensor.shape.size(); i > 0; --i) {
    if (tensor.shape[i - 1] != 1 && tensor.strides[i - 1] != stride) return false;
    stride *= tensor.shape[i - 1];
  }
  return true;
}

/// Copies the elements in the order of their indices.
std::vector<std::byte> gathered(const StoredTensor& tensor, std::size_t count) {
  const auto size = static_cast<std::size_t>(tensor.element_bytes);
  std::vector<std::byte> out(count * size);
  std::vector<int64_t> index(tensor.shape.size());
  int64_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(out.data() + i * size, tensor.bytes.data() + static_cast<std::size_t>(from) * size, size);
    for (std::size_t d = index.size(); d > 0; --d) {
      from += tensor.strides[d - 1];
      if (++index[d - 1] < tensor.shape[d - 1]) break;
      from -= tensor.strides[d - 1] * tensor.shape[d - 1];
      index[d - 1] = 0;
    }
  }
  return out;
}

/// IEEE 754 binary16, rounded to nearest, ties to even; infinity for what is too large.
uint16_t to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16U) & 0x8000U);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x477FF000U) return static_cast<uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Below the normal numbers halves are multiples of 2^-24, and rint rounds ties to even.
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::rint(std::abs(value) * 0x1p24F)));
  }
  const uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13U) & 1U);
  return static_cast<uint16_t>(sign | ((rounded >> 13U) - (112U << 10U)));
}

std::vector<std::byte> as_half(const std::vector<float>& values, const std::string& where) {
  std::vector<std::byte> out(values.size() * sizeof(uint16_t));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = to_half(values[i]);
    if ((half & 0x7FFFU) == 0x7C00U && std::isfinite(values[i])) {
      throw ModelError(where + ": holds a number that float16 cannot; import it without --half");
    }
    std::memcpy(out.data() + i * sizeof(half), &half, sizeof(half));
  }
  return out;
}

}  // namespace

struct WeightsFile::Impl {
  void open(const std::string& path) {
    files.push_back(path);
    if (path.ends_with(".safetensors")) {
      for (const auto& [name, view] : safetensors.emplace_back(path).tensors()) add(name, from_view(view), path);
      return;
    }
    const MappedFile& file = mapped.emplace_back(path);
    for (auto& [name, tensor] : read_torch_file(file.bytes(), path)) add(name, std::move(tensor), path);
  }

  void add(const std::string& name, StoredTensor tensor, const std::string& path) {
    if (!tensors.emplace(name, std::move(tensor)).second) {
      throw ModelError(path + ": has the tensor '" + name + "', which another shard has too");
    }
  }

  std::vector<SafetensorsFile> safetensors;
  std::vector<MappedFile> mapped;
  std::vector<std::string> files;
  std::map<std::string, StoredTensor> tensors;
};

WeightsFile::WeightsFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  std::error_code error;
  if (!fs::exists(path, error)) throw IoError(path + ": no such file or folder");
  if (!fs::is_directory(path)) {
    impl_->open(path);
    return;
  }
  for (const fs::path& file : weight_files(path)) impl_->open(file.string());
}

WeightsFile::~WeightsFile() = default;
WeightsFile::WeightsFile(WeightsFile&&) noexcept = default;
WeightsFile& WeightsFile::operator=(WeightsFile&&) noexcept = default;

const std::map<std::string, StoredTensor>& WeightsFile::tensors() const { return impl_->tensors; }
const std::vector<std::string>& WeightsFile::files() const { return impl_->files; }

TensorView packed(const StoredTensor& tensor, Precision precision, std::vector<std::byte>& buffer,
                  const std::string& where) {
  throw_if_cancelled();
  if (tensor.type == Type::Other) throw ModelError(where + ": holds integers where numbers with a fraction belong");
  std::size_t count = 1;
  for (const int64_t side : tensor.shape) count *= static_cast<std::size_t>(side);
  std::span<const std::byte> bytes = tensor.bytes.first(0);
  if (rows_follow_each_other(tensor) || count == 0) {
    bytes = tensor.bytes.first(count * static_cast<std::size_t>(tensor.element_bytes));
  } else {
    buffer = gathered(tensor, count);
    bytes = buffer;
  }
  TensorView view{TensorType::Float32, tensor.shape, bytes};
  std::vector<float> values;
  if (tensor.type == Type::Float64) {
    values.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      double value = 0;
      std::memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
      values[i] = static_cast<float>(value);
    }
    const auto floats = std::as_bytes(std::span(values));
    buffer.assign(floats.begin(), floats.end());
    view.bytes = buffer;
  } else if (tensor.type == Type::Float16) {
    view.type = TensorType::Float16;
  } else if (tensor.type == Type::BFloat16) {
    view.type = TensorType::BFloat16;
  }
  if (precision == Precision::Half && view.type != TensorType::Float16) {
    buffer = as_half(float_values(view), where);
    view = {TensorType::Float16, tensor.shape, buffer};
  }
  return view;
}

}  // namespace plat::detail
