// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace plat {
struct TrainOptions;
}

namespace plat::cli {

/// Those options of `plat train` on its data that are parsed as text first.
struct TrainDataArguments {
  std::string val_bbox;
  std::string val_bbox_crs;
  std::string bands;
  std::string assign_crs;
  std::string labels_crs;
  std::string class_values;
  std::vector<std::string> weights;
  std::vector<std::string> label_margins;

  /// Puts what they mean into the options. Throws UsageError, DataError for an unknown CRS.
  void apply(TrainOptions& options) const;
};

/// Declares the options that say what a model learns from.
void add_train_data_arguments(CLI::App& command, TrainOptions& options, TrainDataArguments& arguments);

}  // namespace plat::cli
