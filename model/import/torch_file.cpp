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

class TorchFile {
 public:
  TorchFile(std::span<const std::byte> bytes, const std::string& path) : path_(path), entries_(read_zip(bytes, path)) {
    constexpr std::string_view kTable = "data.pkl";
    for (const auto& [name, entry] : entries_) {
      if (name == kTable || name.ends_with("/data.pkl")) root_ = name.substr(0, name.size() - kTable.size());
    }
    const auto table = entries_.find(root_ + std::string(kTable));
    if (table == entries_.end()) fail("is a zip archive, but not one of torch.save: it has no data.pkl");
    if (entries_.contains(root_ + "constants.pkl")) {
      fail("is a TorchScript program, not a table of tensors; save its state_dict() with torch.save");
    }
    const auto order = entries_.find(root_ + "byteorder");
    if (order != entries_.end() && text_of(order->second) == "big") {
      fail("was written on a big-endian machine; save it again on another one");
    }
    if (table->second.bytes.size() > kMaxPickleBytes) fail("has a table of tensors of absurd length");
    check(table->first, table->second);
    pickle_ = read_pickle(table->second.bytes, allowed_globals(), path_);
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

  static std::string_view text_of(const ZipEntry& entry) {
    return {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()};
  }

  void check(const std::string& name, const ZipEntry& entry) const {
    if (crc32(entry.bytes) != entry.crc) damaged("the checksum of its part '" + name + "' is wrong");
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
    // ("storage", its type, its entry's name, the device that it was on, its number of elements)
    const auto& parts = pickle_.at(value.items[0]).items;
    if (parts.size() != 5 || pickle_.at(parts[1]).kind != Kind::Global || pickle_.at(parts[2]).kind != Kind::Text ||
        pickle_.at(parts[4]).kind != Kind::Integer) {
      wrong();
    }
    const std::string& global = pickle_.at(parts[1]).text;
    const auto* type = std::find_if(std::begin(kStorages), std::end(kStorages),
                                    [&](const StorageType& known) { return known.global == global; });
    if (type == std::end(kStorages)) wrong();
    const auto entry = entries_.find(root_ + "data/" + pickle_.at(parts[2]).text);
    if (entry == entries_.end()) damaged("the numbers of '" + name + "' are missing");
    const int64_t elements = pickle_.at(parts[4]).integer;
    int64_t size = 0;
    if (elements < 0 || __builtin_mul_overflow(elements, type->bytes, &size) ||
        static_cast<uint64_t>(size) != entry->second.bytes.size()) {
      damaged("the storage of '" + name + "' has another size than its table says");
    }
    throw_if_cancelled();
    if (checked_.insert(entry->first).second) check(entry->first, entry->second);
    return {*type, elements, entry->second.bytes};
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
  std::map<std::string, ZipEntry> entries_;
  std::string root_;
  PickleValues pickle_;
  std::set<std::string> checked_;
};

/// torch before 1.6 wrote a pickle of this number first.
bool is_old_format(std::span<const std::byte> bytes) {
  constexpr unsigned char kMagic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
  return bytes.size() > sizeof kMagic + 2 && std::memcmp(bytes.data() + 2, kMagic, sizeof kMagic) == 0;
}

}  // namespace

std::map<std::string, StoredTensor> read_torch_file(std::span<const std::byte> bytes, const std::string& path) {
  if (is_old_format(bytes)) {
    throw ModelError(path +
                     ": has the layout of torch before 1.6; convert it in Python with a newer torch: "
                     "torch.save(torch.load(FILE, weights_only=True), NEW_FILE)");
  }
  if (!looks_like_zip(bytes)) {
    throw ModelError(path + ": neither safetensors nor a file of torch.save; check that it was downloaded whole");
  }
  return TorchFile(bytes, path).tensors();
}

}  // namespace plat::detail
