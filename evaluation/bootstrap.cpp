// SPDX-License-Identifier: Apache-2.0
#include "evaluation/bootstrap.hpp"

#include "core/cancel.hpp"

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace plat {
namespace {

constexpr std::size_t kFewestBlocks = 8;
constexpr std::size_t kCancelEvery = 1 << 16;

template <typename Block, typename Rate>
std::optional<Interval> interval_of(std::span<const Block> blocks, const Rate& rate, int rounds, uint64_t seed) {
  if (blocks.size() < kFewestBlocks || rounds < 1) return std::nullopt;
  std::mt19937_64 random(seed);
  std::vector<double> rates;
  rates.reserve(static_cast<std::size_t>(rounds));
  for (int round = 0; round < rounds; ++round) {
    Block total;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % kCancelEvery == 0) throw_if_cancelled();
      // A remainder, since the standard library's distributions differ between systems; the bias is 2^-40 at worst.
      total += blocks[random() % blocks.size()];
    }
    rates.push_back(rate(total));
  }
  std::sort(rates.begin(), rates.end());
  const auto at = [&](double share) {
    return rates[static_cast<std::size_t>(share * static_cast<double>(rates.size() - 1) + 0.5)];
  };
  return Interval{at(0.025), at(0.975)};
}

}  // namespace

CountBlock& CountBlock::operator+=(const CountBlock& other) {
  pixels += other.pixels;
  objects += other.objects;
  return *this;
}

MeanBlock& MeanBlock::operator+=(const MeanBlock& other) {
  sum += other.sum;
  count += other.count;
  return *this;
}

std::optional<Interval> bootstrap_interval(std::span<const CountBlock> blocks,
                                           const std::function<double(const CountBlock&)>& rate, int rounds,
                                           uint64_t seed) {
  return interval_of(blocks, rate, rounds, seed);
}

std::optional<Interval> bootstrap_interval(std::span<const MeanBlock> blocks, int rounds, uint64_t seed) {
  return interval_of(
      blocks, [](const MeanBlock& total) { return total.mean(); }, rounds, seed);
}

}  // namespace plat
