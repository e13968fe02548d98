// SPDX-License-Identifier: Apache-2.0
#include "model/import/catalogue.hpp"

#include "core/error.hpp"
#include "model/files/safetensors.hpp"
#include "model/files/sha256.hpp"
#include "model/files/verify_model.hpp"
#include "model/import/import_model.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace plat {
namespace {

std::string sha256(const std::string& text, std::size_t piece) {
  Sha256 sum;
  const auto bytes = std::as_bytes(std::span(text));
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    sum.add(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  return sum.finish();
}

std::string fixture(const std::string& name) { return std::string(PLAT_SOURCE_DIR) + "/tests/model/import/" + name; }

std::string complaint(const std::string& path) {
  try {
    verify_model(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("the message: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(catalogue_of_models)

BOOST_AUTO_TEST_CASE(checksums_are_those_of_fips_180) {
  // The examples of NIST, and the empty text.
  BOOST_TEST(sha256("", 1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  BOOST_TEST(sha256("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56) ==
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1'000'000, 'a');
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{1000}, million.size()}) {
    BOOST_TEST(sha256(million, piece) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

BOOST_AUTO_TEST_CASE(every_entry_says_where_it_comes_from) {
  std::set<std::string> names;
  for (const CatalogueEntry& entry : catalogue()) {
    BOOST_TEST_INFO(entry.name);
    BOOST_TEST(names.insert(entry.name).second);
    BOOST_TEST(!entry.title.empty());
    BOOST_TEST(!entry.licence.empty());
    BOOST_TEST(entry.source.starts_with("https://"));
    BOOST_TEST((entry.url.empty() != entry.hub.empty()));
    BOOST_TEST(
        (entry.url.empty() || (entry.url.starts_with("https://") && entry.sha256.size() == 64 && entry.bytes > 0)));
  }
  BOOST_TEST(names.contains("sam-vit-b"));
  BOOST_TEST(find_by_sha256("ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912")->name == "sam-vit-b");
  BOOST_TEST(!find_by_sha256("").has_value());
}

BOOST_AUTO_TEST_CASE(a_model_in_order_passes_before_and_after_its_import) {
  const test::TemporaryFolder folder;
  import_model(fixture("meta.pth"), folder.file("sam"));
  const VerifiedModel before = verify_model(fixture("meta.pth")), after = verify_model(folder.file("sam"));
  BOOST_TEST(before.architecture == "sam-vit");
  BOOST_TEST(before.tensors == after.tensors);
  BOOST_TEST(before.parameters == after.parameters);
  BOOST_TEST(after.files.at(0).sha256 == sha256_of_file(folder.file("sam/model.safetensors")));
  BOOST_TEST(after.files.at(0).known_as.empty());
  std::filesystem::remove(folder.file("sam/config.json"));
  BOOST_TEST(contains(complaint(folder.file("sam")), "has no config.json"));
  // The model that ships has classes too.
  BOOST_TEST(complaint(std::string(PLAT_SOURCE_DIR) + "/data/models/buildings").empty());
}

BOOST_AUTO_TEST_CASE(faults_are_named) {
  const test::TemporaryFolder folder;
  import_model(fixture("meta.pth"), folder.file("sam"));
  const std::string weights = folder.file("sam/model.safetensors");
  const auto write = [&](const std::string& lost, float first) {
    std::map<std::string, TensorView> tensors;
    const SafetensorsFile file(weights);
    std::vector<float> numbers;
    for (const auto& [name, view] : file.tensors()) {
      if (name != lost) tensors[name] = view;
    }
    const std::string changed = "mask_decoder.iou_token.weight";
    numbers = float_values(file.tensors().at(changed));
    numbers[0] = first;
    tensors[changed].bytes = std::as_bytes(std::span(numbers));
    std::filesystem::create_directory(folder.file("other"));
    for (const char* text : {"config.json", "preprocessor_config.json"}) {
      std::filesystem::copy(folder.file("sam/") + text, folder.file("other/") + text,
                            std::filesystem::copy_options::overwrite_existing);
    }
    write_safetensors(folder.file("other/model.safetensors"), tensors, {{"format", "pt"}});
  };
  write("", 1);
  BOOST_TEST(complaint(folder.file("other")).empty());
  write("", std::numeric_limits<float>::quiet_NaN());
  BOOST_TEST(
      contains(complaint(folder.file("other")), "'mask_decoder.iou_token.weight' holds numbers that are not finite"));
  write("vision_encoder.pos_embed", 1);
  BOOST_TEST(contains(complaint(folder.file("other")), "1 tensor is missing ('vision_encoder.pos_embed')"));
  std::filesystem::resize_file(folder.file("other/model.safetensors"), 5000);
  BOOST_TEST(contains(complaint(folder.file("other")), "not a valid safetensors file"));
  BOOST_TEST(contains(complaint(folder.file("nothing")), "no such file or folder"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
