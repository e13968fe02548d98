// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/gdal_errors.hpp"

#include "core/text.hpp"

#include <cpl_error.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace plat::detail {
namespace {

// A damaged file can give a message for each block; the first ones say it all.
constexpr std::size_t kMaxMessages = 8;
constexpr std::size_t kMaxLength = 240;

void CPL_STDCALL collect(CPLErr kind, CPLErrorNum, const char* message) {
  if (kind != CE_Warning && kind != CE_Failure && kind != CE_Fatal) return;
  static_cast<GdalErrors*>(CPLGetErrorHandlerUserData())->add(kind != CE_Warning, message);
}

std::string one_line(const char* message) {
  std::string line(message);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  line = trim(line);
  while (!line.empty() && line.back() == '.') line.pop_back();
  return line;
}

}  // namespace

GdalErrors::GdalErrors() { CPLPushErrorHandlerEx(collect, this); }

GdalErrors::~GdalErrors() {
  CPLPopErrorHandler();
  CPLErrorReset();
}

void GdalErrors::add(bool failure, const char* message) {
  failed_ = failed_ || failure;
  auto& messages = failure ? failures_ : warnings_;
  std::string line = one_line(message);
  if (messages.size() < kMaxMessages && std::find(messages.begin(), messages.end(), line) == messages.end()) {
    messages.push_back(std::move(line));
  }
}

std::string GdalErrors::text(const std::string& path) const {
  const auto& messages = failures_.empty() ? warnings_ : failures_;
  if (messages.empty()) return "";
  std::string said = messages.front();
  for (const char* end : {": ", ", ", ":"}) {
    if (!path.empty() && said.starts_with(path + end)) said.erase(0, path.size() + std::string_view(end).size());
  }
  if (said.size() > kMaxLength) said = said.substr(0, kMaxLength) + "...";
  return said;
}

std::string GdalErrors::suffix(const std::string& path) const {
  const std::string said = text(path);
  return said.empty() ? "" : " (" + said + ")";
}

bool GdalErrors::lost_data() const {
  // "Invalid" alone is said of tags and attributes too, which hold no pixels: only what decoders say of theirs counts.
  static constexpr std::array<std::string_view, 13> kSigns = {
      "corrupt", "premature",           "truncated",   "not enough",   "read error",    "cannot read", "end of file",
      "bogus",   "invalid progressive", "invalid sos", "invalid code", "invalid block", "decod"};
  return std::any_of(warnings_.begin(), warnings_.end(), [](const std::string& warning) {
    const std::string text = lower(warning);
    return std::any_of(kSigns.begin(), kSigns.end(), [&](auto sign) { return text.find(sign) != std::string::npos; });
  });
}

void GdalErrors::clear() {
  failures_.clear();
  warnings_.clear();
  failed_ = false;
  CPLErrorReset();
}

}  // namespace plat::detail
