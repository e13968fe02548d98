// SPDX-License-Identifier: Apache-2.0
#include "model/import/torch_file.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "model/import/pickle.hpp"
#include "model/import/zip_archive.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace plat::detail {
namespace {

using Kind = PickleValue::Kind;
using Type = StoredTensor::Type;

// A table of a thousand tensors takes 200 kB.
constexpr std::size_t kMaxPickleBytes = 16 << 20;
constexpr std::size_t kMaxDimensions = 8;

struct StorageType {
  std::string_view global;
  Type type;
  int64_t bytes;
};
constexpr StorageType kStorages[] = {
    {"torch.FloatStorage", Type::Float32, 4},     {"torch.HalfStorage", Type::Float16, 2},
    {"torch.BFloat16Storage", Type::BFloat16, 2}, {"torch.DoubleStorage", Type::Float64, 8},
    {"torch.LongStorage", Type::Other, 8},        {"torch.IntStorage", Type::Other, 4},
    {"torch.ShortStorage", Type::Other, 2},       {"torch.CharStorage", Type::Other, 1},
    {"torch.ByteStorage", Type::Other, 1},        {"torch.BoolStorage", Type::Other, 1}};
constexpr std::string_view kTensors[] = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"};
constexpr std::string_view kParameters[] = {"torch._utils._rebuild_parameter",
                                            "torch._utils._rebuild_parameter_with_state"};
constexpr std::string_view kSize = "torch.Size";

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::set<std::string> allowed_globals() {
  std::set<std::string> names = {"collections.OrderedDict", std::string(kSize)};
  names.insert(std::begin(kTensors), std::end(kTensors));
  names.insert(std::begin(kParameters), std::end(kParameters));
  for (const auto& storage : kStorages) names.emplace(storage.global);
  return names;
}

/// torch before 1.6 wrote a pickle of this number first, here behind the protocol.
constexpr std::size_t kProtocolBytes = 2;
constexpr unsigned char kOldMagic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

bool is_old_format(std::span<const std::byte> bytes) {
  return bytes.size() > kProtocolBytes + sizeof kOldMagic &&
         std::memcmp(bytes.data() + kProtocolBytes, kOldMagic, sizeof kOldMagic) == 0;
}

class TorchFile {
 public:
  TorchFile(std::span<const std::byte> bytes, const std::string& path) : path_(path) {
    is_old_format(bytes) ? open_old(bytes) : open_archive(bytes);
  }

  std::map<std::string, StoredTensor> tensors() {
    std::map<std::string, StoredTensor> result;
    const auto& items = pickle_.at(largest_table()).items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const PickleValue& key = pickle_.at(items[i]);
      const PickleValue* call = key.kind == Kind::Text ? tensor_call(items[i + 1]) : nullptr;
      if (call != nullptr) result[key.text] = tensor(key.text, *call);
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw ModelError(path_ + ": " + what); }
  [[noreturn]] void damaged(const std::string& what) const { fail(what + "; download or write it again"); }

  /// Numbers of a storage as they lie in the file.
  struct Numbers {
    std::span<const std::byte> bytes;
    std::string part;             ///< of the archive, where they are one
    std::optional<uint32_t> crc;  ///< where the file states one that is not checked yet
  };

  void open_archive(std::span<const std::byte> bytes) {
    const std::map<std::string, ZipEntry> entries = read_zip(bytes, path_);
    constexpr std::string_view kTable = "data.pkl";
    std::string root;
    for (const auto& [name, entry] : entries) {
      if (name == kTable || name.ends_with("/data.pkl")) root = name.substr(0, name.size() - kTable.size());
    }
    const auto table = entries.find(root + std::string(kTable));
    if (table == entries.end()) fail("is a zip archive, but not one of torch.save: it has no data.pkl");
    if (entries.contains(root + "constants.pkl")) {
      fail("is a TorchScript program, not a table of tensors; save its state_dict() with torch.save");
    }
    const auto order = entries.find(root + "byteorder");
    if (order != entries.end() && text_of(order->second) == "big") {
      fail("was written on a big-endian machine; save it again on another one");
    }
    if (table->second.bytes.size() > kMaxPickleBytes) fail("has a table of tensors of absurd length");
    check(table->first, table->second.bytes, table->second.crc);
    pickle_ = read_pickle(table->second.bytes, allowed_globals(), path_);
    const std::string data = root + "data/";
    for (const auto& [name, entry] : entries) {
      if (name.starts_with(data)) numbers_[name.substr(data.size())] = {entry.bytes, name, entry.crc};
    }
  }

  /// The layout before torch 1.6: a magic number, the version, what machine it was, the table, the names of the storages, each
  /// a pickle; then each storage behind the number of its elements, in that order.
  void open_old(std::span<const std::byte> bytes) {
    std::span<const std::byte> rest = bytes.subspan(kProtocolBytes + sizeof kOldMagic);
    const auto next = [&] {
      PickleValues read = read_pickle(rest.first(std::min(rest.size(), kMaxPickleBytes)), allowed_globals(), path_);
      rest = rest.subspan(read.length);
      return read;
    };
    next();
    const PickleValues machine = next();
    const auto& about = machine.at(machine.root).items;
    for (std::size_t i = 0; i + 1 < about.size(); i += 2) {
      const PickleValue& order = machine.at(about[i + 1]);
      if (machine.at(about[i]).text == "little_endian" && order.kind == Kind::Boolean && order.integer == 0)
        fail("was written on a big-endian machine; save it again on another one");
    }
    pickle_ = next();
    std::map<std::string, int64_t> element_bytes;
    for (const PickleValue& value : pickle_.values) {
      const auto& parts = value.kind == Kind::Persistent ? pickle_.at(value.items[0]).items : value.items;
      if (value.kind != Kind::Persistent || parts.size() < 3) continue;
      const auto* type = storage_type(pickle_.at(parts[1]).text);
      if (type != nullptr) element_bytes[pickle_.at(parts[2]).text] = type->bytes;
    }
    const PickleValues keys = next();
    for (const uint32_t key : keys.at(keys.root).items) {
      const auto size = element_bytes.find(keys.at(key).text);
      int64_t count = 0, length = 0;
      if (size == element_bytes.end() || rest.size() < sizeof count) damaged("it ends before its numbers");
      std::memcpy(&count, rest.data(), sizeof count);
      rest = rest.subspan(sizeof count);
      if (count < 0 || __builtin_mul_overflow(count, size->second, &length) ||
          static_cast<uint64_t>(length) > rest.size())
        damaged("it ends before its numbers");
      numbers_[size->first] = {rest.first(static_cast<std::size_t>(length)), {}, {}};
      rest = rest.subspan(static_cast<std::size_t>(length));
    }
  }

  static const StorageType* storage_type(std::string_view global) {
    const auto* type = std::find_if(std::begin(kStorages), std::end(kStorages),
                                    [&](const StorageType& known) { return known.global == global; });
    return type == std::end(kStorages) ? nullptr : type;
  }

  static std::string_view text_of(const ZipEntry& entry) {
    return {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()};
  }

  void check(const std::string& name, std::span<const std::byte> bytes, uint32_t crc) const {
    if (crc32(bytes) != crc) damaged("the checksum of its part '" + name + "' is wrong");
  }

  const std::string& callee(const PickleValue& call) const { return pickle_.at(call.items[0]).text; }
  const PickleValue& arguments(const PickleValue& call) const { return pickle_.at(call.items[1]); }

  /// The call that makes a tensor, also below the one that makes a parameter of it; null for other values.
  const PickleValue* tensor_call(uint32_t index) const {
    const PickleValue* value = &pickle_.at(index);
    if (value->kind == Kind::Call && is_one_of(callee(*value), kParameters) && !arguments(*value).items.empty()) {
      value = &pickle_.at(arguments(*value).items[0]);
    }
    return value->kind == Kind::Call && is_one_of(callee(*value), kTensors) ? value : nullptr;
  }

  /// Training programs put the network beside the optimizer's state, whose tables are small ones; of equal tables (a
  /// network and its running mean) the first counts.
  uint32_t largest_table() const {
    std::vector<bool> seen(pickle_.values.size());
    std::vector<uint32_t> waiting = {pickle_.root};
    seen[pickle_.root] = true;
    uint32_t best = pickle_.root;
    std::size_t most = 0;
    for (std::size_t next = 0; next < waiting.size(); ++next) {
      const PickleValue& value = pickle_.at(waiting[next]);
      if (value.kind != Kind::Dict) continue;
      std::size_t count = 0;
      for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
        const uint32_t item = value.items[i + 1];
        if (pickle_.at(value.items[i]).kind == Kind::Text && tensor_call(item) != nullptr) ++count;
        if (!seen[item]) waiting.push_back(item);
        seen[item] = true;
      }
      if (count > most) best = waiting[next];
      most = std::max(most, count);
    }
    if (most == 0) fail("holds no table of tensors by name; save the network's state_dict() with torch.save");
    return best;
  }

  /// A tuple of sizes, also as a torch.Size.
  std::vector<int64_t> sizes(uint32_t index, const std::string& name) const {
    const PickleValue* value = &pickle_.at(index);
    if (value->kind == Kind::Call && callee(*value) == kSize && !arguments(*value).items.empty()) {
      value = &pickle_.at(arguments(*value).items[0]);
    }
    std::vector<int64_t> result;
    bool good = value->kind == Kind::Tuple && value->items.size() <= kMaxDimensions;
    if (good) {
      for (const uint32_t item : value->items) {
        good = good && pickle_.at(item).kind == Kind::Integer && pickle_.at(item).integer >= 0;
        result.push_back(pickle_.at(item).integer);
      }
    }
    if (!good) damaged("the shape of '" + name + "' is no list of sizes");
    return result;
  }

  struct Storage {
    StorageType type;
    int64_t elements;
    std::span<const std::byte> bytes;
  };

  Storage storage(uint32_t index, const std::string& name) {
    const PickleValue& value = pickle_.at(index);
    const auto wrong = [&] { damaged("the storage of '" + name + "' is not described as torch.save does it"); };
    if (value.kind != Kind::Persistent || pickle_.at(value.items[0]).kind != Kind::Tuple) wrong();
    // ("storage", its type, its entry's name, the device that it was on, its number of elements), and in old files a view of it
    const auto& parts = pickle_.at(value.items[0]).items;
    if ((parts.size() != 5 && parts.size() != 6) || pickle_.at(parts[1]).kind != Kind::Global ||
        pickle_.at(parts[2]).kind != Kind::Text || pickle_.at(parts[4]).kind != Kind::Integer ||
        (parts.size() == 6 && pickle_.at(parts[5]).kind != Kind::None)) {
      wrong();
    }
    const StorageType* type = storage_type(pickle_.at(parts[1]).text);
    if (type == nullptr) wrong();
    const auto numbers = numbers_.find(pickle_.at(parts[2]).text);
    if (numbers == numbers_.end()) damaged("the numbers of '" + name + "' are missing");
    const int64_t elements = pickle_.at(parts[4]).integer;
    int64_t size = 0;
    if (elements < 0 || __builtin_mul_overflow(elements, type->bytes, &size) ||
        static_cast<uint64_t>(size) != numbers->second.bytes.size()) {
      damaged("the storage of '" + name + "' has another size than its table says");
    }
    throw_if_cancelled();
    if (const auto crc = std::exchange(numbers->second.crc, std::nullopt))
      check(numbers->second.part, numbers->second.bytes, *crc);
    return {*type, elements, numbers->second.bytes};
  }

  StoredTensor tensor(const std::string& name, const PickleValue& call) {
    const auto& parts = arguments(call).items;
    if (parts.size() < 4 || pickle_.at(parts[1]).kind != Kind::Integer) {
      damaged("'" + name + "' is not described as torch.save does it");
    }
    const Storage from = storage(parts[0], name);
    const int64_t offset = pickle_.at(parts[1]).integer;
    StoredTensor result{from.type.type, from.type.bytes, sizes(parts[2], name), sizes(parts[3], name), {}};
    bool good = result.shape.size() == result.strides.size() && offset >= 0 && offset <= from.elements;
    int64_t count = 1, last = offset;
    for (std::size_t i = 0; good && i < result.shape.size(); ++i) {
      int64_t reach = 0;
      good = !__builtin_mul_overflow(count, result.shape[i], &count) &&
             !__builtin_mul_overflow(std::max<int64_t>(result.shape[i] - 1, 0), result.strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    // A tensor with more numbers than its storage repeats them; no network's parameter does.
    if (!good || (count > 0 && last >= from.elements) || count > from.elements) {
      damaged("'" + name + "' reaches beyond its storage");
    }
    result.bytes = from.bytes.subspan(static_cast<std::size_t>(offset * from.type.bytes));
    return result;
  }

  const std::string& path_;
  std::map<std::string, Numbers> numbers_;  ///< of storages, by their names
  PickleValues pickle_;
};

}  // namespace

std::map<std::string, StoredTensor> read_torch_file(std::span<const std::byte> bytes, const std::string& path) {
  if (!is_old_format(bytes) && !looks_like_zip(bytes)) {
    throw ModelError(path + ": neither safetensors nor a file of torch.save; check that it was downloaded whole");
  }
  return TorchFile(bytes, path).tensors();
}

}  // namespace plat::detail
