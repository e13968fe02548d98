// SPDX-License-Identifier: Apache-2.0
#include "model/files/safetensors.hpp"

#include "core/error.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace plat {
namespace {

template <typename T>
TensorView view_of(TensorType type, std::vector<int64_t> shape, const std::vector<T>& values) {
  return {type, std::move(shape), std::as_bytes(std::span(values))};
}

/// Writes a file from a header and data as they are, right or wrong.
void write_raw(const std::string& path, const std::string& header, const std::string& data, int64_t claimed = -1) {
  const uint64_t size = claimed < 0 ? header.size() : static_cast<uint64_t>(claimed);
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&size), sizeof(size));
  out << header << data;
}

std::string message_of(const std::string& path) {
  try {
    const SafetensorsFile file(path);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const test::TemporaryFolder folder;
  std::mt19937 random(1);
  std::vector<float> weights(3 * 5);
  for (float& value : weights) value = std::normal_distribution<float>()(random);
  const std::vector<int64_t> counts = {7};
  const std::vector<uint16_t> halves = {0x3C00, 0xC000, 0x0001};
  const std::map<std::string, TensorView> tensors = {
      {"b.weight", view_of(TensorType::Float32, {3, 5}, weights)},
      {"a.count", view_of(TensorType::Int64, {}, counts)},
      {"c", view_of(TensorType::Float16, {3}, halves)},
      {"empty", view_of(TensorType::Float32, {0, 4}, std::vector<float>())}};
  const std::string path = folder.file("model.safetensors");
  write_safetensors(path, tensors, {{"format", "pt"}, {"note", "quote \" and line\nbreak"}});
  const SafetensorsFile file(path);
  BOOST_TEST(file.metadata().at("note") == "quote \" and line\nbreak");
  BOOST_TEST(file.tensors().size() == tensors.size());
  for (const auto& [name, expected] : tensors) {
    const TensorView& found = file.tensors().at(name);
    BOOST_TEST((found.type == expected.type));
    BOOST_TEST(found.shape == expected.shape);
    BOOST_TEST(found.bytes.size() == expected.bytes.size());
    BOOST_TEST(std::equal(found.bytes.begin(), found.bytes.end(), expected.bytes.begin()));
  }
  BOOST_TEST(float_values(file.tensors().at("b.weight")) == weights);
  const std::string again = folder.file("again.safetensors");
  write_safetensors(again, file.tensors(), file.metadata());
  const auto bytes = [](const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  BOOST_TEST(bytes(path) == bytes(again));
}

BOOST_AUTO_TEST_CASE(writers_of_one_file_leave_a_whole_one_and_nothing_else) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("out.safetensors"), mine = path + ".part";
  std::ofstream(mine) << "mine";
  const auto write = [&path](float value) {
    const std::vector<float> values(100'000, value);
    for (int i = 0; i < 20; ++i) write_safetensors(path, {{"all", view_of(TensorType::Float32, {100'000}, values)}});
  };
  {
    const std::jthread other(write, 1.0F);
    write(2.0F);
  }
  const SafetensorsFile file(path);
  const std::vector<float> values = float_values(file.tensors().at("all"));
  BOOST_TEST((std::ranges::count(values, values.front()) == 100'000));
  std::ifstream in(mine);
  BOOST_TEST(std::string(std::istreambuf_iterator<char>(in), {}) == "mine");
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

BOOST_AUTO_TEST_CASE(every_half_has_the_value_that_ieee_754_gives_it) {
  std::vector<uint16_t> all(1 << 16);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const auto values = float_values(view_of(TensorType::Float16, {1 << 16}, all));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int exponent = static_cast<int>((i >> 10U) & 31U);
    const auto fraction = static_cast<float>(i & 1023U);
    float expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) expected = fraction == 0 ? std::numeric_limits<float>::infinity() : std::nanf("");
    if (i >= 0x8000) expected = -expected;
    const bool same = std::isnan(expected) ? std::isnan(values[i]) : values[i] == expected;
    BOOST_TEST_REQUIRE(same, "half " << i << " became " << values[i]);
    BOOST_TEST_REQUIRE(std::signbit(values[i]) == (i >= 0x8000));
  }
  const std::vector<uint16_t> brain = {0x3F80, 0xC040, 0x0000};
  BOOST_TEST(float_values(view_of(TensorType::BFloat16, {3}, brain)) == (std::vector<float>{1, -3, 0}));
}

BOOST_AUTO_TEST_CASE(each_broken_rule_is_named) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const std::string good = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  write_raw(path, good, "1234");
  BOOST_TEST(message_of(path) == "");
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {good, "123", "ends beyond the file"},
      {good, "12345", "behind the last tensor"},
      {"[1]", "", "no JSON object"},
      {"{", "", "no JSON"},
      {"", "", "no JSON"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "1234", "'a' twice"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", "1234", "F8_E4M3"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234", "does not follow"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "1234", "does not follow"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,1],"data_offsets":[0,0]}})", "", "does not follow"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234", "no list of sizes"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "1234", "no pair"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", "1234", "too little about 'a'"},
      {R"({"a":7})", "1234", "too little about 'a'"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[1],"data_offsets":[2,4]}})",
       "1234", "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       "123456789012", "gap before 'b'"},
      {R"({"__metadata__":{"n":1}})", "", "metadata"}};
  for (const auto& [header, data, expected] : cases) {
    write_raw(path, header, data);
    const std::string message = message_of(path);
    BOOST_TEST(message.find(expected) != std::string::npos, header << ": " << message);
    BOOST_TEST(message.starts_with(path));
  }
  write_raw(path, good, "1234", 1'000'000);
  BOOST_TEST(message_of(path).find("1000000 bytes long") != std::string::npos);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << "abc";
  BOOST_TEST(message_of(path).find("shorter than a header") != std::string::npos);
  BOOST_CHECK_THROW(SafetensorsFile(folder.file("absent")), IoError);
  BOOST_CHECK_THROW(SafetensorsFile(folder.path().string()), IoError);
}

BOOST_AUTO_TEST_CASE(no_damage_crashes_the_reader) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const std::vector<float> values = {1, 2, 3, 4};
  write_safetensors(path, {{"a", view_of(TensorType::Float32, {2, 2}, values)}}, {{"format", "pt"}});
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  std::mt19937 random(2);
  BOOST_TEST_MESSAGE("seed 2");
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    const auto changes = 1 + random() % 4;
    for (unsigned i = 0; i < changes; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    if (round % 3 == 0) damaged.resize(random() % damaged.size());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    try {
      const SafetensorsFile file(path);
      for (const auto& [name, tensor] : file.tensors()) {
        if (tensor.type != TensorType::Int64) float_values(tensor);
      }
    } catch (const ModelError&) {
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
