// SPDX-License-Identifier: Apache-2.0
#include "training/learn/replicas.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace plat::nn {

Replicas::Replicas(Sam network, int parts, const std::function<void(Sam&)>& prepare) : networks_{network} {
  for (int i = 1; i < parts; ++i) {
    Sam copy(network->config());
    const auto from = network->named_parameters();
    copy->to(from.begin()->value().device());
    for (auto& item : copy->named_parameters()) item.value().set_data(from[item.key()]);
    prepare(copy);
    networks_.push_back(copy);
  }
}

void Replicas::run(int threads, const std::function<void(Sam&, int)>& work) {
  // All start from the network's statistics; its weights they share.
  const std::vector<at::Tensor> statistics = networks_.front()->buffers();
  for (std::size_t i = 1; i < networks_.size(); ++i) {
    const at::NoGradGuard no_gradient;
    const std::vector<at::Tensor> own = networks_[i]->buffers();
    for (std::size_t b = 0; b < own.size(); ++b) own[b].copy_(statistics[b]);
    for (at::Tensor& parameter : networks_[i]->parameters()) parameter.mutable_grad().reset();
  }
  std::vector<std::exception_ptr> errors(networks_.size());
  std::atomic<std::size_t> next = 0;
  const auto loop = [&] {
    for (std::size_t i = next++; i < networks_.size(); i = next++) {
      try {
        work(networks_[i], static_cast<int>(i));
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < std::min(threads, parts()); ++i) helpers.emplace_back(loop);
    loop();
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  gather();
}

void Replicas::gather() {
  if (networks_.size() == 1) return;
  const at::NoGradGuard no_gradient;
  const double share = 1.0 / static_cast<double>(networks_.size());
  std::vector<std::vector<at::Tensor>> parameters;
  std::vector<std::vector<at::Tensor>> buffers;
  for (const Sam& network : networks_) {
    parameters.push_back(network->parameters());
    buffers.push_back(network->buffers());
  }
  for (std::size_t p = 0; p < parameters.front().size(); ++p) {
    at::Tensor& sum = parameters.front()[p].mutable_grad();
    for (std::size_t i = 1; i < networks_.size(); ++i) {
      const at::Tensor& other = parameters[i][p].grad();
      if (!other.defined()) continue;
      if (sum.defined()) {
        sum.add_(other);
      } else {
        sum = other.clone();
      }
    }
  }
  for (std::size_t b = 0; b < buffers.front().size(); ++b) {
    at::Tensor& mean = buffers.front()[b];
    if (!mean.is_floating_point()) continue;
    for (std::size_t i = 1; i < networks_.size(); ++i) mean.add_(buffers[i][b]);
    mean.mul_(share);
  }
}

}  // namespace plat::nn
