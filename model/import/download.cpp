// SPDX-License-Identifier: Apache-2.0
#include "model/import/download.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

namespace plat::detail {
namespace {

constexpr int kAttempts = 4;
constexpr int kMaxRedirects = 8;
constexpr std::size_t kMaxText = 16 << 20;
constexpr long kOk = 200, kPartial = 206, kFirstError = 400, kRangeNotSatisfiable = 416, kServerError = 500;

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FileDeleter {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Headers {
  std::string etag, linked_etag, linked_size, commit;
};

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* to) {
  const std::string_view line(data, size * count);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  const std::string name = lower(line.substr(0, colon));
  std::string value = trim(line.substr(colon + 1));
  if (value.starts_with("W/")) value.erase(0, 2);
  std::erase(value, '"');
  auto& headers = *static_cast<Headers*>(to);
  if (name == "etag") headers.etag = value;
  if (name == "x-linked-etag") headers.linked_etag = value;
  if (name == "x-linked-size") headers.linked_size = value;
  if (name == "x-repo-commit") headers.commit = value;
  return size * count;
}

int on_progress(void* to, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  const auto& [progress, before] = *static_cast<const std::pair<const Progress*, int64_t>*>(to);
  if (total > 0) report(*progress, static_cast<double>(before + now) / static_cast<double>(before + total));
  return cancel_requested() ? 1 : 0;
}

/// One request. A handle of curl's, set up as all of ours are.
class Request {
 public:
  Request(std::string url, const std::string& token) : url_(std::move(url)), handle_(curl_easy_init()) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!handle_ || ready != CURLE_OK) throw IoError(url_ + ": libcurl cannot be started");
    set(CURLOPT_URL, url_.c_str());
    set(CURLOPT_USERAGENT, "plat");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, 30L);
    // A server that sends nothing for a minute has gone.
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, 60L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_MAXREDIRS, static_cast<long>(kMaxRedirects));
    set(CURLOPT_ERRORBUFFER, reason_);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&headers));
    // curl keeps a header of this name from other hosts when it is redirected.
    if (!token.empty()) list_.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + token).c_str()));
    if (list_) set(CURLOPT_HTTPHEADER, list_.get());
  }

  template <typename T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(handle_.get(), option, value);
  }

  template <typename T>
  T get(CURLINFO info) const {
    T value{};
    curl_easy_getinfo(handle_.get(), info, &value);
    return value;
  }

  CURLcode perform() {
    const CURLcode result = curl_easy_perform(handle_.get());
    throw_if_cancelled();
    return result;
  }

  long status() const { return get<long>(CURLINFO_RESPONSE_CODE); }

  [[noreturn]] void fail(CURLcode result) const {
    if (result == CURLE_OK || result == CURLE_HTTP_RETURNED_ERROR) {
      const long code = status();
      const char* advice = code == 401 || code == 403 ? "; the address needs a token: set HF_TOKEN" : "";
      throw IoError(url_ + ": the server answered " + std::to_string(code) + advice);
    }
    const std::string reason = reason_[0] != '\0' ? reason_ : curl_easy_strerror(result);
    throw IoError(url_ + ": cannot be loaded: " + reason + "; check the network and try again");
  }

  Headers headers;

 private:
  std::string url_;
  std::unique_ptr<CURL, EasyDeleter> handle_;
  std::unique_ptr<curl_slist, ListDeleter> list_;
  char reason_[CURL_ERROR_SIZE] = {};
};

std::string host_of(const std::string& url) {
  const auto begin = url.find("://");
  return begin == std::string::npos ? "" : url.substr(0, url.find('/', begin + 3));
}

/// Where a download goes on.
struct Target {
  Request* request;
  std::FILE* file;
  int64_t before;  ///< bytes that were there already
  bool begun = false;
  bool failed = false;
};

std::size_t on_data(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& target = *static_cast<Target*>(to);
  const long status = target.request->status();
  if (status >= kFirstError) return size * count;  // the page that explains the error
  if (!target.begun && target.before > 0 && status != kPartial) {
    // The server sends all of it again.
    std::rewind(target.file);
    if (std::fflush(target.file) != 0 || ftruncate(fileno(target.file), 0) != 0) target.failed = true;
  }
  target.begun = true;
  if (!target.failed && std::fwrite(data, size, count, target.file) != count) target.failed = true;
  return target.failed ? 0 : size * count;
}

std::size_t on_text(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + size * count > kMaxText) return 0;
  text.append(data, size * count);
  return size * count;
}

/// True where it is complete; false where another attempt may go on. Throws where it is of no use.
bool attempt(const std::string& url, const std::string& path, const std::string& token, const Progress& progress,
             bool last) {
  const std::unique_ptr<std::FILE, FileDeleter> file(std::fopen(path.c_str(), "ab+"));
  if (!file) throw IoError(path + ": cannot be written; check that the folder is writable");
  std::fseek(file.get(), 0, SEEK_END);
  const auto before = static_cast<int64_t>(std::ftell(file.get()));
  Request request(url, token);
  Target target{&request, file.get(), before};
  const std::pair<const Progress*, int64_t> state{&progress, before};
  request.set(CURLOPT_FOLLOWLOCATION, 1L);
  request.set(CURLOPT_WRITEFUNCTION, &on_data);
  request.set(CURLOPT_WRITEDATA, static_cast<void*>(&target));
  request.set(CURLOPT_NOPROGRESS, 0L);
  request.set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  request.set(CURLOPT_XFERINFODATA, static_cast<const void*>(&state));
  const std::string range = std::to_string(before) + "-";
  if (before > 0) request.set(CURLOPT_RANGE, range.c_str());
  const CURLcode result = request.perform();
  if (target.failed || std::fflush(file.get()) != 0)
    throw IoError(path + ": cannot be written; check that there is room");
  const long status = request.status();
  if (result == CURLE_OK && status < kFirstError) return true;
  if (status == kRangeNotSatisfiable && before > 0) {
    // What is there is not the beginning of what the server has.
    std::filesystem::resize_file(path, 0);
    return false;
  }
  const bool hopeless = status >= kFirstError && status < kServerError;
  if (last || hopeless) request.fail(result);
  return false;
}

}  // namespace

RemoteFile inspect_remote(const std::string& url, const std::string& token) {
  std::string at = url;
  for (int redirects = 0; redirects < kMaxRedirects; ++redirects) {
    Request request(at, host_of(at) == host_of(url) ? token : "");
    request.set(CURLOPT_NOBODY, 1L);
    const CURLcode result = request.perform();
    const long status = request.status();
    if (result != CURLE_OK || status >= kFirstError) request.fail(result);
    const Headers& h = request.headers;
    RemoteFile file;
    file.commit = h.commit;
    file.etag = h.linked_etag.empty() ? h.etag : h.linked_etag;
    file.bytes = h.linked_size.empty() ? request.get<curl_off_t>(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
                                       : static_cast<int64_t>(std::strtoll(h.linked_size.c_str(), nullptr, 10));
    const char* next = request.get<char*>(CURLINFO_REDIRECT_URL);
    // The Hub says all before it sends its visitors to the store of large files.
    if (next == nullptr || !h.linked_etag.empty()) return file;
    at = next;
  }
  throw IoError(url + ": is redirected again and again");
}

std::string download_text(const std::string& url, const std::string& token) {
  Request request(url, token);
  std::string text;
  request.set(CURLOPT_FOLLOWLOCATION, 1L);
  request.set(CURLOPT_WRITEFUNCTION, &on_text);
  request.set(CURLOPT_WRITEDATA, static_cast<void*>(&text));
  const CURLcode result = request.perform();
  if (result != CURLE_OK || request.status() != kOk) request.fail(result);
  return text;
}

void download_file(const std::string& url, const std::string& path, const std::string& token,
                   const Progress& progress) {
  for (int i = 1; i <= kAttempts; ++i) {
    if (attempt(url, path, token, progress, i == kAttempts)) return report(progress, 1);
  }
  throw IoError(url + ": cannot be loaded; try again later");
}

}  // namespace plat::detail
