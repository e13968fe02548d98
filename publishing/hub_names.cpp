// SPDX-License-Identifier: Apache-2.0
#include "publishing/hub_names.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace plat {
namespace {

constexpr std::size_t kMostCharacters = 96;  // the Hub's limit

/// The Hub's rules for each half of a name.
bool is_part(std::string_view part) {
  const bool characters = std::all_of(part.begin(), part.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  const auto edge = [](char c) { return c == '-' || c == '.'; };
  return !part.empty() && characters && !edge(part.front()) && !edge(part.back()) &&
         part.find("--") == std::string_view::npos && part.find("..") == std::string_view::npos &&
         !part.ends_with(".git") && !part.ends_with(".ipynb");
}

}  // namespace

void require_repo_name(const std::string& text, const std::string& option) {
  const std::size_t slash = text.find('/');
  const bool good = text.size() <= kMostCharacters && slash != std::string::npos &&
                    is_part(std::string_view(text).substr(0, slash)) &&
                    is_part(std::string_view(text).substr(slash + 1));
  if (good) return;
  throw UsageError(option + ": '" + text +
                   "' is no name of a repository; write user/name with letters, digits, '-', '_' and '.', 96 "
                   "characters at most");
}

bool is_hub_licence(const std::string& text) {
  // https://huggingface.co/docs/hub/repositories-licenses
  static const std::set<std::string, std::less<>> known = {"apache-2.0",
                                                           "mit",
                                                           "openrail",
                                                           "bigscience-openrail-m",
                                                           "creativeml-openrail-m",
                                                           "bigscience-bloom-rail-1.0",
                                                           "bigcode-openrail-m",
                                                           "afl-3.0",
                                                           "artistic-2.0",
                                                           "bsl-1.0",
                                                           "bsd",
                                                           "bsd-2-clause",
                                                           "bsd-3-clause",
                                                           "bsd-3-clause-clear",
                                                           "c-uda",
                                                           "cc",
                                                           "cc0-1.0",
                                                           "cc-by-2.0",
                                                           "cc-by-2.5",
                                                           "cc-by-3.0",
                                                           "cc-by-4.0",
                                                           "cc-by-sa-3.0",
                                                           "cc-by-sa-4.0",
                                                           "cc-by-nc-2.0",
                                                           "cc-by-nc-3.0",
                                                           "cc-by-nc-4.0",
                                                           "cc-by-nd-4.0",
                                                           "cc-by-nc-nd-3.0",
                                                           "cc-by-nc-nd-4.0",
                                                           "cc-by-nc-sa-2.0",
                                                           "cc-by-nc-sa-3.0",
                                                           "cc-by-nc-sa-4.0",
                                                           "cdla-sharing-1.0",
                                                           "cdla-permissive-1.0",
                                                           "cdla-permissive-2.0",
                                                           "wtfpl",
                                                           "ecl-2.0",
                                                           "epl-1.0",
                                                           "epl-2.0",
                                                           "etalab-2.0",
                                                           "eupl-1.1",
                                                           "eupl-1.2",
                                                           "agpl-3.0",
                                                           "gfdl",
                                                           "gpl",
                                                           "gpl-2.0",
                                                           "gpl-3.0",
                                                           "lgpl",
                                                           "lgpl-2.1",
                                                           "lgpl-3.0",
                                                           "isc",
                                                           "intel-research",
                                                           "lppl-1.3c",
                                                           "ms-pl",
                                                           "mpl-2.0",
                                                           "odc-by",
                                                           "odbl",
                                                           "osl-3.0",
                                                           "postgresql",
                                                           "ofl-1.1",
                                                           "ncsa",
                                                           "unlicense",
                                                           "zlib",
                                                           "pddl",
                                                           "other"};
  return known.contains(text);
}

std::string slug(const std::string& text) {
  std::string out;
  for (const char c : lower(text)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.';
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "none" : out;
}

}  // namespace plat
