// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "synthesis/demo.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <map>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

struct Arguments {
  std::string folder = ".";
  DemoOptions options;
};

void run(const Arguments& arguments, const Context& context) {
  const DemoFiles files = write_demo(arguments.folder, arguments.options);
  if (context.json) {
    const nlohmann::ordered_json json{{"scene", files.scene},
                                      {"buildings", files.buildings},
                                      {"building_count", files.building_count},
                                      {"seed", arguments.options.seed}};
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    std::printf("%s: the scene\n%s: its %lld true footprints\n", files.scene.c_str(), files.buildings.c_str(),
                static_cast<long long>(files.building_count));
  }
}

}  // namespace

void add_demo(CLI::App& program, Context& context) {
  CLI::App* command = add_command(program, context, "demo",
                                  "Draw an invented aerial scene with its true footprints: something to try plat on");
  auto arguments = std::make_shared<Arguments>();
  static const std::map<std::string, Region> kRegions{{"suburb", Region::Suburb},
                                                      {"european", Region::EuropeanTown},
                                                      {"dense", Region::DenseTown},
                                                      {"village", Region::Village},
                                                      {"dry", Region::DryTown}};
  DemoOptions& options = arguments->options;
  command->add_option("-o,--output", arguments->folder, "Folder for demo.tif and demo_buildings.geojson")
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Another number, another town")->capture_default_str();
  command->add_option("--size", options.size, "Pixels a side, 64 to 8192")->capture_default_str();
  command->add_option("--gsd", options.gsd_m, "Ground sample distance in metres, 0.05 to 2")->capture_default_str();
  command->add_option("--region", options.region, "Whose houses: suburb, european, dense, village or dry")
      ->transform(CLI::CheckedTransformer(kRegions, CLI::ignore_case))
      ->default_str("dense");
  command->add_flag("--overwrite", options.overwrite, "Replace files that exist");
  command->add_flag("--json", context.json, "Summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
