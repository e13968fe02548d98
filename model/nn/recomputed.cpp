// SPDX-License-Identifier: Apache-2.0
#include "model/nn/recomputed.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <utility>

namespace plat::nn {
namespace {

/// Carries the work from the forward to the backward pass.
struct Work : torch::CustomClassHolder {
  explicit Work(std::function<at::Tensor(const at::Tensor&)> function) : run(std::move(function)) {}
  std::function<at::Tensor(const at::Tensor&)> run;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  /// `anchor` needs a gradient, so that the result does even where `x` needs none and only parameters learn.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& anchor,
                            const c10::intrusive_ptr<Work>& work) {
    static_cast<void>(anchor);
    context->save_for_backward({x});
    context->saved_data["work"] = c10::IValue::make_capsule(work);
    return work->run(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor saved = context->get_saved_variables().front();
    const at::Tensor x = saved.detach().requires_grad_(context->needs_input_grad(0));
    const auto capsule = context->saved_data["work"].toCapsule();
    {
      const at::AutoGradMode with_gradient(true);
      const at::Tensor out = static_cast<Work*>(capsule.get())->run(x);
      torch::autograd::backward({out}, {gradients.front()});
    }
    return {x.grad(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& work, const at::Tensor& x) {
  const at::Tensor anchor = at::zeros({1}, x.options()).requires_grad_(true);
  return Recomputed::apply(x, anchor, c10::make_intrusive<Work>(work));
}

}  // namespace plat::nn
