// SPDX-License-Identifier: Apache-2.0
#include "synthesis/fates.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace plat::detail {
namespace {

/// The side of a ring where coordinate u of a frame is below a limit.
Ring below(const Ring& ring, const Frame& frame, double limit) {
  Ring out;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    const double from = frame.local(a).x - limit;
    const double to = frame.local(b).x - limit;
    if (from < 0) out.push_back(a);
    if ((from < 0) != (to < 0)) out.push_back(a + (b - a) * (from / (from - to)));
  }
  return out;
}

/// A house without one end, as it stood before an extension; none where the cut would leave slivers or two pieces.
std::optional<Building> cut_house(const Building& whole, double least_m2, Random& random) {
  Frame frame = whole.parts.front().frame;
  const auto extent = [&](const Frame& f) {
    const auto along = [&](const Point& a, const Point& b) { return f.local(a).x < f.local(b).x; };
    const auto [low, high] = std::minmax_element(whole.footprint.begin(), whole.footprint.end(), along);
    return std::pair{f.local(*low).x, f.local(*high).x};
  };
  const Frame across{frame.origin, frame.v, frame.u * -1};
  const auto span = [](const std::pair<double, double>& e) { return e.second - e.first; };
  if (span(extent(across)) > span(extent(frame))) frame = across;
  if (random.chance(0.5)) frame = {frame.origin, frame.u * -1, frame.v * -1};
  const auto [low, high] = extent(frame);
  const double limit = low + (high - low) * random.uniform(0.5, 0.75);

  Building part = whole;
  part.footprint = below(whole.footprint, frame, limit);
  const auto on_cut = [&](const Point& p) { return std::abs(frame.local(p).x - limit) < 1e-6; };
  const double left = std::abs(signed_area(part.footprint));
  const double total = std::abs(signed_area(whole.footprint));
  const bool one_piece = std::count_if(part.footprint.begin(), part.footprint.end(), on_cut) == 2;
  const bool good = one_piece && left > 0.45 * total && left < 0.8 * total && total - left > least_m2;
  return good ? std::optional(std::move(part)) : std::nullopt;
}

}  // namespace

void decide_fates(std::vector<House>& houses, double least_m2, uint64_t seed, const PairOptions& options) {
  Random random(seed_of(seed, Purpose::Fate));
  std::vector<std::size_t> eligible;
  for (std::size_t i = 0; i < houses.size(); ++i) {
    if (houses[i].visible) eligible.push_back(i);
  }
  std::vector<std::size_t> order = eligible;
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.next() % i)]);
  }
  const auto count = [&](double share) {
    return static_cast<int64_t>(std::llround(share * static_cast<double>(eligible.size())));
  };
  const auto is_open = [&](std::size_t i) { return houses[i].fate == DrawnChange::Unchanged; };
  for (const auto& [fate, share] :
       {std::pair{DrawnChange::Grown, options.grow}, {DrawnChange::Shrunk, options.shrink}}) {
    int64_t left = count(share);
    for (const std::size_t i : order) {
      if (left == 0) break;
      if (!is_open(i) || !houses[i].inside) continue;
      Random form(seed_of(seed, Purpose::Form, i));
      houses[i].part = cut_house(houses[i].whole, least_m2, form);
      if (!houses[i].part) continue;
      houses[i].fate = fate;
      --left;
    }
  }
  for (const auto& [fate, share] :
       {std::pair{DrawnChange::Appeared, options.appear}, {DrawnChange::Vanished, options.vanish}}) {
    int64_t left = count(share);
    for (const std::size_t first : order) {
      if (left == 0) break;
      if (!is_open(first)) continue;
      const int64_t wanted = random.chance(0.6) ? 1 : random.integer(2, 7);
      const auto size = static_cast<std::ptrdiff_t>(std::min(wanted, left));
      std::vector<std::pair<double, std::size_t>> near;
      const Point& place = houses[first].whole.footprint.front();
      for (const std::size_t i : eligible) {
        if (is_open(i)) near.emplace_back(length(houses[i].whole.footprint.front() - place), i);
      }
      const auto group = std::min(size, static_cast<std::ptrdiff_t>(near.size()));
      std::partial_sort(near.begin(), near.begin() + group, near.end());
      for (std::ptrdiff_t k = 0; k < group; ++k) houses[near[static_cast<std::size_t>(k)].second].fate = fate;
      left -= group;
    }
  }
}

}  // namespace plat::detail
