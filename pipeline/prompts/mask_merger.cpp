// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/mask_merger.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kEverything = std::numeric_limits<int64_t>::max();

bool meet(const Window& a, const Window& b) { return !intersect(a, b).empty(); }

Window bounds_of_both(const Window& a, const Window& b) {
  const int64_t col = std::min(a.col, b.col), row = std::min(a.row, b.row);
  return {col, row, std::max(a.col_end(), b.col_end()) - col, std::max(a.row_end(), b.row_end()) - row};
}

template <typename Piece>
Window bounds_of_all(const std::vector<const Piece*>& pieces) {
  Window bounds = pieces.front()->found.mask.bounds();
  for (const Piece* piece : pieces) bounds = bounds_of_both(bounds, piece->found.mask.bounds());
  return bounds;
}

}  // namespace

MaskMerger::MaskMerger(const TileGrid& tiles, const MaskMergerOptions& options, std::function<void(SceneMask&&)> sink)
    : tiles_(tiles), options_(options), sink_(std::move(sink)) {}

/// The part of a tile that is farther than a margin from those of its edges behind which the scene goes on.
Window MaskMerger::inner(const Window& tile, int64_t margin) const {
  const int64_t left = tile.col > 0 ? tile.col + margin : 0;
  const int64_t top = tile.row > 0 ? tile.row + margin : 0;
  const int64_t right = tile.col_end() < tiles_.scene_width() ? tile.col_end() - margin : tiles_.scene_width();
  const int64_t bottom = tile.row_end() < tiles_.scene_height() ? tile.row_end() - margin : tiles_.scene_height();
  return {left, top, right - left, bottom - top};
}

bool MaskMerger::is_cut(const Window& bounds, const Window& tile) const {
  return !(intersect(bounds, inner(tile, options_.edge_px)) == bounds);
}

void MaskMerger::add(const Tile& tile, std::vector<SceneMask>&& masks) {
  for (SceneMask& mask : masks) {
    if (mask.mask.empty()) continue;
    const std::size_t number = next_number_++;
    if (is_cut(mask.mask.bounds(), tile.window)) {
      pieces_.push_back({std::move(mask), tile.window, number, false, number});
    } else {
      objects_.push_back({std::move(mask), tile.window, number, false});
    }
  }
  if (tile.tile_col + 1 < tiles_.columns()) return;
  const bool last = tile.tile_row + 1 == tiles_.rows();
  advance(last ? kEverything : tiles_.tile(tile.index + 1).window.row);
}

void MaskMerger::finish() { advance(kEverything); }

/// Does what can be done once no later tile has pixels above the row `frontier`.
void MaskMerger::advance(int64_t frontier) {
  settle_pieces(frontier);
  complete_groups(frontier);
  suppress(frontier);
  forget(frontier);
}

/// Drops the pieces of objects that some tile holds whole; the others become firm and are joined. Pieces wait until all
/// tiles that see their pixels have come.
void MaskMerger::settle_pieces(int64_t frontier) {
  std::vector<Piece> kept;
  std::vector<bool> fresh;
  for (Piece& piece : pieces_) {
    const Window& bounds = piece.found.mask.bounds();
    const bool settles = !piece.firm && bounds.row_end() <= frontier;
    if (settles) {
      const bool whole_elsewhere = std::ranges::any_of(objects_, [&](const Object& object) {
        return !(object.tile == piece.tile) && meet(object.found.mask.bounds(), bounds) &&
               mask_iou(piece.found.mask, object.found.mask, piece.tile) >= options_.same_iou;
      });
      if (whole_elsewhere) continue;
      piece.firm = true;
    }
    fresh.push_back(settles);
    kept.push_back(std::move(piece));
  }
  pieces_ = std::move(kept);
  join_pieces(fresh);
}

/// Joins pieces of different tiles that agree where their tiles overlap, the best pairs first; no object has two pieces of
/// one tile, which would be two objects to SAM.
void MaskMerger::join_pieces(const std::vector<bool>& fresh) {
  struct Pair {
    double iou;
    std::size_t a, b;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    for (std::size_t k = i + 1; k < pieces_.size(); ++k) {
      const Piece &a = pieces_[i], &b = pieces_[k];
      if (!a.firm || !b.firm || !(fresh[i] || fresh[k]) || a.tile == b.tile) continue;
      if (!meet(a.found.mask.bounds(), b.found.mask.bounds())) continue;
      const double iou = mask_iou(a.found.mask, b.found.mask, intersect(a.tile, b.tile));
      if (iou >= options_.join_iou) pairs.push_back({iou, i, k});
    }
  }
  std::ranges::sort(
      pairs, [](const Pair& p, const Pair& q) { return std::tuple(-p.iou, p.a, p.b) < std::tuple(-q.iou, q.a, q.b); });
  for (const Pair& pair : pairs) {
    const std::size_t first = std::min(pieces_[pair.a].group, pieces_[pair.b].group);
    const std::size_t second = std::max(pieces_[pair.a].group, pieces_[pair.b].group);
    if (first == second) continue;
    std::vector<const Piece*> one, other;
    for (const Piece& piece : pieces_) {
      if (piece.firm && piece.group == first) one.push_back(&piece);
      if (piece.firm && piece.group == second) other.push_back(&piece);
    }
    const bool share_tile = std::ranges::any_of(one, [&](const Piece* p) {
      return std::ranges::any_of(other, [&](const Piece* q) { return p->tile == q->tile; });
    });
    const Window bounds = bounds_of_both(bounds_of_all(one), bounds_of_all(other));
    if (share_tile || bounds.pixel_count() > options_.largest_px) continue;
    for (Piece& piece : pieces_) {
      if (piece.firm && piece.group == second) piece.group = first;
    }
  }
}

/// Whether a piece, only one that may still go or be joined if so asked, has pixels in the bounds.
bool MaskMerger::piece_meets(const Window& bounds, bool open_only) const {
  return std::ranges::any_of(pieces_, [&](const Piece& piece) {
    return !(open_only && piece.firm) && meet(piece.found.mask.bounds(), bounds);
  });
}

/// Makes objects of the pieces that no later piece can be joined with.
void MaskMerger::complete_groups(int64_t frontier) {
  std::map<std::size_t, std::vector<const Piece*>> groups;
  for (const Piece& piece : pieces_) {
    if (piece.firm) groups[piece.group].push_back(&piece);
  }
  std::set<std::size_t> complete;
  for (const auto& [group, members] : groups) {
    const Window bounds = bounds_of_all(members);
    if (bounds.row_end() > frontier || piece_meets(bounds, /*open_only=*/true)) continue;
    finish_group(members);
    complete.insert(group);
  }
  std::erase_if(pieces_, [&](const Piece& piece) { return piece.firm && complete.contains(piece.group); });
}

void MaskMerger::finish_group(const std::vector<const Piece*>& members) {
  if (!options_.keep_cut && !is_whole(members)) {
    cut_masks_ += static_cast<int64_t>(members.size());
    return;
  }
  std::vector<const RunMask*> masks;
  SceneMask found;
  double area = 0;
  std::size_t number = members.front()->number;
  for (const Piece* piece : members) {
    const auto weight = static_cast<double>(piece->found.mask.area());
    masks.push_back(&piece->found.mask);
    found.score += weight * piece->found.score;
    found.stability += weight * piece->found.stability;
    area += weight;
    number = std::min(number, piece->number);
  }
  found.mask = united(masks);
  found.score /= area;
  found.stability /= area;
  objects_.push_back({std::move(found), {}, number, false});
}

/// Whether most of where each piece is cut lies well inside the tiles of the others, which saw how the object goes on.
bool MaskMerger::is_whole(const std::vector<const Piece*>& members) const {
  const int64_t edge = options_.edge_px;
  return std::ranges::all_of(members, [&](const Piece* piece) {
    const Window& t = piece->tile;
    const Window middle = inner(t, edge);
    const std::array<Window, 4> strips = {Window{t.col, t.row, middle.col - t.col, t.height},
                                          {t.col, t.row, t.width, middle.row - t.row},
                                          {middle.col_end(), t.row, t.col_end() - middle.col_end(), t.height},
                                          {t.col, middle.row_end(), t.width, t.row_end() - middle.row_end()}};
    return std::ranges::all_of(strips, [&](const Window& strip) {
      const int64_t cut = strip.empty() ? 0 : piece->found.mask.area_within(strip);
      int64_t seen = 0;
      for (const Piece* other : members) {
        if (other != piece) seen += piece->found.mask.area_within(intersect(strip, inner(other->tile, edge)));
      }
      return 2 * seen >= cut;
    });
  });
}

/// Decides by falling score which objects stay, as far as nothing undecided could still speak against it, and hands them on.
void MaskMerger::suppress(int64_t frontier) {
  std::ranges::sort(objects_, [](const Object& a, const Object& b) {
    return std::tuple(-a.found.score, a.number) < std::tuple(-b.found.score, b.number);
  });
  std::vector<bool> gone(objects_.size());
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    Object& object = objects_[i];
    const Window& bounds = object.found.mask.bounds();
    if (object.decided || bounds.row_end() > frontier || piece_meets(bounds, /*open_only=*/false)) continue;
    bool waits = false;
    for (std::size_t k = 0; k < i && !gone[i]; ++k) {
      const Object& better = objects_[k];
      if (gone[k] || !meet(better.found.mask.bounds(), bounds)) continue;
      waits = waits || !better.decided;
      gone[i] = better.decided && mask_iou(better.found.mask, object.found.mask) > options_.nms_threshold;
    }
    if (waits || gone[i]) continue;
    object.decided = true;
    fresh.push_back(i);
  }
  // From the top of the scene to its bottom, as the tiles.
  std::ranges::sort(fresh, [&](std::size_t a, std::size_t b) {
    const auto place = [&](const Object& o) {
      return std::tuple(o.found.mask.bounds().row, o.found.mask.bounds().col, o.number);
    };
    return place(objects_[a]) < place(objects_[b]);
  });
  for (const std::size_t i : fresh) sink_(SceneMask(objects_[i].found));
  std::size_t place = 0;
  std::erase_if(objects_, [&](const Object&) { return gone[place++]; });
}

/// Drops the decided objects that nothing undecided meets any more.
void MaskMerger::forget(int64_t frontier) {
  std::vector<Window> undecided;
  for (const Object& object : objects_) {
    if (!object.decided) undecided.push_back(object.found.mask.bounds());
  }
  for (const Piece& piece : pieces_) undecided.push_back(piece.found.mask.bounds());
  std::erase_if(objects_, [&](const Object& object) {
    const Window& bounds = object.found.mask.bounds();
    return object.decided && bounds.row_end() <= frontier &&
           std::ranges::none_of(undecided, [&](const Window& w) { return meet(w, bounds); });
  });
}

}  // namespace plat
