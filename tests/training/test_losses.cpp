// SPDX-License-Identifier: Apache-2.0
#include "training/learn/losses.hpp"
#include "training/learn/schedule.hpp"

#include <ATen/ATen.h>
#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace plat;

namespace {

constexpr double kTolerance = 1e-5;  // float32 sums of a few numbers near 1

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double entropy(double logit, double target, double positive = 1) {
  return -(positive * target * std::log(sigmoid(logit)) + (1 - target) * std::log(1 - sigmoid(logit)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(losses)

BOOST_AUTO_TEST_CASE(the_class_loss_equals_one_worked_out_by_hand) {
  // One crop of 1 x 2 pixels: the left one is inside an object, the right one outside.
  const double e0 = 0.7, e1 = -0.4, b0 = 0.2, b1 = -1.0, d0 = 0.5, d1 = -2.0;
  const at::Tensor logits = at::tensor({e0, e1, b0, b1, d0, d1}, at::kFloat).view({1, 3, 1, 2});
  const at::Tensor target = at::tensor({1.0, 0.0, 0.0, 1.0, 0.6, 0.0}, at::kFloat).view({1, 3, 1, 2});
  const at::Tensor counts = at::ones({1, 1, 1, 2});
  const nn::ClassLoss loss = nn::class_loss(logits, {}, target, counts);
  const auto dice = [](double p0, double p1, double t0, double t1) {
    return 1 - (2 * (p0 * t0 + p1 * t1) + 1) / (p0 + p1 + t0 + t1 + 1);
  };
  const double extent = (entropy(e0, 1) + entropy(e1, 0)) / 2 + dice(sigmoid(e0), sigmoid(e1), 1, 0);
  const double boundary = (entropy(b0, 0, 2) + entropy(b1, 1, 2)) / 2 + 0.5 * dice(sigmoid(b0), sigmoid(b1), 0, 1);
  const auto smooth = [](double x, double t) {
    const double error = std::abs(x - t);
    return error < 0.1 ? 0.5 * error * error / 0.1 : error - 0.05;
  };
  const double distance = (smooth(sigmoid(d0), 0.6) + smooth(sigmoid(d1), 0)) / 2;
  BOOST_TEST(std::abs(loss.extent.item<double>() - extent) < kTolerance);
  BOOST_TEST(std::abs(loss.boundary.item<double>() - boundary) < kTolerance);
  BOOST_TEST(std::abs(loss.distance.item<double>() - distance) < kTolerance);
  BOOST_TEST(std::abs(loss.total.item<double>() - (extent + boundary + 2 * distance)) < kTolerance);
}

BOOST_AUTO_TEST_CASE(pixels_that_do_not_count_change_nothing) {
  at::manual_seed(1);
  const at::Tensor logits = at::randn({2, 3, 32, 32});
  const at::Tensor target = at::rand({2, 3, 32, 32});
  const at::Tensor auxiliary = at::randn({2, 3, 2, 2});
  at::Tensor counts = at::ones({2, 1, 32, 32});
  counts.narrow(3, 20, 12).zero_();
  at::Tensor other_logits = logits.clone();
  at::Tensor other_target = target.clone();
  other_logits.narrow(3, 20, 12).fill_(9);
  other_target.narrow(3, 20, 12).fill_(1);
  const double one = nn::class_loss(logits, auxiliary, target, counts).total.item<double>();
  const double other = nn::class_loss(other_logits, auxiliary, other_target, counts).total.item<double>();
  BOOST_TEST(one == other);
}

BOOST_AUTO_TEST_CASE(pixels_between_neighbours_weigh_more_in_cross_entropies_alone) {
  // Two pixels, of which the left one counts three times.
  const double e0 = 0.7, e1 = -0.4;
  const at::Tensor logits = at::tensor({e0, e1, 0.0, 0.0, 0.3, -0.2}, at::kFloat).view({1, 3, 1, 2});
  const at::Tensor target = at::tensor({1.0, 0.0, 1.0, 0.0, 0.5, 0.0}, at::kFloat).view({1, 3, 1, 2});
  const at::Tensor counts = at::tensor({3.0, 1.0}, at::kFloat).view({1, 1, 1, 2});
  const nn::ClassLoss weighted = nn::class_loss(logits, {}, target, counts);
  const nn::ClassLoss plain = nn::class_loss(logits, {}, target, at::ones({1, 1, 1, 2}));
  const double gain = (3 * entropy(e0, 1) + entropy(e1, 0)) / 4 - (entropy(e0, 1) + entropy(e1, 0)) / 2;
  BOOST_TEST(std::abs(weighted.extent.item<double>() - plain.extent.item<double>() - gain) < kTolerance);
  BOOST_TEST(weighted.distance.item<double>() == plain.distance.item<double>());
}

BOOST_AUTO_TEST_CASE(a_right_answer_costs_next_to_nothing) {
  const at::Tensor target = at::rand({1, 3, 16, 16}).gt(0.5).to(at::kFloat);
  const double loss = nn::class_loss((target - 0.5) * 60, {}, target, at::ones({1, 1, 16, 16})).total.item<double>();
  BOOST_TEST(loss < 1e-3);
}

BOOST_AUTO_TEST_CASE(the_prompt_loss_learns_the_first_mask_and_the_best_of_the_others) {
  // One prompt, one pixel per mask, target 1: masks 0 and 2 say yes, 1 and 3 say no.
  const at::Tensor logits = at::tensor({1.0, -1.0, 2.0, -3.0}, at::kFloat).view({1, 1, 4, 1, 1});
  const at::Tensor iou = at::tensor({0.5, 0.5, 0.5, 0.5}, at::kFloat).view({1, 1, 4});
  const auto one = [](double logit) {
    return entropy(logit, 1) + 2 * (1 - (2 * sigmoid(logit) + 1) / (sigmoid(logit) + 2));
  };
  const double loss = nn::prompt_loss(logits, iou, at::ones({1, 1, 1, 1}), at::ones({1, 1})).item<double>();
  BOOST_TEST(std::abs(loss - (one(1) + one(2) + 0.25)) < kTolerance);
  BOOST_TEST(nn::prompt_loss(logits, iou, at::ones({1, 1, 1, 1}), at::zeros({1, 1})).item<double>() == 0);
}

BOOST_AUTO_TEST_CASE(the_learning_rate_warms_up_and_falls_to_a_hundredth) {
  OptimizerOptions options;
  options.learning_rate = 2;
  options.warmup_steps = 10;
  BOOST_TEST(std::abs(learning_rate(options, 0, 0) - 0.2) < 1e-12);
  BOOST_TEST(std::abs(learning_rate(options, 9, 0) - 2) < 1e-12);
  BOOST_TEST(std::abs(learning_rate(options, 500, 0.5) - 2 * (0.99 * 0.5 + 0.01)) < 1e-12);
  BOOST_TEST(std::abs(learning_rate(options, 1000, 1) - 0.02) < 1e-12);
  BOOST_TEST(average_decay(options, 0) < 0.2);
  BOOST_TEST(average_decay(options, 100000) == options.average);
}

BOOST_AUTO_TEST_SUITE_END()
