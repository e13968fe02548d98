// SPDX-License-Identifier: Apache-2.0
#include "parity.hpp"

#include "model/files/safetensors.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace plat::test {
namespace {

class Fixture {
 public:
  explicit Fixture(const std::string& path) : file_(path) {}

  bool has(const std::string& name) const { return file_.tensors().contains(name); }

  at::Tensor tensor(const std::string& name) const {
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) return {};
    const TensorView& view = found->second;
    if (view.type == TensorType::Int64) {
      at::Tensor values = at::empty(view.shape, at::kLong);
      std::memcpy(values.data_ptr(), view.bytes.data(), view.bytes.size());
      return values;
    }
    const std::vector<float> numbers = float_values(view);
    at::Tensor values = at::empty(view.shape, at::kFloat);
    std::memcpy(values.data_ptr(), numbers.data(), numbers.size() * sizeof(float));
    return values;
  }

  void compare(const std::string& name, const at::Tensor& ours, std::vector<Result>& out) const {
    if (has(name)) out.push_back({name, ours, tensor(name)});
  }

 private:
  SafetensorsFile file_;
};

double relative_difference(const at::Tensor& a, const at::Tensor& b, const at::Tensor& scale) {
  return (a - b).abs().max().item<double>() / scale.abs().max().item<double>();
}

}  // namespace

std::vector<Result> run_on_fixture(nn::Sam& sam, const std::string& path) {
  const at::NoGradGuard no_grad;
  const Fixture fixture(path);
  std::vector<Result> out;
  nn::Encoded encoded;
  if (fixture.has("pixels")) {
    encoded = sam->encode(fixture.tensor("pixels"));
    fixture.compare("expected.embedding", encoded.embedding, out);
    // Prompts are compared on the reference's embedding, so that differences do not add up.
    encoded.embedding = fixture.tensor("expected.embedding");
  } else {
    encoded.embedding = fixture.tensor("embedding");
  }
  if (fixture.has("expected.extent")) {
    const nn::ClassMaps maps = sam->forward_classes(encoded);
    fixture.compare("expected.extent", maps.extent, out);
    fixture.compare("expected.boundary", maps.boundary, out);
    fixture.compare("expected.distance", maps.distance, out);
  }
  for (int i = 0;; ++i) {
    const std::string name = "prompt" + std::to_string(i);
    if (!fixture.has(name + ".expected.logits")) break;
    nn::Prompts prompts;
    prompts.points = fixture.tensor(name + ".points");
    prompts.labels = fixture.tensor(name + ".labels");
    prompts.boxes = fixture.tensor(name + ".boxes");
    prompts.masks = fixture.tensor(name + ".masks");
    const nn::PromptMasks masks = sam->forward_prompts(encoded.embedding, prompts);
    fixture.compare(name + ".expected.logits", masks.logits, out);
    fixture.compare(name + ".expected.iou", masks.iou, out);
  }
  if (fixture.has("offset.tokens")) {
    const at::Tensor tokens = fixture.tensor("offset.tokens");
    nn::Prompts prompts;
    prompts.points = fixture.tensor("offset.points");
    prompts.labels = fixture.tensor("offset.labels");
    const nn::PromptMasks masks = sam->forward_prompts(
        encoded.embedding, prompts, {.row = tokens[0].item<int64_t>(), .col = tokens[1].item<int64_t>()});
    fixture.compare("offset.expected.logits", masks.logits.slice(2, 1), out);
  }
  return out;
}

std::vector<Difference> compare_with_reference(nn::Sam& sam, const std::string& path) {
  std::vector<Difference> out;
  for (const Result& result : run_on_fixture(sam, path)) {
    Difference difference{result.what, 0, result.ours.sizes() == result.expected.sizes()};
    if (difference.same_shape) difference.relative = relative_difference(result.ours, result.expected, result.expected);
    out.push_back(difference);
  }
  return out;
}

std::vector<double> rounding_response(nn::Sam& sam, const std::string& path) {
  constexpr int kDraws = 8;
  constexpr float kLastBit = 0x1p-23F;
  const at::NoGradGuard no_grad;
  const std::vector<Result> plain = run_on_fixture(sam, path);
  std::vector<double> response(plain.size());
  std::vector<at::Tensor> kept;
  for (const at::Tensor& weight : sam->parameters()) kept.push_back(weight.clone());
  const auto restore = [&] {
    std::size_t i = 0;
    for (at::Tensor& weight : sam->parameters()) weight.copy_(kept[i++]);
  };
  for (int draw = 0; draw < kDraws; ++draw) {
    at::manual_seed(static_cast<uint64_t>(draw));
    for (at::Tensor& weight : sam->parameters())
      weight.mul_(1 + kLastBit * at::randint(-1, 2, weight.sizes()).to(at::kFloat));
    const std::vector<Result> moved = run_on_fixture(sam, path);
    restore();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      response[i] = std::max(response[i], relative_difference(moved[i].ours, plain[i].ours, plain[i].expected));
    }
  }
  return response;
}

}  // namespace plat::test
