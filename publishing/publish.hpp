// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "publishing/same_predictions.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// What becomes a folder for the Hugging Face Hub, and what is said of it there.
struct PublishOptions {
  std::string source;                    ///< folder of a run, a model or an adapter, or the name of a model that ships
  std::string repo;                      ///< organisation/name
  std::string output;                    ///< folder to write; empty: hub/ in the run, else NAME-hub here
  std::string licence;                   ///< of the weights, as the Hub writes it; empty: what the model says
  std::string licence_link;              ///< address of a licence that the Hub does not know
  std::string base_model;                ///< organisation/name of the base on the Hub; an adapter needs one
  std::vector<std::string> attribution;  ///< lines beside those of the model: a data set, its owner and licence
  std::vector<std::string> datasets;     ///< data sets on the Hub, organisation/name
  std::vector<std::string> tags;         ///< beside those that follow from the model
  std::vector<std::string> evaluations;  ///< files of plat evaluate --json, for the card's figures
  std::string revision = "main";         ///< branch
  std::string message;                   ///< of the commit; empty: "Publish NAME with plat"
  bool is_private = false;               ///< of a repository that is made
  bool upload = false;
  bool overwrite = false;  ///< replace a folder that an earlier call wrote
  /// Throws UsageError naming the option.
  void validate() const;
};

/// A folder that was written, and checked.
struct Published {
  struct File {
    std::string name;  ///< in the folder
    int64_t bytes = 0;
    std::string sha256;
  };
  std::string folder;
  std::string kind;  ///< "model" or "adapter"
  std::vector<File> files = {};
  ComparedPredictions compared = {};
  std::string command = {};  ///< that uploads the folder
  std::string client = {};   ///< what uploaded it; empty where nothing did
  std::string url = {};      ///< where it lies; likewise
};

/// Writes a folder in the layout of the Hugging Face Hub, reads it again, and compares its predictions with the source's
/// bit for bit before it gets its name; then uploads it where that is asked for. Nothing of this machine's paths is in
/// it, and it is refused where it holds HF_TOKEN. Throws UsageError, IoError, ModelError: no licence, no attribution, no
/// base, damaged weights, other predictions; Cancelled. What is left then is what was there before.
Published publish(const PublishOptions& options);

}  // namespace plat
