// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "model/masks/run_mask.hpp"
#include "tiling/tile_grid.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace plat {

/// A mask in the frame of the scene, found in one tile or put together from several.
struct SceneMask {
  RunMask mask;
  double score = 0;      ///< the network's estimate of the mask's IoU; of parts, their mean by area
  double stability = 0;  ///< likewise
};

struct MaskMergerOptions {
  double nms_threshold = 0.7;  ///< IoU of two masks above which the one with the lower score goes, in [0, 1]
  double same_iou = 0.7;  ///< a cut mask is that of a whole object if they agree this well inside its tile, in (0, 1]
  double join_iou = 0.5;  ///< cut masks of two tiles are one if they agree this well in the overlap, in (0, 1]
  /// A mask that comes this near to an edge of its tile behind which the scene goes on is cut; >= 1.
  int64_t edge_px = 4;
  bool keep_cut = false;  ///< keep the masks that end at an edge of a tile and have no counterpart behind it
  /// Objects whose bounding boxes have more pixels than this are not put together, which bounds the memory.
  int64_t largest_px = int64_t{1} << 25;
};

/// Makes one list of objects from the masks of overlapping tiles. A mask that its tile cuts goes where another tile holds the
/// object whole; else it is joined with those of its neighbours that agree with it where the tiles overlap; what is cut after
/// all that is left out. Of masks that cover each other the one with the highest score stays. Streamed: an object is handed on
/// as soon as no later tile can change it, in an order fixed by the tiles. Not thread-safe.
class MaskMerger {
 public:
  MaskMerger(const TileGrid& tiles, const MaskMergerOptions& options, std::function<void(SceneMask&&)> sink);
  /// The masks of the next tile, in the frame of the scene and inside it; tiles come in their order, all of them.
  void add(const Tile& tile, std::vector<SceneMask>&& masks);
  /// Hands on what is left, after the last tile.
  void finish();
  /// Masks that were left out because they ended at an edge of a tile.
  int64_t cut_masks() const { return cut_masks_; }

 private:
  /// A mask that its tile cuts.
  struct Piece {
    SceneMask found;
    Window tile;
    std::size_t number = 0;
    bool firm = false;      ///< no tile holds the whole object
    std::size_t group = 0;  ///< number of the piece that stands for its object; of use once it is firm
  };
  struct Object {
    SceneMask found;
    Window tile;             ///< empty for one put together
    std::size_t number = 0;  ///< of its first mask, by tiles
    bool decided = false;
  };

  Window inner(const Window& tile, int64_t margin) const;
  bool is_cut(const Window& bounds, const Window& tile) const;
  void advance(int64_t frontier);
  void settle_pieces(int64_t frontier);
  void join_pieces(const std::vector<bool>& fresh);
  void complete_groups(int64_t frontier);
  void finish_group(const std::vector<const Piece*>& members);
  bool is_whole(const std::vector<const Piece*>& members) const;
  void suppress(int64_t frontier);
  void forget(int64_t frontier);
  bool piece_meets(const Window& bounds, bool open_only) const;

  TileGrid tiles_;
  MaskMergerOptions options_;
  std::function<void(SceneMask&&)> sink_;
  std::vector<Piece> pieces_;
  std::vector<Object> objects_;  ///< undecided, or decided and kept
  std::size_t next_number_ = 0;
  int64_t cut_masks_ = 0;
};

}  // namespace plat
