// SPDX-License-Identifier: Apache-2.0
// automatic_masks_check FOLDER: opens a model folder, finds all masks in the image of FOLDER/reference.safetensors and
// compares them with those that the file has; also says how long that took, the encoder's work apart.
#include "automatic_parity.hpp"
#include "core/memory.hpp"
#include "model/masks/mask_enlarger.hpp"
#include "model/prompt_segmenter.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

namespace {

constexpr double kLeastShare = 0.99;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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
    // As often as there are crops, the encoder's time is part of the whole; without crops that is once.
    auto start = Clock::now();
    const int64_t side = model->description().tile_size;
    const plat::Window whole{0, 0, reference.image.width(), reference.image.height()};
    model->embed(plat::fit_image(reference.image, whole, side, std::vector<float>(3)).pixels);
    const double encoding = seconds_since(start);
    start = Clock::now();
    const auto masks = plat::automatic_masks(*model, reference.image, options);
    const double seconds = seconds_since(start) - encoding;
    const plat::test::Agreement agreement = plat::test::compare(expected.masks, masks);
    std::printf(
        "%s: %zu masks expected, %zu found, %zu match, IoU >= %.4f, estimates within %.1e, stability within %.1e; "
        "%.1f s after %.1f s of encoding on one thread, peak %.0f MB\n",
        name.c_str(), agreement.expected, agreement.found, agreement.matched, agreement.worst_iou,
        agreement.worst_estimate, agreement.worst_stability, seconds, encoding,
        static_cast<double>(plat::peak_resident_memory()) / 1e6);
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
