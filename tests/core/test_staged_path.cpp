// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/staged_path.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace fs = std::filesystem;
using plat::StagedPath;

namespace {

struct Folder {
  Folder() : path(fs::temp_directory_path() / ("plat-staged-" + std::to_string(getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  fs::path path;
};

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(staged_path, Folder)

BOOST_AUTO_TEST_CASE(a_file_has_its_name_only_when_it_is_committed) {
  const std::string target = *this / "out.tif";
  write(target, "before");
  {
    StagedPath staged(target);
    BOOST_TEST(fs::path(staged.path()).parent_path() == path);
    BOOST_TEST(fs::path(staged.path()).extension() == ".tif");
    write(staged.path(), "half");
  }
  BOOST_TEST(read(target) == "before");
  BOOST_TEST(entries() == 1u);
  StagedPath staged(target);
  write(staged.path(), "whole");
  BOOST_TEST(read(target) == "before");
  staged.commit();
  BOOST_TEST(read(target) == "whole");
  BOOST_TEST(entries() == 1u);
}

BOOST_AUTO_TEST_CASE(a_whole_file_replaces_an_earlier_one_or_leaves_it) {
  plat::write_whole_file(*this / "a.json", "one");
  plat::write_whole_file(*this / "a.json", "two");
  BOOST_TEST(read(*this / "a.json") == "two");
  BOOST_CHECK_THROW(plat::write_whole_file(*this / "no/a.json", "x"), plat::IoError);
  fs::create_directories(*this / "folder/inside");
  BOOST_CHECK_THROW(plat::write_whole_file(*this / "folder", "x"), plat::IoError);
  BOOST_TEST(entries() == 2u);
}

BOOST_AUTO_TEST_CASE(two_of_one_target_have_two_names) {
  const std::string target = *this / "out.gpkg";
  StagedPath a(target), b(target);
  BOOST_TEST(a.path() != b.path());
  write(a.path(), "a");
  write(b.path(), "b");
  a.commit();
  BOOST_TEST(read(target) == "a");
  b.commit();
  BOOST_TEST(read(target) == "b");
}

BOOST_AUTO_TEST_CASE(a_folder_is_exchanged_whole) {
  const std::string target = *this / "model/";
  fs::create_directories(target);
  write(target + "old", "1");
  StagedPath staged(target, StagedPath::Kind::Folder);
  write(staged.path() + "/new", "2");
  BOOST_TEST(fs::exists(target + "old"));
  staged.commit();
  BOOST_TEST(!fs::exists(target + "old"));
  BOOST_TEST(read(target + "new") == "2");
  BOOST_TEST(entries() == 1u);
  { const StagedPath given_up(target, StagedPath::Kind::Folder); }
  BOOST_TEST(entries() == 1u);
}

BOOST_AUTO_TEST_CASE(what_a_killed_process_left_is_removed_by_the_next_and_nothing_else) {
  const std::string target = *this / "out.tif";
  const pid_t child = fork();
  if (child == 0) {
    const StagedPath file(target), folder(target, StagedPath::Kind::Folder);
    write(file.path(), "half");
    write(folder.path() + "/inside", "half");
    _exit(0);  // as if killed: no destructor runs
  }
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_TEST(entries() == 2u);
  const StagedPath running(target);  // removes them
  BOOST_TEST(entries() == 0u);
  write(running.path(), "in work");
  for (const char* name : {"out.partial.tif", "out.tif.part", ".out.plat-mine.tif", ".out.plat-abcdef-x-1.tif"}) {
    write(*this / name, "a user's");
  }
  const StagedPath next(target);
  BOOST_TEST(entries() == 5u);
}

BOOST_AUTO_TEST_CASE(a_link_stays_and_its_file_is_replaced) {
  fs::create_directories(*this / "disk");
  fs::create_symlink("disk/out.tif", *this / "out.tif");
  StagedPath staged(*this / "out.tif");
  write(staged.path(), "new");
  staged.commit();
  BOOST_TEST(fs::is_symlink(*this / "out.tif"));
  BOOST_TEST(read(*this / "disk/out.tif") == "new");
}

BOOST_AUTO_TEST_CASE(names_may_be_as_long_as_the_system_allows) {
  StagedPath staged(*this / (std::string(251, 'n') + ".tif"));
  write(staged.path(), "x");
  staged.commit();
  BOOST_TEST(entries() == 1u);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_missing_is_an_error) {
  BOOST_CHECK_THROW(StagedPath(*this / "no/out", StagedPath::Kind::Folder), plat::IoError);
  StagedPath staged(*this / "out");
  BOOST_CHECK_THROW(staged.commit(), plat::IoError);  // nothing was written
}

BOOST_AUTO_TEST_CASE(files_are_the_same_by_identity) {
  const std::string file = *this / "a.tif";
  write(file, "x");
  fs::create_hard_link(file, *this / "hard.tif");
  fs::create_symlink(file, *this / "soft.tif");
  for (const char* name : {"a.tif", "./a.tif", "hard.tif", "soft.tif", "../"}) {
    const std::string other =
        name == std::string("../") ? (path / ".." / path.filename() / "a.tif").string() : *this / name;
    BOOST_TEST(plat::same_file(file, other), other);
  }
  write(*this / "b.tif", "x");
  BOOST_TEST(!plat::same_file(file, *this / "b.tif"));
  BOOST_TEST(plat::same_file(*this / "none", *this / "./none"));
  BOOST_TEST(!plat::same_file(*this / "none", file));
  BOOST_TEST(plat::lies_in(file, path.string()));
  BOOST_TEST(plat::lies_in(*this / "x/y/none", *this / "x/"));
  BOOST_TEST(plat::lies_in(*this / "x", *this / "x"));
  BOOST_TEST(!plat::lies_in(*this / "xy", *this / "x"));
}

BOOST_AUTO_TEST_SUITE_END()
