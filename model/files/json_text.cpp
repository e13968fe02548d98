// SPDX-License-Identifier: Apache-2.0
#include "model/files/json_text.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace plat::detail {
namespace fs = std::filesystem;
namespace {

// Texts of a model folder are a few kilobytes; anything longer is not one.
constexpr std::uintmax_t kMaxTextBytes = 16 << 20;

}  // namespace

nlohmann::json read_json(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) throw ModelError(path + ": cannot be read; a model folder needs this file");
  if (size > kMaxTextBytes)
    throw ModelError(path + ": is too long for a model's " + fs::path(path).filename().string());
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception&) {
    throw ModelError(path + ": is not valid JSON");
  }
}

void write_json(const std::string& path, const nlohmann::json& value) { write_whole_file(path, value.dump(2) + '\n'); }

}  // namespace plat::detail
