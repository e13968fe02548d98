// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/memory_ledger.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

namespace {

/// A run of 300 MB and parts that are four tenths of what it may take.
plat::MemoryLedger planned(int64_t allowed) {
  plat::MemoryLedger memory(allowed);
  memory.add("the program", 300'000'000);
  memory.add("its shares", allowed / 10 * 4);
  return memory;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory_ledger)

BOOST_AUTO_TEST_CASE(parts_of_one_name_add_up) {
  plat::MemoryLedger memory(100);
  memory.add("tiles", 30);
  memory.add("rows", 20);
  memory.add("tiles", 10);
  BOOST_TEST(memory.total() == 60);
  BOOST_TEST(memory.left() == 40);
  BOOST_CHECK_NO_THROW(memory.require(""));
}

BOOST_AUTO_TEST_CASE(what_is_named_does_though_parts_are_shares_of_it) {
  const auto total_with = [](int64_t allowed) { return planned(allowed).total(); };
  BOOST_CHECK_EXCEPTION(planned(100'000'000).require(", or less", total_with), plat::UsageError,
                        [&](const plat::UsageError& error) {
                          const std::string text = error.what();
                          const auto at = text.find("Pass --ram ");
                          if (at == std::string::npos) return false;
                          const int64_t named = std::stoll(text.substr(at + 11)) * 1'000'000;
                          BOOST_TEST(named < 600'000'000);
                          BOOST_CHECK_NO_THROW(planned(named).require("", total_with));
                          return true;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
