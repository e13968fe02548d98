// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace plat::test {

/// Marks a case that needs what a machine may lack (data, a tool, a kind of processor): ctest runs such cases of a unit as a
/// test of their own, which it reports as skipped where skip() was called, not as passed.
#define PLAT_IF_PRESENT *boost::unit_test::label("if_present")

/// The exit code of a test that found what it needs missing; ctest knows it by SKIP_RETURN_CODE.
inline constexpr int kSkipCode = 77;
inline bool skip_called = false;
/// Says that the running case, which is marked with PLAT_IF_PRESENT, cannot run here; it returns then.
inline void skip(const std::string& reason) {
  BOOST_TEST_MESSAGE("skipped: " << reason);
  skip_called = true;
}

/// The folder of real imagery beside the checkout (../shared/data), or the one that PLAT_SHARED_DATA names; where it is
/// absent the case is skipped and returns.
inline std::optional<std::filesystem::path> shared_data() {
  const char* named = std::getenv("PLAT_SHARED_DATA");
  const std::filesystem::path folder = named != nullptr
                                           ? std::filesystem::path(named)
                                           : std::filesystem::path(PLAT_SOURCE_DIR) / ".." / "shared" / "data";
  if (std::filesystem::is_directory(folder)) return std::filesystem::canonical(folder);
  skip("no real imagery at " + folder.string() + "; name its folder in PLAT_SHARED_DATA");
  return std::nullopt;
}

/// An empty folder that is removed with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "plat-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace plat::test
