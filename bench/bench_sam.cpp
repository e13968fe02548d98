// SPDX-License-Identifier: Apache-2.0
// One contender of compare_sam.py: opens a model folder, then obeys lines on stdin ("encoder", "prompts", "matmul") and
// answers each with its wall and CPU seconds and the process's peak memory in kB. The first answer says that it is ready.
// Usage: bench_sam FOLDER THREADS PROMPTS [PRECISION]
// FOLDER also holds tile.f32 (3 x S x S normalised pixels) and points.f32 (PROMPTS x 2 pixels); results are left beside
// them as plat.embedding.f32, plat.logits.f32, with "plat int16" for "plat" in that precision.
#include "core/memory.hpp"
#include "model/nn/int16_product.hpp"
#include "model/nn/sam.hpp"
#include "model/nn/weights.hpp"
#include "model/precision.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Prompts that pass the decoder at once, as sam_segmenter.cpp has it.
constexpr int64_t kPromptsAtOnce = 16;
constexpr int64_t kMatrix = 2048;
constexpr int kProducts = 8;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

at::Tensor read_floats(const std::string& path, at::IntArrayRef shape) {
  at::Tensor values = at::empty(shape, at::kFloat);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(static_cast<char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()))) {
    throw std::runtime_error(path + ": cannot be read, or is too short");
  }
  return values;
}

void write_floats(const std::string& path, const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(values.const_data_ptr()), static_cast<std::streamsize>(values.nbytes()));
}

template <typename Work>
void timed(const Work& work) {
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::printf("%.6f %.6f %lld\n", wall.count(), cpu_seconds() - cpu,
              static_cast<long long>(plat::peak_resident_memory() / 1024));
  std::fflush(stdout);
}

class Contender {
 public:
  Contender(const std::string& folder, int64_t prompts, plat::Precision precision)
      : folder_(folder + "/"),
        name_(precision == plat::Precision::Float32 ? "plat" : "plat " + plat::to_text(precision)),
        sam_(plat::nn::load_sam(folder)) {
    if (precision == plat::Precision::Int16 && !plat::nn::Int16Product::available()) {
      throw std::runtime_error("int16 needs a processor with AVX2");
    }
    for (auto& parameter : sam_->parameters()) parameter.set_requires_grad(false);
    sam_->prepare_for_inference(precision);
    const int64_t side = sam_->config().prompt_encoder.image_size;
    pixels_ = read_floats(folder_ + "tile.f32", {1, 3, side, side});
    points_ = read_floats(folder_ + "points.f32", {1, prompts, 1, 2});
    labels_ = at::ones({1, prompts, 1}, at::kLong);
    left_ = at::randn({kMatrix, kMatrix});
    right_ = at::randn({kMatrix, kMatrix});
  }

  void obey(const std::string& command) {
    if (command == "encoder") {
      timed([&] { embedding_ = sam_->encode(pixels_).embedding; });
      write_floats(folder_ + name_ + ".embedding.f32", embedding_);
    } else if (command == "prompts") {
      if (!embedding_.defined()) embedding_ = sam_->encode(pixels_).embedding;
      std::vector<at::Tensor> masks;
      timed([&] {
        for (int64_t from = 0; from < points_.size(1); from += kPromptsAtOnce) {
          plat::nn::Prompts batch;
          batch.points = points_.slice(1, from, from + kPromptsAtOnce);
          batch.labels = labels_.slice(1, from, from + kPromptsAtOnce);
          const auto decoded = sam_->decode_prompts(embedding_, batch);
          for (int64_t p = 0; p < batch.points.size(1); ++p) {
            masks.push_back(sam_->read_masks(decoded, 0, p, {1, 2, 3}));
          }
        }
      });
      write_floats(folder_ + name_ + ".logits.f32", at::stack(masks));
    } else if (command == "matmul") {
      timed([&] {
        for (int i = 0; i < kProducts; ++i) at::matmul(left_, right_);
      });
    } else {
      throw std::runtime_error("'" + command + "' is none of encoder, prompts, matmul");
    }
  }

 private:
  std::string folder_, name_;
  plat::nn::Sam sam_;
  at::Tensor pixels_, points_, labels_, embedding_, left_, right_;
};

int run(const std::string& folder, int threads, int64_t prompts, plat::Precision precision) {
  plat::keep_freed_pages();
  at::set_num_threads(threads);
  const c10::InferenceMode inference;
  Contender contender(folder, prompts, precision);
  timed([] {});
  for (std::string command; std::getline(std::cin, command);) contender.obey(command);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: bench_sam FOLDER THREADS PROMPTS [PRECISION]\n");
    return 2;
  }
  try {
    const auto precision = argc == 5 ? plat::precision_of(argv[4]) : plat::Precision::Float32;
    return run(argv[1], std::stoi(argv[2]), std::stoll(argv[3]), precision);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_sam: %s\n", error.what());
    return 1;
  }
}
