// SPDX-License-Identifier: Apache-2.0
#include "model/import/catalogue.hpp"

#include <nlohmann/json.hpp>

namespace plat {
namespace detail {

/// data/catalogue/models.json, from a file that CMake writes (catalogue_text.cpp.in).
extern const char* const kCatalogueText;

}  // namespace detail

const std::vector<CatalogueEntry>& catalogue() {
  static const std::vector<CatalogueEntry> entries = [] {
    std::vector<CatalogueEntry> list;
    const auto content = nlohmann::json::parse(detail::kCatalogueText);
    for (const auto& item : content.at("models")) {
      const auto text = [&](const char* key) { return item.value(key, std::string()); };
      list.push_back({text("name"), text("title"), text("licence"), text("source"), text("url"), text("hub"),
                      text("sha256"), item.value("bytes", int64_t{0})});
    }
    return list;
  }();
  return entries;
}

std::optional<CatalogueEntry> find_by_sha256(const std::string& sha256) {
  for (const CatalogueEntry& entry : catalogue()) {
    if (!entry.sha256.empty() && entry.sha256 == sha256) return entry;
  }
  return std::nullopt;
}

}  // namespace plat
