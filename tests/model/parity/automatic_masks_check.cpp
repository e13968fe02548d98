// SPDX-License-Identifier: Apache-2.0
// automatic_masks_check FOLDER: opens a model folder, finds all masks in the image of FOLDER/reference.safetensors and
// compares them with those that the file has.
#include "automatic_parity.hpp"
#include "core/memory.hpp"
#include "model/prompt_segmenter.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

namespace {

constexpr double kLeastShare = 0.99;

/// Two threads, as many as the reference uses.
void on_two_threads(std::size_t count, const std::function<void(std::size_t)>& work) {
  const auto part = [&](std::size_t first) {
    for (std::size_t i = first; i < count; i += 2) work(i);
  };
  std::thread other(part, 1);
  part(0);
  other.join();
}

int run(const std::string& folder) {
  const auto model = plat::open_prompt_segmenter(folder, "cpu");
  const auto reference = plat::test::read_automatic_reference(folder + "/reference.safetensors");
  bool good = true;
  for (const auto& [name, expected] : reference.cases) {
    plat::AutomaticMaskOptions options = expected.options;
    options.parallel = on_two_threads;
    const auto start = std::chrono::steady_clock::now();
    const auto masks = plat::automatic_masks(*model, reference.image, options);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const plat::test::Agreement agreement = plat::test::compare(expected.masks, masks);
    std::printf(
        "%s: %zu masks expected, %zu found, %zu match, IoU >= %.4f, estimates within %.1e, stability within %.1e; "
        "%.1f s with the encoder\n",
        name.c_str(), agreement.expected, agreement.found, agreement.matched, agreement.worst_iou,
        agreement.worst_estimate, agreement.worst_stability, seconds.count());
    good = good && agreement.share() >= kLeastShare;
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: automatic_masks_check FOLDER\n");
    return 2;
  }
  plat::keep_freed_pages();
  try {
    return run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
