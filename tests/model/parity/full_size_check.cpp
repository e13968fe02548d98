// SPDX-License-Identifier: Apache-2.0
// full_size_check FOLDER COPY: opens a model folder, compares it with FOLDER/reference.safetensors, writes it into
// COPY.
#include "model/files/model_folder.hpp"
#include "model/nn/weights.hpp"
#include "parity.hpp"

#include <chrono>
#include <cstdio>
#include <exception>

namespace {

constexpr double kRelative = 1e-4;

int run(const std::string& folder, const std::string& copy) {
  plat::nn::Sam sam = plat::nn::load_sam(folder);
  const auto start = std::chrono::steady_clock::now();
  bool good = true;
  for (const auto& difference : plat::test::compare_with_reference(sam, folder + "/reference.safetensors")) {
    const bool close = difference.same_shape && difference.relative < kRelative;
    std::printf("%-26s %.2e%s\n", difference.what.c_str(), difference.relative, close ? "" : "  TOO FAR");
    good = good && close;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("plat's encoder, prompts and classes %.1f s\n", seconds.count());
  plat::write_model_folder(plat::read_model_folder(folder), copy);
  plat::nn::save_weights(*sam, copy + "/" + plat::kWeightsFile);
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: full_size_check FOLDER COPY\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
