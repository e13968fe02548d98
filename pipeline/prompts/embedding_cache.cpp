// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/embedding_cache.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "core/staged_path.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace plat {
namespace fs = std::filesystem;
namespace {

constexpr std::array<char, 8> kMagic = {'P', 'L', 'A', 'T', 'E', 'M', 'B', '1'};
constexpr const char* kExtension = ".emb";
/// A file under a temporary name that nobody has touched for so long was left by a program that was killed.
constexpr std::chrono::hours kAbandoned{1};
/// No tile's embedding is larger; a damaged header must not ask for all memory.
constexpr int64_t kLargestSide = 1 << 16;

/// A 64-bit FNV-1a hash, eight bytes a step where there are as many: it tells damage and names files, no more.
uint64_t hash_of(std::span<const char> bytes, uint64_t seed = 0xcbf29ce484222325U) {
  constexpr uint64_t kPrime = 0x100000001b3U;
  uint64_t hash = seed;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 29;
  }
  for (; i < bytes.size(); ++i) hash = (hash ^ static_cast<unsigned char>(bytes[i])) * kPrime;
  return hash;
}

template <typename T>
void put(std::string& out, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// Takes values off the front of what is left of a file.
class Bytes {
 public:
  explicit Bytes(std::span<const char> bytes) : bytes_(bytes) {}
  template <typename T>
  bool get(T& value) {
    return get_all(std::span<T>(&value, 1));
  }
  template <typename T>
  bool get_all(std::span<T> values) {
    if (bytes_.size() < values.size_bytes()) return false;
    std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_ = bytes_.subspan(values.size_bytes());
    return true;
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::span<const char> bytes_;
};

std::string encode(const std::string& key, const CachedTile& tile) {
  std::string out(kMagic.begin(), kMagic.end());
  put(out, static_cast<uint64_t>(key.size()));
  out += key;
  for (const int64_t n : {tile.embedding.width(), tile.embedding.height(), tile.embedding.bands(), tile.valid.width(),
                          tile.valid.height()}) {
    put(out, n);
  }
  out.append(reinterpret_cast<const char*>(tile.embedding.data()), tile.embedding.size() * sizeof(float));
  std::vector<uint8_t> bits((tile.valid.size() + 7) / 8);
  for (std::size_t i = 0; i < tile.valid.size(); ++i) {
    if (tile.valid.data()[i] != 0) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (1U << (i % 8)));
  }
  out.append(reinterpret_cast<const char*>(bits.data()), bits.size());
  put(out, hash_of(out));
  return out;
}

std::optional<CachedTile> decode(const std::string& file, const std::string& key) {
  if (file.size() < kMagic.size() + sizeof(uint64_t)) return std::nullopt;
  const std::span<const char> content(file.data(), file.size() - sizeof(uint64_t));
  uint64_t checksum = 0;
  std::memcpy(&checksum, file.data() + content.size(), sizeof(checksum));
  if (checksum != hash_of(content)) return std::nullopt;
  Bytes bytes(content);
  std::array<char, 8> magic{};
  uint64_t key_size = 0;
  if (!bytes.get(magic) || magic != kMagic || !bytes.get(key_size) || key_size != key.size()) return std::nullopt;
  std::string stored(key.size(), ' ');
  if (!bytes.get_all(std::span(stored.data(), stored.size())) || stored != key) return std::nullopt;
  std::array<int64_t, 5> n{};
  if (!bytes.get_all(std::span<int64_t>(n))) return std::nullopt;
  if (std::ranges::any_of(n, [](int64_t side) { return side < 1 || side > kLargestSide; })) return std::nullopt;
  const auto pixels = static_cast<std::size_t>(n[3] * n[4]);
  const auto values = static_cast<std::size_t>(n[0] * n[1]) * static_cast<std::size_t>(n[2]);
  if (bytes.size() / sizeof(float) < values || bytes.size() != values * sizeof(float) + (pixels + 7) / 8) {
    return std::nullopt;
  }
  CachedTile tile{Image<float>(n[0], n[1], n[2]), Image<uint8_t>(n[3], n[4])};
  std::vector<uint8_t> bits((pixels + 7) / 8);
  bytes.get_all(std::span(tile.embedding.data(), values));
  bytes.get_all(std::span<uint8_t>(bits));
  for (std::size_t i = 0; i < pixels; ++i) tile.valid.data()[i] = (bits[i / 8] >> (i % 8)) & 1U;
  return tile;
}

struct Entry {
  fs::path path;
  int64_t bytes = 0;
  fs::file_time_type used;
};

}  // namespace

struct EmbeddingCache::Impl {
  Impl(std::string where, int64_t limit) : folder(std::move(where)), limit_bytes(limit) {}

  fs::path path_of(const std::string& key) const {
    std::array<char, 40> name{};
    std::snprintf(name.data(), name.size(), "%016llx%016llx%s", static_cast<unsigned long long>(hash_of(key)),
                  static_cast<unsigned long long>(hash_of(key, 0x9e3779b97f4a7c15U)), kExtension);
    return fs::path(folder) / name.data();
  }

  void warn_once(const std::string& reason) {
    if (warned.exchange(true)) return;
    log_warning(folder + ": embeddings cannot be kept there (" + reason +
                "); the next run computes them again. Pass --cache with a folder that can be written, or --no-cache.");
  }

  /// What is there, the longest unused first.
  std::vector<Entry> entries() const {
    std::vector<Entry> found;
    std::error_code error;
    for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
      std::error_code gone;
      const auto used = file->last_write_time(gone);
      if (gone) continue;
      const std::string name = file->path().filename().string();
      if (name.starts_with('.')) {
        // On its way to its name, or left behind on another machine.
        if (fs::file_time_type::clock::now() - used > kAbandoned) fs::remove(file->path(), gone);
      } else if (name.ends_with(kExtension)) {
        const auto bytes = file->file_size(gone);
        if (!gone) found.push_back({file->path(), static_cast<int64_t>(bytes), used});
      }
    }
    std::ranges::sort(found, [](const Entry& a, const Entry& b) { return a.used < b.used; });
    return found;
  }

  /// Makes room for so many bytes more.
  void make_room(int64_t bytes) {
    const std::vector<Entry> all = entries();
    int64_t total = bytes;
    for (const Entry& entry : all) total += entry.bytes;
    for (const Entry& entry : all) {
      if (total <= limit_bytes) break;
      std::error_code ignored;
      fs::remove(entry.path, ignored);
      total -= entry.bytes;
    }
  }

  std::string folder;
  int64_t limit_bytes;
  std::mutex writing;
  std::atomic<bool> warned{false};
};

EmbeddingCache::EmbeddingCache(std::string folder, int64_t limit_bytes)
    : impl_(std::make_unique<Impl>(std::move(folder), limit_bytes)) {}
EmbeddingCache::~EmbeddingCache() = default;

const std::string& EmbeddingCache::folder() const { return impl_->folder; }

std::optional<CachedTile> EmbeddingCache::load(const std::string& key) const {
  const fs::path path = impl_->path_of(key);
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::optional<CachedTile> tile = decode(file, key);
  std::error_code ignored;
  if (tile) {
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  } else {
    log_debug(path.string() + ": damaged, or of something else; it is made again");
  }
  return tile;
}

bool EmbeddingCache::contains(const std::string& key) const {
  std::error_code error;
  return fs::is_regular_file(impl_->path_of(key), error);
}

void EmbeddingCache::store(const std::string& key, const CachedTile& tile) {
  const std::string file = encode(key, tile);
  const auto bytes = static_cast<int64_t>(file.size());
  if (bytes > impl_->limit_bytes) return;
  const std::lock_guard lock(impl_->writing);
  std::error_code error;
  fs::create_directories(impl_->folder, error);
  if (error) return impl_->warn_once(error.message());
  impl_->make_room(bytes);
  try {
    write_whole_file(impl_->path_of(key).string(), file);
  } catch (const IoError& failure) {
    impl_->warn_once(failure.what());
  }
}

std::string default_embedding_folder() {
  const auto named = [](const char* variable) {
    const char* value = std::getenv(variable);
    return fs::path(value != nullptr ? value : "");
  };
  // The XDG specification says that relative paths are to be ignored.
  fs::path base = named("XDG_CACHE_HOME");
  if (!base.is_absolute() && named("HOME").is_absolute()) base = named("HOME") / ".cache";
  std::error_code error;
  if (!base.is_absolute()) base = fs::temp_directory_path(error);
  return (base / "plat" / "embeddings").string();
}

}  // namespace plat
