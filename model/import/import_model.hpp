// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

struct ImportOptions {
  std::string name = {};     ///< of the model; "" takes the output folder's
  std::string licence = {};  ///< of the weights, for example "apache-2.0"; "" where it is not known
  /// Ground sample distance that scenes are resampled to, metres, positive. Unset: what the source says; where it says nothing,
  /// each scene's own.
  std::optional<double> gsd_m = {};
  bool half = false;       ///< store all weights as float16
  bool overwrite = false;  ///< replace a model folder that exists

  /// Throws UsageError naming the field that is out of range.
  void validate() const;
};

/// What was imported.
struct ImportReport {
  ModelFolder model;
  std::vector<std::string> files;  ///< what was read
  int64_t tensors = 0;
  int64_t parameters = 0;
  int64_t bytes = 0;  ///< of model.safetensors
};

/// Converts a published Segment Anything into a model folder of plat's: Meta's and MobileSAM's files of torch.save,
/// safetensors with Meta's or transformers' names, and folders of transformers, whole or in shards; and an EfficientNet-Lite
/// as the encoder of one that is still to be trained. What the network is
/// follows from its tensors, or from the config.json of a folder that has one. Files are read as data: no code in them is
/// ever run. Numbers stay as they are, in float32, float16 or bfloat16, unless `half` is set; float64 becomes float32.
/// The folder appears under its name only when it is complete. Throws IoError, and ModelError for what is damaged or no
/// SAM; Cancelled.
ImportReport import_model(const std::string& source, const std::string& output, const ImportOptions& options = {});

}  // namespace plat
