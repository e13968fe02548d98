// SPDX-License-Identifier: Apache-2.0
#include "model/import/pull_model.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/staged_path.hpp"
#include "model/files/sha256.hpp"
#include "model/import/catalogue.hpp"
#include "model/import/download.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace plat {
namespace {

constexpr std::chrono::milliseconds kPause{100};

/// Whether an open file still has its name: the run that held it may have given it another one.
bool has_name(int file, const std::string& path) {
  struct stat opened {
  }, named{};
  return fstat(file, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

/// Holds a file that a download grows in, so that of several runs only one appends to it. The file is made where it is
/// missing; a run that ends in any way lets go of it. One thread at a time.
class PartLock {
 public:
  /// Waits until no other run holds the file, and says once that it waits for `shown`. On file systems without locks it
  /// returns at once. Throws IoError where the file cannot be made; Cancelled.
  PartLock(const std::string& path, const std::string& shown);
  ~PartLock();
  PartLock(const PartLock&) = delete;
  PartLock& operator=(const PartLock&) = delete;

 private:
  int file_ = -1;
};

PartLock::PartLock(const std::string& path, const std::string& shown) {
  for (bool said = false;;) {
    throw_if_cancelled();
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) throw IoError(path + ": cannot be written: " + std::strerror(errno) + "; check the folder");
    const bool taken = flock(file_, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR);
    if (!taken && has_name(file_, path)) return;
    close(file_);
    file_ = -1;
    if (!taken) continue;
    if (!said) log_info(shown + ": another run is loading it; waiting for that");
    said = true;
    std::this_thread::sleep_for(kPause);
  }
}

PartLock::~PartLock() { close(file_); }

namespace fs = std::filesystem;
using ProgressMaker = std::function<Progress(const std::string& file)>;

constexpr std::size_t kSha256Digits = 64;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path user_cache() {
  if (const std::string folder = environment("XDG_CACHE_HOME"); !folder.empty()) return folder;
  const std::string home = environment("HOME");
  if (home.empty()) throw IoError("no place for downloads: set HOME, or HF_HOME and XDG_CACHE_HOME");
  return fs::path(home) / ".cache";
}

fs::path hub_cache() {
  if (const std::string folder = environment("HF_HUB_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = environment("HF_HOME"); !folder.empty()) return fs::path(folder) / "hub";
  return user_cache() / "huggingface" / "hub";
}

/// Whether a text of a server's can be a file's name without leading elsewhere.
bool is_plain(std::string_view text) {
  return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError(folder.string() + ": cannot be made: " + error.message());
}

/// Loads a file that appears under its name only when its size and checksum are right. Of several runs one loads it, and the
/// others wait for it.
void fetch(const std::string& url, const fs::path& to, const std::string& token, int64_t bytes,
           const std::string& sha256, const ProgressMaker& progress_for, const std::string& shown) {
  const fs::path part = to.string() + ".incomplete";
  std::error_code error;
  const PartLock lock(part.string(), shown);
  if (fs::exists(to)) {
    fs::remove(part, error);
    return;
  }
  const auto there = static_cast<int64_t>(fs::exists(part) ? fs::file_size(part, error) : 0);
  if (bytes >= 0 && there > bytes) fs::remove(part, error);
  if (bytes < 0 || there != bytes) detail::download_file(url, part.string(), token, progress_for(shown));
  const auto size = static_cast<int64_t>(fs::file_size(part));
  if (bytes >= 0 && size != bytes) {
    fs::remove(part, error);
    throw ModelError(url + ": has " + std::to_string(size) + " bytes instead of " + std::to_string(bytes) +
                     "; the server holds another file than it should, nothing was kept");
  }
  if (!sha256.empty() && sha256_of_file(part.string()) != sha256) {
    fs::remove(part, error);
    throw ModelError(url + ": its SHA-256 is not " + sha256 + "; the file is damaged or another one, nothing was kept");
  }
  fs::rename(part, to, error);
  if (error) throw IoError(to.string() + ": " + error.message());
}

/// A repository of the Hub and its place in the cache of huggingface_hub: blobs by their checksum, and for each revision
/// a folder of links to them.
class Repository {
 public:
  Repository(const std::string& name, ProgressMaker progress_for)
      : progress_for_(std::move(progress_for)), token_(environment("HF_TOKEN")) {
    std::string endpoint = environment("HF_ENDPOINT");
    if (endpoint.empty()) endpoint = "https://huggingface.co";
    while (endpoint.ends_with('/')) endpoint.pop_back();
    address_ = endpoint + "/" + name + "/resolve/main/";
    std::string folder = "models--" + name;
    folder.replace(folder.find('/'), 1, "--");
    root_ = hub_cache() / folder;
  }

  /// Makes sure that a file is there. Throws as pull_model.
  void load(const std::string& file) {
    const detail::RemoteFile remote = detail::inspect_remote(address_ + file, token_);
    if (!is_plain(remote.etag) || !is_plain(remote.commit)) {
      throw IoError(address_ + file + ": is not answered as the Hugging Face Hub does; check HF_ENDPOINT");
    }
    if (commit_.empty()) commit_ = remote.commit;
    if (commit_ != remote.commit) throw IoError(address_ + file + ": changed while it was loaded; try again");
    const fs::path blob = root_ / "blobs" / remote.etag, link = snapshot() / file;
    make_folder(blob.parent_path());
    make_folder(link.parent_path());
    const std::string sum = remote.etag.size() == kSha256Digits ? remote.etag : "";
    if (!fs::exists(blob)) fetch(address_ + file, blob, token_, remote.bytes, sum, progress_for_, file);
    // The link is there at any moment, whatever other runs do.
    const std::string staged = staged_name(link.string());
    std::error_code error;
    fs::create_symlink(fs::path("../../blobs") / remote.etag, staged, error);
    if (error) throw IoError(link.string() + ": cannot be linked: " + error.message());
    replace_path(staged, link.string());
  }

  /// The same, for a file that a repository may do without.
  bool load_if_there(const std::string& file) {
    try {
      load(file);
    } catch (const IoError& error) {
      if (std::string_view(error.what()).ends_with("answered 404")) return false;
      throw;
    }
    return true;
  }

  fs::path snapshot() const { return root_ / "snapshots" / commit_; }

  /// Says which revision is the newest known one.
  void write_reference() const {
    make_folder(root_ / "refs");
    write_whole_file((root_ / "refs" / "main").string(), commit_);
  }

 private:
  ProgressMaker progress_for_;
  std::string token_, address_, commit_;
  fs::path root_;
};

void load_shards(Repository& repository, const fs::path& index) {
  std::set<std::string> names;
  std::ifstream in(index, std::ios::binary);
  const auto content = nlohmann::json::parse(in, nullptr, false);
  if (content.is_object() && content.contains("weight_map") && content["weight_map"].is_object()) {
    for (const auto& item : content["weight_map"]) {
      if (item.is_string()) names.insert(item.get<std::string>());
    }
  }
  for (const std::string& name : names) {
    if (!is_plain(name)) throw ModelError(index.string() + ": names a shard outside of its own folder");
    repository.load(name);
  }
}

std::string pull_repository(const std::string& name, const ProgressMaker& progress_for) {
  Repository repository(name, progress_for);
  repository.load("config.json");
  repository.load_if_there("preprocessor_config.json");
  if (!repository.load_if_there("model.safetensors")) {
    const std::string index = "model.safetensors.index.json";
    if (repository.load_if_there(index)) {
      load_shards(repository, repository.snapshot() / index);
    } else {
      repository.load("pytorch_model.bin");
    }
  }
  repository.write_reference();
  return repository.snapshot().string();
}

/// The folder of an address: files of the same name at two addresses are two files.
std::string folder_of(const std::string& url) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(url)));
  return sum.finish().substr(0, 16);
}

/// A file of any server, into a folder of the cache.
std::string pull_file(const std::string& url, const fs::path& folder, int64_t bytes, const std::string& sha256,
                      const ProgressMaker& progress_for) {
  const std::string file = fs::path(url.substr(0, url.find_first_of("?#"))).filename().string();
  if (!is_plain(file)) throw UsageError(url + ": does not end with the name of a file");
  const fs::path to = folder / file;
  make_folder(folder);
  if (!fs::exists(to)) {
    fetch(url, to, "", bytes, sha256, progress_for, file);
  } else if (!sha256.empty() && sha256_of_file(to.string()) != sha256) {
    throw ModelError(to.string() + ": was loaded earlier, and its SHA-256 is not " + sha256 +
                     "; remove it to load it again");
  }
  return to.string();
}

}  // namespace

std::string pull_model(const std::string& name, const ProgressMaker& progress_for, const std::string& sha256) {
  const auto& entries = catalogue();
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.name == name; });
  if (entry != entries.end() && !entry->url.empty()) {
    return pull_file(entry->url, user_cache() / "plat", entry->bytes, entry->sha256, progress_for);
  }
  if (name.starts_with("https://") || name.starts_with("http://")) {
    return pull_file(name, user_cache() / "plat" / folder_of(name), -1, sha256, progress_for);
  }
  if (!sha256.empty()) throw UsageError("--sha256: goes with the address of a file; the checksums of others are known");
  const auto slash = name.find('/');
  if (slash == std::string::npos || !is_plain(name.substr(0, slash)) || !is_plain(name.substr(slash + 1))) {
    throw UsageError("no public model '" + name + "': it is neither one of plat models list nor a repository of the " +
                     "Hugging Face Hub (organisation/name) nor an address (https://...)");
  }
  return pull_repository(name, progress_for);
}

}  // namespace plat
