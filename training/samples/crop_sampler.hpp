// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"
#include "training/data/labelled_scene.hpp"
#include "training/samples/class_targets.hpp"
#include "training/samples/colour_augmentation.hpp"
#include "training/samples/prompt_sampler.hpp"
#include "training/samples/random.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace plat {

/// One training example: a square crop of the model's resolution, augmented.
struct Sample {
  Image<float> pixels;    ///< red, green, blue in 0..255
  Image<int32_t> labels;  ///< 0 = background, else one number an object
  Image<float> maps;      ///< extent, boundary, distance
  /// 1 where the labels are known and meant for training, more between neighbours; the losses leave the rest out.
  Image<uint8_t> counts;
  PromptSet prompts;
};

/// How crops are cut and changed.
struct CropOptions {
  int64_t size = 256;                            ///< pixels, a multiple of 32
  double gsd_m = 0.3;                            ///< resolution of the crops before they are scaled
  std::pair<double, double> scale = {0.6, 2.0};  ///< factor by which objects look larger, drawn evenly in its logarithm
  double rotate = 0.5;                           ///< chance of any angle; else multiples of 90 degrees only
  double stretch = 0.3;                          ///< chance that one direction is scaled more than the other
  double log_aspect = 0.15;   ///< by how much: exp of a number in [-this, this] along, its inverse across
  double least_train = 0.75;  ///< share of a crop that must be training pixels where that can be had
  int64_t prompts = 0;        ///< point and box prompts that each sample comes with
  ColourOptions colour;
  TargetOptions targets;
  void validate() const;
};

/// Where a crop lies: `scene_from_crop` maps pixel coordinates (corners) of the crop to those of the scene.
struct CropPlace {
  Affine scene_from_crop;
  double scale = 1;  ///< crop pixels per pixel of the model's resolution
};

/// Which pixels of a scene a crop may show; the others come out black.
enum class Show { TrainingOnly, Everything };

/// The pixels of a crop, read bilinearly from the level of the pyramid that neither blurs nor aliases; the scene is
/// mirrored at its edges.
Image<float> warp_pixels(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height,
                         Show show);
/// The labels of a crop: the polygons are carried over and drawn at the crop's resolution.
Image<int32_t> warp_labels(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height);
/// 1 where the scene's pixel under a crop's pixel has this use.
Image<uint8_t> warp_use(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height,
                        PixelUse wanted);
/// 1 where the scene has data under a crop's pixel; where crop pixels lie between the scene's, all around it too, so that what
/// warp_pixels reads there is mixed with no missing data.
Image<uint8_t> warp_known(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height);

/// Whether any pixel of a scene that training may use, and whose label is certain, belongs to an object.
bool shows_objects(const LabelledScene& scene);

/// Cuts random augmented crops from scenes, from each as often as its area for training and its weight say. Immutable, thread-safe: sample n is the same whoever asks for it and when.
class CropSampler {
 public:
  /// Throws DataError when no scene has pixels for training.
  CropSampler(std::vector<LabelledScene> scenes, CropOptions options, uint64_t seed);

  /// Takes this share of the samples from drawn scenes.
  void add_drawn(std::shared_ptr<const SceneSource> source, double share);
  /// Takes this share of the samples from scenes without objects, each as often as its area says. Throws UsageError where that
  /// and the share of drawn scenes are more than all, DataError where they have no pixels for training.
  void add_negatives(std::vector<LabelledScene> scenes, double share);
  Sample sample(int64_t number) const;
  const std::vector<LabelledScene>& scenes() const { return scenes_; }

 private:
  CropPlace place(const LabelledScene& scene, Random& random) const;
  Sample cut(const LabelledScene& scene, Random& random) const;

  std::vector<LabelledScene> scenes_;
  std::vector<double> cumulative_share_;
  std::vector<LabelledScene> negatives_;
  std::vector<double> cumulative_negatives_;
  double negatives_share_ = 0;
  CropOptions options_;
  uint64_t seed_;
  std::shared_ptr<const SceneSource> drawn_;
  double drawn_share_ = 0;
};

}  // namespace plat
