// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"
#include "geo/grid.hpp"
#include "training/data/model_grid.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// What the pixels of a scene are used for.
enum class PixelUse : uint8_t {
  None = 0,  ///< nobody says what lies there: outside the area that the labels cover, or unknown to them
  Train = 1,
  Validate = 2,  ///< never shown to the network in training, not even as context
  NoData = 3,    ///< the scene shows nothing there
};

/// Whether a PixelUse says that the labels tell what lies on a pixel that the scene shows.
inline bool is_labelled(uint8_t use) {
  return use == static_cast<uint8_t>(PixelUse::Train) || use == static_cast<uint8_t>(PixelUse::Validate);
}

/// How far around an object incomplete labels still tell that there is background, in metres.
inline constexpr double kKnownAround_m = 3;

/// A scene in memory with its true objects: what training samples are cut from. Immutable once made, so that reading it
/// from several threads is safe.
struct LabelledScene {
  std::string name;
  Grid grid;
  bool georeferenced = true;            ///< whether the grid says where on the ground it lies
  double gsd_m = 0;                     ///< ground sample distance of `pyramid[0]`
  std::vector<Image<uint8_t>> pyramid;  ///< red, green, blue; each next image has half the size
  Image<uint8_t> use;                   ///< a PixelUse for each pixel of pyramid[0]
  double weight = 1;                    ///< crops are drawn from it so many times as often as by its area, > 0
  double label_margin_m = 0;            ///< pixels nearer to an outline, on either side, do not count in the losses
  bool incomplete = false;  ///< labels miss objects: background farther than kKnownAround_m from all does not count
  ModelGrid model;          ///< on which the network is measured
  std::vector<MultiPolygon> objects;  ///< in pixels of pyramid[0]
  std::vector<Bounds> object_bounds;  ///< one an object

  int64_t width() const { return pyramid.front().width(); }
  int64_t height() const { return pyramid.front().height(); }
  int64_t count(PixelUse wanted) const;
};

/// A scene from its full-resolution pixels: makes the pyramid and the bounds. All pixels are for training, and
/// are those of the model's grid.
LabelledScene make_scene(std::string name, Image<uint8_t> pixels, Grid grid, double gsd_m,
                         std::vector<MultiPolygon> objects);

/// The objects that may touch a rectangle of the scene's pixels, by position.
std::vector<std::size_t> objects_in(const LabelledScene& scene, const Bounds& rectangle);

/// Draws labelled scenes without end, for training on more than what was photographed. Thread-safe; the same seed gives
/// the same scene.
class SceneSource {
 public:
  virtual ~SceneSource() = default;
  /// A scene of about `size` pixels square at `gsd_m`.
  virtual LabelledScene scene(uint64_t seed, int64_t size, double gsd_m) const = 0;
};

}  // namespace plat
