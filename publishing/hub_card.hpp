// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"

#include <string>
#include <vector>

namespace plat {

/// Figures of one measurement, as the card's `model-index` tells them.
struct CardResult {
  struct Metric {
    std::string type;  ///< the Hub's name: "iou", "f1", …
    std::string name;  ///< for people
    double value = 0;
  };
  std::string dataset;  ///< what was measured on, for people
  std::vector<Metric> metrics;
};

/// What the head and the last part of a model card on the Hugging Face Hub say.
struct CardFacts {
  ModelFolder model;
  std::string repo;                   ///< organisation/name
  std::string base_model;             ///< organisation/name on the Hub; empty: none is named
  bool is_adapter = false;            ///< the folder itself is an adapter
  bool has_adapter = false;           ///< a folder adapter/ lies beside the weights
  bool for_peft = false;              ///< the adapter is one that peft loads
  std::string licence_link;           ///< address of a licence that the Hub does not know; may be empty
  std::vector<std::string> datasets;  ///< organisation/name on the Hub
  std::vector<std::string> tags;
  std::vector<CardResult> results;
};

/// A model card: YAML as the Hub demands it, the text of `card` (its own YAML taken off; may be empty), then how the
/// model is used, and its licence and data.
std::string hub_card(const CardFacts& facts, const std::string& card);

/// Throws ModelError naming the file and what the Hub would miss: the YAML's frame, a key or a value.
void check_hub_card(const std::string& path, const CardFacts& facts);

/// Figures of a run: the last validation in its metrics.jsonl, which is that of the weights that were kept. `training` is
/// the path of training.json, which names the scenes. None where either is absent or nothing was measured.
std::vector<CardResult> run_results(const std::string& metrics, const std::string& training);
/// Figures of a file that `plat evaluate --json` printed. Throws IoError, DataError.
CardResult evaluation_result(const std::string& path);

}  // namespace plat
