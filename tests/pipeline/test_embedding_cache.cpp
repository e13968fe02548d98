// SPDX-License-Identifier: Apache-2.0
#include "core/log.hpp"
#include "pipeline/prompts/embedding_cache.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using plat::CachedTile;
using plat::EmbeddingCache;

namespace {

CachedTile tile_of(float value) {
  CachedTile tile{plat::Image<float>(5, 4, 3, value), plat::Image<uint8_t>(11, 9, 1, 1)};
  tile.embedding.at(2, 1, 1) = -value;
  tile.valid.at(10, 8) = 0;
  tile.valid.at(3, 2) = 0;
  return tile;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

bool holds(const EmbeddingCache& cache, const std::string& key, const CachedTile& tile) {
  const auto loaded = cache.load(key);
  return loaded && loaded->embedding == tile.embedding && loaded->valid == tile.valid;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(embedding_cache)

BOOST_AUTO_TEST_CASE(what_was_stored_comes_back_under_its_key_only) {
  const plat::test::TemporaryFolder folder;
  EmbeddingCache cache(folder.file("deep/down"), 1'000'000);
  BOOST_TEST(!cache.load("a").has_value());
  cache.store("a", tile_of(1.5F));
  cache.store("b", tile_of(2.5F));
  BOOST_TEST(holds(cache, "a", tile_of(1.5F)));
  BOOST_TEST(holds(cache, "b", tile_of(2.5F)));
  BOOST_TEST(cache.contains("a"));
  BOOST_TEST(!cache.contains("c"));
  BOOST_TEST(!cache.load("c").has_value());
  cache.store("a", tile_of(3));
  BOOST_TEST(holds(EmbeddingCache(folder.file("deep/down"), 1), "a", tile_of(3)));
}

BOOST_AUTO_TEST_CASE(any_damage_makes_an_entry_absent_until_it_is_written_anew) {
  const plat::test::TemporaryFolder folder;
  EmbeddingCache cache(folder.path().string(), 1'000'000);
  cache.store("key", tile_of(1));
  const fs::path path = files_in(folder.path()).front();
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto write = [&](const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write(damaged);
    BOOST_TEST_REQUIRE(!cache.load("key").has_value(), "byte " << i);
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    BOOST_TEST_REQUIRE(!cache.load("key").has_value(), "cut at " << size);
  }
  write(whole + "more");
  BOOST_TEST(!cache.load("key").has_value());
  cache.store("key", tile_of(1));
  BOOST_TEST(holds(cache, "key", tile_of(1)));
}

BOOST_AUTO_TEST_CASE(the_longest_unused_goes_first) {
  const plat::test::TemporaryFolder folder;
  EmbeddingCache unlimited(folder.path().string(), 1'000'000);
  unlimited.store("a", tile_of(1));
  const auto bytes = static_cast<int64_t>(fs::file_size(files_in(folder.path()).front()));
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  EmbeddingCache cache(folder.path().string(), 3 * bytes);
  for (const char* key : {"b", "c"}) {
    pause();
    cache.store(key, tile_of(1));
  }
  pause();
  BOOST_TEST(cache.load("a").has_value());
  pause();
  cache.store("d", tile_of(1));
  BOOST_TEST(!cache.contains("b"));
  for (const char* key : {"a", "c", "d"}) BOOST_TEST(cache.contains(key), key);
  EmbeddingCache small(folder.path().string(), bytes - 1);
  small.store("e", tile_of(1));
  BOOST_TEST(!small.contains("e"));
  BOOST_TEST(files_in(folder.path()).size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_no_error) {
  plat::set_log_level(plat::LogLevel::Error);
  const plat::test::TemporaryFolder folder;
  std::ofstream(folder.file("file")) << "no folder";
  EmbeddingCache cache(folder.file("file"), 1'000'000);
  BOOST_CHECK_NO_THROW(cache.store("a", tile_of(1)));
  BOOST_TEST(!cache.load("a").has_value());
}

BOOST_AUTO_TEST_CASE(many_threads_may_store_and_load) {
  const plat::test::TemporaryFolder folder;
  EmbeddingCache cache(folder.path().string(), 1'000'000);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &wrong] {
      for (int i = 0; i < 50; ++i) {
        const std::string key = std::to_string(i % 5);
        cache.store(key, tile_of(static_cast<float>(i % 5)));
        const auto loaded = cache.load(key);
        if (!loaded || loaded->embedding.at(0, 0) != static_cast<float>(i % 5)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(files_in(folder.path()).size() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
