// SPDX-License-Identifier: Apache-2.0
// The main function of every test: Boost.Test's own has no exit code for a case that could not run.
#include "tests/support/test_data.hpp"

int main(int argc, char** argv) {
  const auto name_suite = [] {
    boost::unit_test::framework::master_test_suite().p_name.value = PLAT_TEST_NAME;
    return true;
  };
  const int result = boost::unit_test::unit_test_main(name_suite, argc, argv);
  return result == 0 && plat::test::skip_called ? plat::test::kSkipCode : result;
}
