// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "model/model_description.hpp"
#include "model/precision.hpp"

#include <memory>
#include <string>

namespace plat {

/// Turns the pixels of a tile into maps of its classes.
class Segmenter {
 public:
  virtual ~Segmenter() = default;
  virtual const ModelDescription& description() const = 0;
  /// `pixels`: the model's bands scaled to 0..255, tile_size square. Returns an image of the same size with
  /// kMapsPerClass bands a class, all in [0, 1]: probability of the class, probability of an object's boundary, and
  /// distance to the boundary, normalised. Thread-safe: tiles run in parallel with one torch thread each, and the
  /// result does not depend on how many.
  virtual Image<float> segment(const Image<float>& pixels) const = 0;
  /// An estimate of the memory that one call takes, in bytes.
  virtual int64_t memory_per_tile() const = 0;
  /// Whether it runs on a graphics card, where one tile at a time is the fastest.
  virtual bool on_card() const { return false; }
};

/// Opens a model folder (config.json + model.safetensors), or the built-in "threshold" model, which calls bright pixels
/// objects, needs no torch and has no precision. `device` is "auto", "cpu" or "cuda[:n]". Throws ModelError saying what is
/// wrong with the folder, or that this model or this device cannot run in that precision.
std::unique_ptr<Segmenter> open_segmenter(const std::string& folder, const std::string& device = "auto",
                                          Precision precision = Precision::Float32);

}  // namespace plat
