// SPDX-License-Identifier: Apache-2.0
#include "change/detail/change_groups.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <vector>

namespace plat::detail {
namespace {

/// Union-find over 0..count-1; each set is named by its smallest member, whatever the order of the unions.
class DisjointSets {
 public:
  explicit DisjointSets(int64_t count) : parent_(static_cast<std::size_t>(count)) {
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
  }
  /// The smallest member of the set that holds `member`.
  int64_t find(int64_t member) {
    while (parent(member) != member) member = parent(member) = parent(parent(member));
    return member;
  }
  void unite(int64_t a, int64_t b) {
    a = find(a);
    b = find(b);
    parent(std::max(a, b)) = std::min(a, b);
  }

 private:
  int64_t& parent(int64_t member) { return parent_[static_cast<std::size_t>(member)]; }

  std::vector<int64_t> parent_;
};

constexpr int64_t kNone = -1;
constexpr double kRounding = 1e-9;  // share of an area

enum class Role : uint8_t {
  Whole,
  Fragment,  ///< counts to a larger object
  Paired,    ///< one object with another, though linked to more
};

/// The objects of both dates as nodes of one graph, and the pairs that share ground, by position, as its edges.
class ObjectGraph {
 public:
  ObjectGraph(const ObjectStore& before, const ObjectStore& after, std::span<const CommonGround> ground)
      : before_(before), after_(after), ground_(ground) {}

  int64_t nodes() const { return before_.size() + after_.size(); }
  int64_t edges() const { return static_cast<int64_t>(ground_.size()); }
  const CommonGround& edge(int64_t edge) const { return ground_[static_cast<std::size_t>(edge)]; }
  int64_t before(int64_t edge) const { return this->edge(edge).before; }
  int64_t after(int64_t edge) const { return before_.size() + this->edge(edge).after; }
  bool is_before(int64_t node) const { return node < before_.size(); }
  double area(int64_t node) const { return is_before(node) ? before_.area(node) : after_.area(node - before_.size()); }
  double smaller_area(int64_t edge) const { return std::min(area(before(edge)), area(after(edge))); }
  double iou(int64_t edge) const {
    const double common = this->edge(edge).area;
    return common / (area(before(edge)) + area(after(edge)) - common);
  }
  int64_t partner(int64_t edge, int64_t node) const { return is_before(node) ? after(edge) : before(edge); }

  /// For each node the accepted edge with most common ground, or none.
  template <typename Accept>
  std::vector<int64_t> best_edges(Accept accept) const {
    std::vector<int64_t> best(static_cast<std::size_t>(nodes()), kNone);
    for (int64_t edge = 0; edge < edges(); ++edge) {
      if (!accept(edge)) continue;
      for (const int64_t node : {before(edge), after(edge)}) {
        int64_t& held = best[static_cast<std::size_t>(node)];
        if (held == kNone || is_better(edge, held, node)) held = edge;
      }
    }
    return best;
  }

 private:
  /// Ties, which objects make that lie in several others, fall to the smaller partner, then to the one further west and
  /// south, so that neither the order of objects nor rounding is of account.
  bool is_better(int64_t edge, int64_t than, int64_t node) const {
    const double more = this->edge(edge).area - this->edge(than).area;
    if (std::abs(more) > kRounding * this->edge(edge).area) return more > 0;
    const auto place = [&](int64_t of) {
      const int64_t other = partner(of, node);
      const Bounds box = is_before(other) ? before_.bounds(other) : after_.bounds(other - before_.size());
      return std::tuple(area(other), box.min_x, box.min_y, box.max_x, box.max_y);
    };
    return place(edge) < place(than);
  }

  const ObjectStore& before_;
  const ObjectStore& after_;
  std::span<const CommonGround> ground_;
};

/// What the linked objects are to one another.
class Grouping {
 public:
  Grouping(const ObjectGraph& graph, const ChangeRules& rules)
      : graph_(graph), rules_(rules), role_(static_cast<std::size_t>(graph.nodes()), Role::Whole) {
    find_fragments();
    find_pairs();
  }

  bool is_fragment(int64_t node) const { return role(node) == Role::Fragment; }
  DisjointSets united() const;

 private:
  Role role(int64_t node) const { return role_[static_cast<std::size_t>(node)]; }
  bool is_link(int64_t edge) const {
    return graph_.edge(edge).area >= rules_.least_overlap * graph_.smaller_area(edge);
  }
  /// A link between objects that are no fragments.
  bool is_core(int64_t edge) const {
    return is_link(edge) && !is_fragment(graph_.before(edge)) && !is_fragment(graph_.after(edge));
  }
  void find_fragments();
  void find_pairs();

  const ObjectGraph& graph_;
  const ChangeRules& rules_;
  std::vector<Role> role_;
  std::vector<int64_t> bonds_;  ///< edges that join whatever else is cut: of fragments, of pairs
};

void Grouping::find_fragments() {
  const std::vector<int64_t> best = graph_.best_edges([&](int64_t edge) { return is_link(edge); });
  for (int64_t node = 0; node < graph_.nodes(); ++node) {
    const int64_t edge = best[static_cast<std::size_t>(node)];
    if (edge == kNone || !(graph_.area(node) < rules_.least_part * graph_.area(graph_.partner(edge, node)))) continue;
    role_[static_cast<std::size_t>(node)] = Role::Fragment;
    bonds_.push_back(edge);
  }
}

void Grouping::find_pairs() {
  struct Side {
    bool has_before = false, several_before = false, has_after = false, several_after = false;
  };
  DisjointSets sets(graph_.nodes());
  for (int64_t edge = 0; edge < graph_.edges(); ++edge) {
    if (is_core(edge)) sets.unite(graph_.before(edge), graph_.after(edge));
  }
  std::vector<Side> sides(role_.size());
  for (int64_t node = 0; node < graph_.nodes(); ++node) {
    Side& side = sides[static_cast<std::size_t>(sets.find(node))];
    bool& has = graph_.is_before(node) ? side.has_before : side.has_after;
    (graph_.is_before(node) ? side.several_before : side.several_after) |= has;
    has = true;
  }
  // The best IoU of each object, and whether only one other object reaches it.
  struct Best {
    double iou = 0;
    bool single = false;
  };
  std::vector<Best> best(role_.size());
  const auto for_each_candidate = [&](const auto& action) {
    for (int64_t edge = 0; edge < graph_.edges(); ++edge) {
      if (!is_core(edge)) continue;
      const Side& side = sides[static_cast<std::size_t>(sets.find(graph_.before(edge)))];
      if (!side.several_before || !side.several_after) continue;
      const double iou = graph_.iou(edge);
      if (iou < rules_.same_object) continue;
      action(edge, iou, best[static_cast<std::size_t>(graph_.before(edge))],
             best[static_cast<std::size_t>(graph_.after(edge))]);
    }
  };
  for_each_candidate([](int64_t, double iou, Best& before, Best& after) {
    for (Best* own : {&before, &after}) {
      if (iou >= own->iou) *own = {iou, iou > own->iou};
    }
  });
  for_each_candidate([&](int64_t edge, double iou, const Best& before, const Best& after) {
    if (!before.single || !after.single || iou != before.iou || iou != after.iou) return;
    role_[static_cast<std::size_t>(graph_.before(edge))] = Role::Paired;
    role_[static_cast<std::size_t>(graph_.after(edge))] = Role::Paired;
    bonds_.push_back(edge);
  });
}

DisjointSets Grouping::united() const {
  DisjointSets sets(graph_.nodes());
  const auto unite = [&](int64_t edge) { sets.unite(graph_.before(edge), graph_.after(edge)); };
  const auto paired_ends = [&](int64_t edge) {
    return (role(graph_.before(edge)) == Role::Paired ? 1 : 0) + (role(graph_.after(edge)) == Role::Paired ? 1 : 0);
  };
  std::vector<uint8_t> has_partner(role_.size(), 0);
  for (int64_t edge = 0; edge < graph_.edges(); ++edge) {
    if (!is_core(edge) || paired_ends(edge) != 0) continue;
    unite(edge);
    has_partner[static_cast<std::size_t>(graph_.before(edge))] = 1;
    has_partner[static_cast<std::size_t>(graph_.after(edge))] = 1;
  }
  const std::vector<int64_t> best =
      graph_.best_edges([&](int64_t edge) { return paired_ends(edge) == 1 && is_core(edge); });
  for (int64_t node = 0; node < graph_.nodes(); ++node) {
    const auto at = static_cast<std::size_t>(node);
    if (role(node) == Role::Whole && has_partner[at] == 0 && best[at] != kNone) unite(best[at]);
  }
  std::for_each(bonds_.begin(), bonds_.end(), unite);
  return sets;
}

}  // namespace

ChangeGroups group_objects(const ObjectStore& before, const ObjectStore& after, std::span<const CommonGround> ground,
                           const ChangeRules& rules) {
  const ObjectGraph graph(before, after, ground);
  const Grouping grouping(graph, rules);
  DisjointSets sets = grouping.united();
  ChangeGroups groups;
  groups.group.resize(static_cast<std::size_t>(graph.nodes()));
  groups.is_fragment.resize(groups.group.size());
  for (int64_t node = 0; node < graph.nodes(); ++node) {
    const auto at = static_cast<std::size_t>(node);
    const int64_t first = sets.find(node);  // never a later one, so it has its number
    groups.group[at] = first == node ? groups.count++ : groups.group[static_cast<std::size_t>(first)];
    groups.is_fragment[at] = grouping.is_fragment(node) ? 1 : 0;
  }
  const std::vector<int64_t> best = graph.best_edges([&](int64_t edge) {
    return groups.group[static_cast<std::size_t>(graph.before(edge))] ==
           groups.group[static_cast<std::size_t>(graph.after(edge))];
  });
  groups.successor.assign(static_cast<std::size_t>(before.size()), kNone);
  groups.predecessor.assign(static_cast<std::size_t>(after.size()), kNone);
  for (int64_t i = 0; i < before.size(); ++i) {
    const int64_t edge = best[static_cast<std::size_t>(i)];
    if (edge == kNone || best[static_cast<std::size_t>(graph.after(edge))] != edge) continue;
    groups.successor[static_cast<std::size_t>(i)] = graph.edge(edge).after;
    groups.predecessor[static_cast<std::size_t>(graph.edge(edge).after)] = i;
  }
  return groups;
}

}  // namespace plat::detail
