// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/image.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "core/thread_budget.hpp"
#include "core/window.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(core)

BOOST_AUTO_TEST_CASE(windows_are_half_open) {
  const plat::Window window{2, 3, 4, 5};
  BOOST_TEST(window.contains(2, 3));
  BOOST_TEST(!window.contains(6, 3));
  BOOST_TEST(!window.contains(2, 8));
  BOOST_TEST(plat::intersect(window, {6, 3, 1, 1}).empty());
  BOOST_TEST((plat::intersect(window, {0, 0, 4, 4}) == plat::Window{2, 3, 2, 1}));
}

BOOST_AUTO_TEST_CASE(images_are_planar_and_crop_exactly) {
  plat::Image<int> image(3, 2, 2);
  int value = 0;
  for (int& pixel : std::span(image.data(), image.size())) pixel = value++;
  BOOST_TEST(image.at(2, 1, 1) == 11);
  const auto part = plat::crop(image, {1, 0, 2, 2});
  BOOST_TEST(part.at(0, 1, 0) == 4);
  BOOST_TEST(part.at(1, 1, 1) == 11);
}

BOOST_AUTO_TEST_CASE(memory_is_read_as_people_write_it) {
  BOOST_TEST(plat::parse_memory("2048") == 2'048'000'000);
  BOOST_TEST(plat::parse_memory("1.5GB") == 1'500'000'000);
  BOOST_TEST(plat::parse_memory("512 MB") == 512'000'000);
  BOOST_TEST(plat::parse_memory("50%") == plat::total_memory() / 2, boost::test_tools::tolerance(0.01));
  for (const char* wrong : {"", "x", "-3", "0", "12 bananas"}) {
    BOOST_CHECK_THROW(plat::parse_memory(wrong), plat::UsageError);
  }
  BOOST_TEST(plat::format_memory(1'400'000'000) == "1.4 GB");
  BOOST_TEST(plat::parse_memory("1e30") > 0);
  BOOST_TEST(plat::peak_resident_memory() >= plat::resident_memory() / 2);
  BOOST_TEST(plat::peak_resident_memory() < plat::total_memory());
}

BOOST_AUTO_TEST_CASE(numbers_must_be_numbers) {
  BOOST_TEST(plat::parse_numbers("1,2.5,-3", "--bbox") == (std::vector<double>{1, 2.5, -3}),
             boost::test_tools::per_element());
  BOOST_CHECK_THROW(plat::parse_numbers("1,,2", "--bbox"), plat::UsageError);
  BOOST_CHECK_THROW(plat::parse_numbers("nan", "--bbox"), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(a_stop_request_ends_the_next_check) {
  plat::reset_cancel();
  BOOST_CHECK_NO_THROW(plat::throw_if_cancelled());
  plat::request_cancel();
  BOOST_CHECK_THROW(plat::throw_if_cancelled(), plat::Cancelled);
  plat::reset_cancel();
}

BOOST_AUTO_TEST_CASE(a_budget_has_at_least_one_thread) {
  BOOST_TEST(plat::ThreadBudget::make(0).total >= 1);
  BOOST_TEST(plat::ThreadBudget::make(3).total == 3);
  BOOST_TEST(plat::ThreadBudget::make(3).inference == 3);
  BOOST_TEST(plat::ThreadBudget::make(3, true).total == 3);
  BOOST_TEST(plat::ThreadBudget::make(3, true).inference == 1);
  BOOST_CHECK_THROW(plat::ThreadBudget::make(100'000'000), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
