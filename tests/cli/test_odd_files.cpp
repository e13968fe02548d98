// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

/// Exit codes of files that do not work, or not in full; all others must work.
const std::map<std::string, int> kEndings = {
    // Damaged or absurd: cannot be opened or read.
    {"byte_buggy_packbits.tif", 3},
    {"byte_truncated.tif", 3},
    {"corrupted_deflate_singlestrip.tif", 3},
    {"corrupted_gtiff_tags.tif", 3},
    {"excessive-memory-TIFFFillTile.tif", 3},
    {"huge4GB.tif", 3},
    {"hugeblocksize.tif", 3},
    {"image_width_above_32bit.tif", 3},
    {"lzw_corrupted.tif", 3},
    {"many_blocks_truncated.tif", 3},
    {"missing_tilebytecounts_and_offsets.tif", 3},
    {"rgbsmall_JXL.tif", 3},  // where GDAL has no such codec
    {"tiled_bad_offset.tif", 3},
    {"toomanyblocks.tif", 3},
    // A damaged block in an otherwise good file.
    {"corrupt.tif", 6},
    // Georeferencing that gives pixels no size on the ground.
    {"epsg4326_3855_geotiff1_1.tif", 4},
    {"epsg4326_geotiff1_1.tif", 4},
    {"tiff_srs_iau_2015_30110.tif", 4},
    // Nothing but nodata.
    {"all-nodata.tif", 4},
    {"bug_6526_input.tif", 4},
    {"inverted_lat.tif", 4},
    {"sparse_tiled_separate.tif", 4},
};

bool is_raster(const fs::path& path) {
  const std::string extension = path.extension();
  return extension == ".tif" || extension == ".tiff" || extension == ".vrt";
}

int64_t occurrences(const std::string& text, const std::string& word) {
  int64_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(odd_files)

BOOST_AUTO_TEST_CASE(every_odd_file_works_or_is_refused_in_one_sentence, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  constexpr int64_t kRam = 2'000'000'000;
  constexpr int64_t kMost = plat::test::with_sanitizer(plat::test::with_sanitizer(kRam) + 100'000'000);
  for (const auto& entry : fs::recursive_directory_iterator(*data / "odd")) {
    if (!is_raster(entry.path())) continue;
    const std::string name = entry.path().filename();
    const plat::test::TemporaryFolder folder;
    std::vector<std::string> arguments = {"extract", entry.path().string(), "-o",    "out.gpkg",
                                          "--model", "threshold",           "--ram", plat::test::ram_argument(kRam)};
    const auto run = plat::test::run_plat(folder, arguments, 120);
    const auto ending = kEndings.find(name);
    const int expected = ending == kEndings.end() ? 0 : ending->second;
    const bool codec_is_there = name == "rgbsmall_JXL.tif" && run.code == 0;
    BOOST_TEST((run.code == expected || codec_is_there), name << " ends with " << run.code << ": " << run.err);
    BOOST_TEST(occurrences(run.err, "plat: error") == (run.code == 0 ? 0 : 1), name << ": " << run.err);
    BOOST_TEST(occurrences(run.err, "\n") < 12, name << ": " << run.err);
    BOOST_TEST(run.err.find("unexpected") == std::string::npos, name << ": " << run.err);
    BOOST_TEST(fs::exists(folder.path() / "out.gpkg") == (run.code == 0 || run.code == 6), name);
    BOOST_TEST(run.peak_bytes < kMost, name << " took " << run.peak_bytes << " bytes");
  }
}

BOOST_AUTO_TEST_SUITE_END()
