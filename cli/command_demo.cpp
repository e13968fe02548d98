// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "synthesis/demo.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace plat::cli {
namespace {

struct Arguments {
  std::string folder = ".";
  DemoOptions options;
  bool pair = false;
  PairOptions changes;
  std::string shift;  ///< empty: the option was not given
};

void run_scene(const Arguments& arguments, const Context& context) {
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

void run_pair(const Arguments& arguments, const Context& context) {
  PairOptions changes = arguments.changes;
  if (!arguments.shift.empty()) {
    const std::vector<double> shift = parse_numbers(arguments.shift, "--shift");
    if (shift.size() != 2) throw UsageError("--shift: write two numbers, DX,DY: pixels to the right and down.");
    changes.shift_px = {shift[0], shift[1]};
  }
  const DemoPairFiles files = write_demo_pair(arguments.folder, arguments.options, changes);
  nlohmann::ordered_json counts;
  std::string list;
  for (std::size_t i = 0; i < files.counts.size(); ++i) {
    const std::string kind = name_of(static_cast<DrawnChange>(i));
    counts[kind] = files.counts[i];
    list += (i == 0 ? "" : ", ") + std::to_string(files.counts[i]) + " " + kind;
  }
  if (context.json) {
    const nlohmann::ordered_json json{{"before", files.before},
                                      {"after", files.after},
                                      {"before_buildings", files.before_buildings},
                                      {"after_buildings", files.after_buildings},
                                      {"changes", files.changes},
                                      {"counts", counts},
                                      {"shift_px", {changes.shift_px.x, changes.shift_px.y}},
                                      {"seed", arguments.options.seed}};
    std::printf("%s\n", json.dump(2).c_str());
  } else {
    std::printf(
        "%s: the earlier image\n%s: the later one, shifted by %s pixels\n%s, %s: their true footprints\n%s: %s\n",
        files.before.c_str(), files.after.c_str(), text_of(changes.shift_px).c_str(), files.before_buildings.c_str(),
        files.after_buildings.c_str(), files.changes.c_str(), list.c_str());
  }
}

void run(const Arguments& arguments, const Context& context) {
  if (!arguments.pair && !arguments.shift.empty()) throw UsageError("--shift needs --pair: it is the after image's");
  if (arguments.pair) return run_pair(arguments, context);
  run_scene(arguments, context);
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
  command
      ->add_option("-o,--output", arguments->folder,
                   "Folder for demo.tif and demo_buildings.geojson; with --pair for before.tif, after.tif, "
                   "before.geojson, after.geojson and changes.geojson")
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Another number, another town")->capture_default_str();
  command->add_option("--size", options.size, "Pixels a side, 64 to 8192")->capture_default_str();
  command->add_option("--gsd", options.gsd_m, "Ground sample distance in metres, 0.05 to 2")->capture_default_str();
  command->add_option("--region", options.region, "Whose houses: suburb, european, dense, village or dry")
      ->transform(CLI::CheckedTransformer(kRegions, CLI::ignore_case))
      ->default_str("dense");
  command->add_flag(
      "--pair", arguments->pair,
      "Draw the town at two dates: houses appear, vanish, grow and shrink; light, colours and season differ. "
      "All outlines lie where things are in the before image");
  command
      ->add_option(
          "--shift", arguments->shift,
          "With --pair: pixels, DX,DY, by which the after image shows things too far right and down, 12 at most; an "
          "error of its place, which the outlines do not follow")
      ->default_str(text_of(arguments->changes.shift_px));
  command->add_flag("--overwrite", options.overwrite, "Replace files that exist");
  command->add_flag("--json", context.json, "Summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
