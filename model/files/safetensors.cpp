// SPDX-License-Identifier: Apache-2.0
#include "model/files/safetensors.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace plat {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

// The format's own limit.
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kLengthBytes = 8;
// Tensors begin at a multiple of this, so that a mapped file can be used in place.
constexpr std::size_t kAlignment = 8;

struct TypeName {
  TensorType type;
  std::string_view name;
  int64_t bytes;
};
constexpr TypeName kTypes[] = {{TensorType::Float32, "F32", 4},
                               {TensorType::Float16, "F16", 2},
                               {TensorType::BFloat16, "BF16", 2},
                               {TensorType::Int64, "I64", 8}};

const TypeName& info_of(TensorType type) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeName& t) { return t.type == type; });
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw ModelError(path + ": not a valid safetensors file: " + what + "; download or write it again");
}

/// Elements of a shape, unset where the number does not fit.
std::optional<int64_t> element_count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t side : shape) {
    if (side < 0 || __builtin_mul_overflow(count, side, &count)) return std::nullopt;
  }
  return count;
}

/// json keeps the last of two equal keys; the format forbids them.
json parse_header(const std::string& path, std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  json header;
  try {
    header = json::parse(text, watch);
  } catch (const json::exception&) {
    damaged(path, "its header is no JSON");
  }
  if (!twice.empty()) damaged(path, "its header names '" + twice + "' twice");
  if (!header.is_object()) damaged(path, "its header is no JSON object");
  return header;
}

struct Place {
  uint64_t begin, end;
  std::string name;
};

TensorView parse_tensor(const std::string& path, const std::string& name, const json& entry, Place& place) {
  TensorView view;
  std::string type;
  try {
    type = entry.at("dtype").get<std::string>();
    for (const auto& side : entry.at("shape")) {
      if (!side.is_number_unsigned()) damaged(path, "the shape of '" + name + "' is no list of sizes");
      view.shape.push_back(side.get<int64_t>());
    }
    const auto& offsets = entry.at("data_offsets");
    if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
      damaged(path, "the place of '" + name + "' is no pair of offsets");
    }
    place = {offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>(), name};
  } catch (const json::exception&) {
    damaged(path, "its header says too little about '" + name + "'");
  }
  const auto* known =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeName& t) { return t.name == type; });
  if (known == std::end(kTypes)) {
    throw ModelError(path + ": '" + name + "' has the type " + type + "; convert it to F32, F16, BF16 or I64");
  }
  view.type = known->type;
  const auto count = element_count(view.shape);
  int64_t size = 0;
  if (!count || __builtin_mul_overflow(*count, known->bytes, &size) || place.end < place.begin ||
      place.end - place.begin != static_cast<uint64_t>(size)) {
    damaged(path, "the size of '" + name + "' does not follow from its shape");
  }
  return view;
}

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16U;
  const uint32_t exponent = (half >> 10U) & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 0xFFU : exponent + 112U;
  return std::bit_cast<float>(sign | (wide << 23U) | (fraction << 13U));
}

}  // namespace

int64_t bytes_of(TensorType type) { return info_of(type).bytes; }

struct SafetensorsFile::Impl {
  ~Impl() {
    if (mapped != nullptr) munmap(mapped, size);
  }
  std::string path;
  void* mapped = nullptr;
  std::size_t size = 0;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

SafetensorsFile::SafetensorsFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw IoError(path + ": cannot be opened: " + std::strerror(errno));
  struct stat status {};
  const bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  impl_->size = regular ? static_cast<std::size_t>(status.st_size) : 0;
  if (impl_->size >= kLengthBytes) {
    impl_->mapped = mmap(nullptr, impl_->size, PROT_READ, MAP_PRIVATE, file, 0);
    if (impl_->mapped == MAP_FAILED) impl_->mapped = nullptr;
  }
  close(file);
  if (!regular) throw IoError(path + ": not a file");
  if (impl_->size < kLengthBytes) damaged(path, "it is shorter than a header");
  if (impl_->mapped == nullptr) throw IoError(path + ": cannot be mapped: " + std::strerror(errno));

  const auto* begin = static_cast<const std::byte*>(impl_->mapped);
  uint64_t header_size = 0;
  std::memcpy(&header_size, begin, kLengthBytes);
  if (header_size > kMaxHeader || header_size > impl_->size - kLengthBytes) {
    damaged(path, "its header would be " + std::to_string(header_size) + " bytes long");
  }
  const json header = parse_header(path, {reinterpret_cast<const char*>(begin + kLengthBytes), header_size});
  const std::byte* data = begin + kLengthBytes + header_size;
  const uint64_t data_size = impl_->size - kLengthBytes - header_size;

  std::vector<Place> places;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      try {
        impl_->metadata = entry.get<std::map<std::string, std::string>>();
      } catch (const json::exception&) {
        damaged(path, "its metadata is no list of texts");
      }
      continue;
    }
    Place place{};
    TensorView view = parse_tensor(path, name, entry, place);
    if (place.end > data_size) damaged(path, "'" + name + "' ends beyond the file");
    view.bytes = {data + place.begin, data + place.end};
    impl_->tensors.emplace(name, std::move(view));
    places.push_back(std::move(place));
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  uint64_t covered = 0;
  for (const auto& place : places) {
    if (place.begin < covered) damaged(path, "'" + place.name + "' overlaps another tensor");
    if (place.begin > covered) damaged(path, "there is a gap before '" + place.name + "'");
    covered = place.end;
  }
  if (covered != data_size) damaged(path, "there are bytes behind the last tensor");
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::string& SafetensorsFile::path() const { return impl_->path; }
const std::map<std::string, TensorView>& SafetensorsFile::tensors() const { return impl_->tensors; }
const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return impl_->metadata; }

std::vector<float> float_values(const TensorView& tensor) {
  const auto size = static_cast<std::size_t>(bytes_of(tensor.type));
  std::vector<float> values(tensor.bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::byte* from = tensor.bytes.data() + i * size;
    uint16_t half = 0;
    switch (tensor.type) {
      case TensorType::Float32: std::memcpy(&values[i], from, sizeof(float)); break;
      case TensorType::Float16:
        std::memcpy(&half, from, sizeof(half));
        values[i] = from_half(half);
        break;
      case TensorType::BFloat16:
        std::memcpy(&half, from, sizeof(half));
        values[i] = std::bit_cast<float>(static_cast<uint32_t>(half) << 16U);
        break;
      case TensorType::Int64:
        throw ModelError("a tensor of integers stands where numbers with a fraction are expected");
    }
  }
  return values;
}

void write_safetensors(const std::string& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  // Wider elements first: each tensor then begins at a multiple of its element's size.
  std::vector<const std::pair<const std::string, TensorView>*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return bytes_of(a->second.type) > bytes_of(b->second.type); });
  uint64_t offset = 0;
  for (const auto* entry : order) {
    const TensorView& tensor = entry->second;
    const uint64_t end = offset + tensor.bytes.size();
    header[entry->first] = {
        {"dtype", info_of(tensor.type).name}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');

  StagedPath staged(path);
  std::ofstream out(staged.path(), std::ios::binary | std::ios::trunc);
  const uint64_t header_size = text.size();
  out.write(reinterpret_cast<const char*>(&header_size), sizeof(header_size));
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const auto* entry : order) {
    const auto& bytes = entry->second.bytes;
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  out.close();
  if (!out) throw IoError(path + ": cannot be written; check that the folder exists and has room");
  staged.commit();
}

}  // namespace plat
