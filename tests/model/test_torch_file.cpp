// SPDX-License-Identifier: Apache-2.0
#include "model/import/torch_file.hpp"

#include "core/error.hpp"
#include "model/import/pickle.hpp"
#include "model/import/zip_archive.hpp"
#include "tests/model/import/torch_writer.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace plat {
namespace {

using detail::StoredTensor;
using test::int_op;
using test::one_tensor;
using test::pickle_of;
using test::text_op;
using test::torch_file_of;
using test::tuple_op;

std::map<std::string, StoredTensor> read(const std::string& bytes) {
  return detail::read_torch_file(std::as_bytes(std::span(bytes)), "x.pth");
}

/// What reading complains of; "" where it does not.
std::string complaint(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "";
}

std::string complaint_of_pickle(const std::string& pickle) { return complaint(torch_file_of(pickle)); }

/// The tensor's numbers, row by row.
std::vector<float> values(const std::string& bytes, const std::string& name = "a") {
  std::vector<std::byte> buffer;
  return float_values(detail::packed(read(bytes).at(name), detail::Precision::Kept, buffer, "x"));
}

bool contains(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("the message: " << text);
  return text.find(part) != std::string::npos;
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(torch_file)

BOOST_AUTO_TEST_CASE(the_checksum_is_that_of_zip) {
  const std::string text = "123456789";  // the check value of every CRC catalogue
  BOOST_TEST(detail::crc32(std::as_bytes(std::span(text))) == 0xCBF43926U);
  BOOST_TEST(detail::crc32({}) == 0U);
}

BOOST_AUTO_TEST_CASE(strides_and_offsets_are_honoured) {
  BOOST_TEST(values(torch_file_of(one_tensor())) == (std::vector<float>{0, 1, 2, 3, 4, 5}));
  const std::string transposed = tuple_op(int_op(1) + int_op(2)), shape = tuple_op(int_op(2) + int_op(3));
  BOOST_TEST(values(torch_file_of(one_tensor({.shape = shape, .strides = transposed}))) ==
             (std::vector<float>{0, 2, 4, 1, 3, 5}));
  const std::string two = tuple_op(int_op(2));
  BOOST_TEST(values(torch_file_of(one_tensor({.offset = 1, .shape = two, .strides = tuple_op(int_op(3))}))) ==
             (std::vector<float>{1, 4}));
  BOOST_TEST(values(torch_file_of(one_tensor({.offset = 5, .shape = ")", .strides = ")"}))) == (std::vector<float>{5}));
}

BOOST_AUTO_TEST_CASE(the_largest_table_of_a_nested_file_is_taken) {
  const std::string tensor = test::tensor_op({});
  const std::string inner = "}(" + text_op("b") + tensor + text_op("c") + tensor + "u";
  const std::string file = torch_file_of(
      pickle_of("}(" + text_op("epoch") + int_op(3) + text_op("x") + tensor + text_op("model") + inner + "u"));
  BOOST_TEST(read(file).size() == 2U);
  BOOST_TEST(read(file).contains("c"));
}

BOOST_AUTO_TEST_CASE(code_in_a_pickle_is_refused_by_name_and_does_not_run) {
  const test::TemporaryFolder folder;
  const std::string trace = folder.file("ran");
  for (const char* module : {"os", "posix", "nt"}) {
    const std::string attack = test::global_op(module, "system") + tuple_op(text_op("touch " + trace)) + "R";
    BOOST_TEST(contains(complaint_of_pickle(pickle_of(attack)), std::string(module) + ".system"));
    const std::string hidden = "}" + text_op("a") + attack + "s";
    BOOST_TEST(contains(complaint_of_pickle(pickle_of(hidden)), "nothing of it was run"));
  }
  const std::string stacked = text_op("builtins") + text_op("eval") + "\x93" + tuple_op(text_op("1")) + "R";
  BOOST_TEST(contains(complaint_of_pickle(pickle_of(stacked)), "builtins.eval"));
  BOOST_TEST(contains(complaint_of_pickle(pickle_of(test::global_op("torch.storage", "_load_from_bytes"))),
                      "_load_from_bytes"));
  BOOST_TEST(!std::filesystem::exists(trace));
}

BOOST_AUTO_TEST_CASE(other_files_get_a_sentence_of_their_own) {
  BOOST_TEST(contains(complaint("<!DOCTYPE html>"), "neither safetensors nor a file of torch.save"));
  BOOST_TEST(contains(complaint(""), "neither safetensors"));
  BOOST_TEST(contains(complaint(test::zip_of({{"readme.txt", "x"}})), "no data.pkl"));
  BOOST_TEST(contains(complaint(test::zip_of({{"a/data.pkl", one_tensor()}}, 8)), "compressed"));
  BOOST_TEST(contains(complaint(test::zip_of({{"a/data.pkl", one_tensor()}, {"a/byteorder", "big"}})), "big-endian"));
  BOOST_TEST(contains(complaint(test::zip_of({{"a/data.pkl", one_tensor()}, {"a/constants.pkl", ""}})), "TorchScript"));
  BOOST_TEST(contains(complaint_of_pickle(pickle_of("}")), "no table of tensors"));
  BOOST_TEST(contains(complaint_of_pickle(pickle_of(int_op(3))), "no table of tensors"));
}

BOOST_AUTO_TEST_CASE(a_damaged_file_in_the_layout_of_old_torches_is_refused_or_read) {
  std::ifstream in(std::string(PLAT_SOURCE_DIR) + "/tests/model/import/efficient_net.pth", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  BOOST_TEST(read(whole).contains("_conv_stem.weight"));
  for (std::size_t length = 15; length < whole.size(); length += 1 + length / 9) {
    BOOST_TEST(contains(complaint(whole.substr(0, length)), "x.pth: "));
  }
  BOOST_TEST(contains(complaint(whole.substr(0, whole.size() - 1)), "ends before its numbers"));
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    damaged[15 + random() % 12000] = static_cast<char>(random());
    complaint(damaged);  // no other kind of error, and nothing read beyond the file
  }
  std::string big = whole;
  big[big.find("little_endian") + 15] = '\x89';
  BOOST_TEST(contains(complaint(big), "big-endian"));
}

BOOST_AUTO_TEST_CASE(tensors_that_reach_beyond_their_storage_are_refused) {
  const std::string huge = "\x8a\x08" + test::raw<int64_t>(int64_t{1} << 62);
  const std::vector<test::TensorText> bad = {
      {.offset = 1},
      {.offset = -1},
      {.elements = 7},
      {.elements = 5},
      {.shape = tuple_op(int_op(3) + int_op(3))},
      {.shape = tuple_op(int_op(-2) + int_op(-3))},
      {.shape = tuple_op(huge + huge)},
      {.shape = tuple_op(huge + int_op(2)), .strides = tuple_op(int_op(0) + int_op(0))},
      {.strides = tuple_op(huge + huge)},
      {.strides = tuple_op(int_op(-1) + int_op(1))},
      {.strides = tuple_op(int_op(1))},
      {.shape = text_op("shape")},
      {.shape = tuple_op(repeated(int_op(1), 1000)), .strides = tuple_op(repeated(int_op(1), 1000))},
      // One number read a million times.
      {.shape = tuple_op(int_op(1000) + int_op(1000)), .strides = tuple_op(int_op(0) + int_op(0))},
      {.key = "7"},
      {.key = "../data.pkl"},
      {.storage = "HalfStorage"}};
  for (const auto& tensor : bad) BOOST_TEST(contains(complaint_of_pickle(one_tensor(tensor)), "download or write it"));
}

BOOST_AUTO_TEST_CASE(bombs_end_with_a_message) {
  // Each of these is short and would be long, deep or endless for a reader that follows it.
  const std::vector<std::string> bombs = {repeated("N", 1'100'000), repeated("(", 100'000), repeated("]", 1'100'000),
                                          repeated("\x94", 10), "]" + repeated("q\x01h\x01\x85", 100'000) + ".",
                                          // A list in itself, a dictionary in itself.
                                          "]q\1h\1a.", "}q\1" + text_op("a") + "h\1s.",
                                          // A chain of dictionaries, each in the next.
                                          repeated("}", 200'000) + text_op("a") + ".", "r\xff\xff\xff\xff.",
                                          "X\xff\xff\xff\xff.", "\x8d" + test::raw<uint64_t>(~uint64_t{0}) + ".",
                                          "\x8a\xff" + std::string(255, '\x7f') + ".", "]" + repeated("2", 1'000'000),
                                          repeated("}" + text_op("a"), 100'000) + "N" + repeated("s", 100'000) + "."};
  for (const std::string& bomb : bombs) BOOST_TEST(!complaint_of_pickle("\x80\x02" + bomb).empty());
  // The same long list, copied by every constructor.
  const std::string pair = "]" + int_op(1) + "a" + int_op(2) + "a";
  const std::string list = "](" + pair + "q\1" + repeated("h\1", 50'000) + "eq\2";
  const std::string call = test::global_op("collections", "OrderedDict") + "h\2\x85R";
  BOOST_TEST(contains(complaint_of_pickle(pickle_of(list + repeated(call, 1000))), "more than a million"));
}

BOOST_AUTO_TEST_CASE(a_wrong_checksum_is_noticed) {
  std::string file = torch_file_of(one_tensor());
  const auto at = file.find(test::raw(1.0F) + test::raw(2.0F));
  BOOST_TEST_REQUIRE(at != std::string::npos);
  file[at] = static_cast<char>(file[at] ^ 1);
  BOOST_TEST(contains(complaint(file), "checksum of its part 'archive/data/0'"));
}

BOOST_AUTO_TEST_CASE(no_damage_ends_in_anything_but_a_message) {
  const unsigned seed = 4;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const std::string good = torch_file_of(one_tensor());
  for (std::size_t size = 0; size < good.size(); ++size) BOOST_TEST(!complaint(good.substr(0, size)).empty());
  const std::string pickle = one_tensor();
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    // Half of the rounds damage the archive, half the pickle within an archive whose checksums are right.
    std::string bytes = round % 2 == 0 ? good : pickle;
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const std::string text = complaint(round % 2 == 0 ? bytes : torch_file_of(bytes));
    if (!text.empty()) ++refused;
  }
  BOOST_TEST(refused > 10'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
