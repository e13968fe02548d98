// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/shift_report.hpp"
#include "core/error.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "geo/vector_info.hpp"
#include "pipeline/change/scene_series.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

namespace plat::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Scenes with more pixels than this are slow to show without overviews.
constexpr int64_t kLargeScene = 100'000'000;
/// Of this many pixels all blocks are decoded in a moment.
constexpr int64_t kSmallScene = 20'000'000;

struct InfoOptions {
  std::string path;
  std::string later;  ///< a second scene; empty: none
  bool json = false;
};

std::string number(double value, int digits = 10) {
  std::ostringstream text;
  text << std::setprecision(digits) << value;
  return text.str();
}

std::string text_of(const Bounds& box, int digits) {
  return number(box.min_x, digits) + ", " + number(box.min_y, digits) + ", " + number(box.max_x, digits) + ", " +
         number(box.max_y, digits);
}

Json json_of(const Bounds& box) { return Json::array({box.min_x, box.min_y, box.max_x, box.max_y}); }

const char* name_of(BandRole role) {
  switch (role) {
    case BandRole::Gray: return "gray";
    case BandRole::Red: return "red";
    case BandRole::Green: return "green";
    case BandRole::Blue: return "blue";
    case BandRole::NearInfrared: return "nir";
    case BandRole::Alpha: return "alpha";
    case BandRole::Palette: return "palette";
    case BandRole::Unknown: break;
  }
  return "unknown";
}

/// The rectangle in longitude and latitude, where the CRS lies on the Earth.
std::optional<Bounds> in_wgs84(const Bounds& box, const Crs& crs) {
  if (crs.empty() || box.empty()) return std::nullopt;
  try {
    return CrsTransform(crs, Crs::wgs84())(box);
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// What a raster says of itself, and what reading it will meet.
struct RasterReport {
  RasterInfo info;
  std::optional<Grid> grid;  ///< the north-up grid that it is read on
  std::optional<double> gsd_m;
  std::vector<std::string> warnings;
};

RasterReport examine(const RasterInfo& info) {
  RasterReport report{info, {}, {}, {}};
  const auto warn = [&](const std::string& text) { report.warnings.push_back(text); };
  try {
    report.grid = RasterReader(info.path).grid();
    if (info.georeferencing != "none") report.gsd_m = report.grid->ground_sample_distance_m();
  } catch (const Error& error) {
    warn(error.what());
  }
  if (info.georeferencing == "none") {
    warn("no georeferencing: results are in pixels, and sizes on the ground are unknown");
  } else if (info.grid.crs.empty()) {
    warn("no CRS: pass --assign-crs EPSG:xxxx; until then its units are taken as metres");
  }
  if (report.grid && (info.georeferencing == "gcps" || info.georeferencing == "rpcs")) {
    warn("placed by " + info.georeferencing + ": it is warped as it is read");
  } else if (report.grid && info.georeferencing != "none" && !info.grid.world_from_pixel.north_up()) {
    warn("not north-up: it is warped as it is read");
  }
  if (const std::string text = control_point_warning(info); !text.empty()) warn(text);
  if (report.grid && (info.overviews > 0 || info.grid.width * info.grid.height <= kSmallScene)) {
    try {
      if (const std::string fill = undeclared_fill(RasterReader(info.path)); !fill.empty()) warn(fill);
    } catch (const Error& error) {
      warn(error.what());
    }
  }
  const bool large = info.grid.width * info.grid.height > kLargeScene;
  if (large && info.overviews == 0) warn("no overviews: previews and scaling are slow; add some with gdaladdo");
  if (large && info.block_width * info.block_height * 4 > kLargeScene) {
    warn("blocks of " + std::to_string(info.block_width) + " x " + std::to_string(info.block_height) +
         " pixels: each window decodes whole ones; convert it with gdal_translate -co TILED=YES");
  }
  return report;
}

Json to_json(const RasterReport& report) {
  const RasterInfo& info = report.info;
  Json out;
  out["path"] = info.path;
  out["kind"] = "raster";
  out["driver"] = info.driver;
  out["width"] = info.grid.width;
  out["height"] = info.grid.height;
  out["pixel_type"] = info.pixel_type;
  out["bands"] = Json::array();
  for (std::size_t b = 0; b < info.roles.size(); ++b) {
    Json band;
    band["number"] = b + 1;
    band["role"] = name_of(info.roles[b]);
    band["name"] = info.band_names[b];
    band["nodata"] = info.nodata[b] ? Json(*info.nodata[b]) : Json();
    out["bands"].push_back(band);
  }
  out["mask"] = info.has_mask;
  out["georeferencing"] = info.georeferencing;
  const Affine& a = info.grid.world_from_pixel;
  out["transform"] =
      info.georeferencing == "transform" ? Json::array({a.x0, a.col_dx, a.row_dx, a.y0, a.col_dy, a.row_dy}) : Json();
  out["crs"] = info.grid.crs.empty() ? Json() : Json(info.grid.crs.name());
  out["crs_wkt"] = info.grid.crs.empty() ? Json() : Json(info.grid.crs.wkt());
  out["ground_sample_distance_m"] = report.gsd_m ? Json(*report.gsd_m) : Json();
  const bool placed = report.grid && info.georeferencing != "none";
  out["extent"] = placed ? json_of(report.grid->world_bounds()) : Json();
  const auto degrees = placed ? in_wgs84(report.grid->world_bounds(), report.grid->crs) : std::nullopt;
  out["extent_wgs84"] = degrees ? json_of(*degrees) : Json();
  out["overviews"] = info.overviews;
  out["block"] = Json::array({info.block_width, info.block_height});
  out["compression"] = info.compression.empty() ? Json() : Json(info.compression);
  out["warnings"] = report.warnings;
  return out;
}

void line(const std::string& name, const std::string& text) {
  std::cout << "  " << std::left << std::setw(14) << name << text << "\n";
}

void print(const RasterReport& report) {
  const RasterInfo& info = report.info;
  std::cout << info.path << "\n";
  line("format", info.driver + ", " + (info.compression.empty() ? "not compressed" : info.compression) +
                     ", blocks of " + std::to_string(info.block_width) + " x " + std::to_string(info.block_height) +
                     ", " + std::to_string(info.overviews) + (info.overviews == 1 ? " overview" : " overviews"));
  line("size",
       std::to_string(info.grid.width) + " x " + std::to_string(info.grid.height) + " pixels, " + info.pixel_type);
  for (std::size_t b = 0; b < info.roles.size(); ++b) {
    const std::string name = info.band_names[b].empty() ? "" : " \"" + info.band_names[b] + "\"";
    const std::string nodata = info.nodata[b] ? ", nodata " + number(*info.nodata[b]) : "";
    line("band " + std::to_string(b + 1), name_of(info.roles[b]) + name + nodata);
  }
  line("mask", info.has_mask ? "yes" : "none");
  line("CRS", info.grid.crs.name() +
                  (info.georeferencing == "transform" ? "" : " (georeferencing: " + info.georeferencing + ")"));
  if (report.gsd_m) line("pixel", number(*report.gsd_m, 4) + " m on the ground");
  if (report.grid && info.georeferencing != "none") {
    const Bounds box = report.grid->world_bounds();
    line("extent", text_of(box, report.grid->crs.is_geographic() ? 10 : 12));
    if (const auto degrees = in_wgs84(box, report.grid->crs)) line("in WGS 84", text_of(*degrees, 9));
  }
  for (const std::string& warning : report.warnings) line("note", warning);
}

Json to_json(const VectorInfo& info) {
  Json out;
  out["path"] = info.path;
  out["kind"] = "vector";
  out["driver"] = info.driver;
  out["layers"] = Json::array();
  for (const LayerInfo& layer : info.layers) {
    Json item;
    item["name"] = layer.name;
    item["features"] = layer.features;
    item["geometry"] = layer.geometry;
    item["crs"] = layer.crs.empty() ? Json() : Json(layer.crs.name());
    item["extent"] = layer.bounds.empty() ? Json() : json_of(layer.bounds);
    const auto degrees = in_wgs84(layer.bounds, layer.crs);
    item["extent_wgs84"] = degrees ? json_of(*degrees) : Json();
    item["fields"] = layer.fields;
    out["layers"].push_back(item);
  }
  return out;
}

void print(const VectorInfo& info) {
  std::cout << info.path << "\n";
  line("format", info.driver);
  for (const LayerInfo& layer : info.layers) {
    line("layer", layer.name + ": " + std::to_string(layer.features) +
                      (layer.features == 1 ? " feature, " : " features, ") + layer.geometry);
    line("CRS", layer.crs.name());
    if (!layer.bounds.empty()) line("extent", text_of(layer.bounds, layer.crs.is_geographic() ? 10 : 12));
    if (const auto degrees = in_wgs84(layer.bounds, layer.crs)) line("in WGS 84", text_of(*degrees, 9));
    std::string fields;
    for (const std::string& field : layer.fields) fields += (fields.empty() ? "" : ", ") + field;
    line("fields", fields.empty() ? "none" : fields);
  }
}

std::variant<RasterReport, VectorInfo> examine(const std::string& path) {
  std::string reason;
  try {
    return examine(inspect_raster(path));
  } catch (const Error& error) {
    reason = error.what();
  }
  try {
    VectorInfo info = inspect_vector(path);
    if (!info.layers.empty()) return info;
  } catch (const IoError&) {
    // The raster drivers' reason is the one that most people need.
  }
  throw IoError(reason);
}

/// How two scenes lie on one another, as `change` will lay them.
void compare(const InfoOptions& options) {
  const SceneSeries pair = open_scene_series({options.path, options.later}, {}, nullptr);
  const DatedScene &before = pair.scenes.front(), &after = pair.scenes.back();
  const Bounds box = pair.grid().world_bounds();
  if (options.json) {
    Json out;
    out["kind"] = "pair";
    out["before"] = to_json(examine(before.reader.info()));
    out["after"] = to_json(examine(after.reader.info()));
    out["before_taken"] = before.taken.empty() ? Json() : Json(before.taken);
    out["after_taken"] = after.taken.empty() ? Json() : Json(after.taken);
    out["width"] = pair.grid().width;
    out["height"] = pair.grid().height;
    out["extent"] = json_of(box);
    out["shift"] = cli::json_of(after.shift, after.shifted);
    out["warnings"] = pair.warnings;
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return;
  }
  print(examine(before.reader.info()));
  print(examine(after.reader.info()));
  std::cout << "both\n";
  const auto taken = [](const std::string& time) { return time.empty() ? std::string("not said") : time; };
  line("taken", taken(before.taken) + " and " + taken(after.taken));
  line("common", std::to_string(pair.grid().width) + " x " + std::to_string(pair.grid().height) +
                     " pixels of the first, " + text_of(box, pair.grid().crs.is_geographic() ? 10 : 12));
  line("shift", after.shift.text());
  for (const std::string& warning : pair.warnings) line("note", warning);
}

void run(const InfoOptions& options) {
  if (!options.later.empty()) return compare(options);
  std::visit(
      [&](const auto& report) {
        if (options.json) {
          // File names and descriptions may hold bytes that are no UTF-8.
          std::cout << to_json(report).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
        } else {
          print(report);
        }
      },
      examine(options.path));
}

}  // namespace

void add_info(CLI::App& program, Context& context) {
  CLI::App* command =
      add_command(program, context, "info",
                  "Describe a raster or a vector file: size, bands, CRS, pixels, extent; or how two scenes lie");
  auto options = std::make_shared<InfoOptions>();
  command->add_option("input", options->path, "Raster or vector file, or one of GDAL's virtual paths")->required();
  command->add_option("later", options->later, "A later scene of the same place: how far it lies from the first");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &context] { context.action = [options] { run(*options); }; });
}

}  // namespace plat::cli
