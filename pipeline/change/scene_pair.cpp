// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/scene_pair.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/text.hpp"
#include "geo/data_place.hpp"
#include "pipeline/model_scene.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <utility>

namespace plat {
namespace {

/// Shifts below this are left: resampling would blur more than they matter.
constexpr double kLeastShiftPixels = 0.05;
/// Side of the pictures by which equal scenes are known.
constexpr int64_t kGlance = 512;
/// Side of what is looked at before them, in the middle.
constexpr int64_t kMiddle = 64;
/// A block of which less than this share is seen on both dates tells nothing.
constexpr double kLeastSeen = 0.6;

std::string text_of(const Bounds& box) {
  char text[200];
  std::snprintf(text, sizeof text, "%.10g, %.10g to %.10g, %.10g", box.min_x, box.min_y, box.max_x, box.max_y);
  return text;
}

/// "2024:02:11 09:40:00" and the like, so that text order is that of time.
std::string normal_time(std::string text) {
  text = trim(text);
  for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 10); ++i) {
    if (text[i] == ':' || text[i] == '/') text[i] = '-';
  }
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  const bool date = text.size() >= 10 && std::isdigit(static_cast<unsigned char>(text[0])) != 0 && text[4] == '-' &&
                    text[7] == '-' && !text.starts_with("0000");
  return date ? text.substr(0, 19) : "";
}

/// The STAC item beside a raster; null where there is none, or something else has its name.
nlohmann::json read_stac_item(const std::string& raster) {
  constexpr std::uintmax_t kLargestItem = 16'000'000;
  const std::filesystem::path item = std::filesystem::path(raster).replace_extension(".json");
  std::error_code error;
  if (raster.starts_with("/vsi") || !std::filesystem::is_regular_file(item, error) ||
      std::filesystem::file_size(item, error) > kLargestItem) {
    return nullptr;
  }
  try {
    auto json = nlohmann::json::parse(read_text_file(item.string()), nullptr, false);
    if (json.is_object() && json.contains("stac_version")) return json;
  } catch (const Error&) {
    // A file that nobody asked to be read does not end a run.
  }
  return nullptr;
}

std::string stac_time(const std::string& raster) {
  const nlohmann::json item = read_stac_item(raster);
  if (!item.contains("properties") || !item["properties"].is_object()) return "";
  const auto& properties = item["properties"];
  for (const char* name : {"datetime", "start_datetime"}) {
    if (properties.contains(name) && properties[name].is_string())
      return normal_time(properties[name].get<std::string>());
  }
  return "";
}

/// Whether a time is earlier than another as far as both are told.
bool earlier(const std::string& time, const std::string& than) {
  const std::size_t told = std::min(time.size(), than.size());
  return time.compare(0, told, than, 0, told) < 0;
}

void check_places(const RasterReader& before, const RasterReader& after) {
  const auto placed = [](const RasterReader& r) { return r.info().georeferencing != "none"; };
  const Crs& a = before.grid().crs;
  const Crs& b = after.grid().crs;
  if (a.empty() != b.empty() || placed(before) != placed(after)) {
    const bool first = a.empty() != b.empty() ? a.empty() : !placed(before);
    const std::string& lost = (first ? before : after).info().path;
    const std::string& known = (first ? after : before).info().path;
    throw DataError(lost + ": names no CRS, so it cannot be laid on " + known +
                    ". Pass --assign-crs EPSG:xxxx, or georeference it first.");
  }
}

/// The part of a grid where another raster lies.
Window common_window(const Grid& grid, const RasterReader& of_grid, const RasterReader& other) {
  const std::string none = of_grid.info().path + " and " + other.info().path + ": share no ground";
  const DataPlace here = place_of(grid.world_bounds(), grid.crs);
  const DataPlace there = place_of(other.grid().world_bounds(), other.grid().crs);
  const std::string where = " (" + text_of(here.box) + " and " + text_of(there.box) + ")";
  if (!overlap(here, there)) throw DataError(none + where + ". Check the files and their CRS.");
  Bounds box = there.box;
  if (!grid.crs.empty() && !grid.crs.same_as(other.grid().crs)) box = CrsTransform(other.grid().crs, grid.crs)(box);
  const Affine to_pixel = grid.world_from_pixel.inverse();
  const Point from = to_pixel({box.min_x, box.max_y});
  const Point to = to_pixel({box.max_x, box.min_y});
  // Edges that fall on a pixel's edge but for rounding do not add a pixel.
  constexpr double kRounding = 1e-6;
  const auto col = static_cast<int64_t>(std::floor(std::clamp(from.x, -1e15, 1e15) + kRounding));
  const auto row = static_cast<int64_t>(std::floor(std::clamp(from.y, -1e15, 1e15) + kRounding));
  const auto col_end = static_cast<int64_t>(std::ceil(std::clamp(to.x, -1e15, 1e15) - kRounding));
  const auto row_end = static_cast<int64_t>(std::ceil(std::clamp(to.y, -1e15, 1e15) - kRounding));
  const Window common = intersect(grid.window(), {col, row, col_end - col, row_end - row});
  if (common.empty()) throw DataError(none + where + ". Check the files and their CRS.");
  return common;
}

/// Both scenes in grey, block by block, from many threads.
class GreyBlocks {
 public:
  GreyBlocks(const RasterReader& before, const RasterReader& after) : before_(before), after_(after) {}

  std::optional<BlockPair> read(const Window& before, const Window& after) {
    Readers& readers = readers_.local();
    if (!readers.before) {
      const std::lock_guard lock(cloning_);
      readers.before.emplace(before_.clone());
      readers.after.emplace(after_.clone());
    }
    std::optional<RasterBlock> b, a;
    try {
      b = readers.before->read(before);
      a = readers.after->read(after);
    } catch (const IoError&) {
      // Damage is told by the run's tiles; here other blocks do as well.
      readers.before.reset();
      return std::nullopt;
    }
    BlockPair pair{grey(b->pixels), grey(a->pixels), Image<uint8_t>(before.width, before.height)};
    int64_t seen = 0;
    for (std::size_t i = 0; i < pair.valid.size(); ++i) {
      pair.valid.data()[i] = b->valid.data()[i] != 0 && a->valid.data()[i] != 0 ? 1 : 0;
      seen += pair.valid.data()[i];
    }
    if (static_cast<double>(seen) < kLeastSeen * static_cast<double>(before.pixel_count())) return std::nullopt;
    return pair;
  }

 private:
  struct Readers {
    std::optional<RasterReader> before;
    std::optional<RasterReader> after;
  };
  static Image<float> grey(const Image<float>& pixels) {
    Image<float> sum(pixels.width(), pixels.height());
    for (int64_t band = 0; band < pixels.bands(); ++band) {
      for (int64_t row = 0; row < pixels.height(); ++row) {
        std::ranges::transform(sum.row(row), pixels.row(row, band), sum.row(row).begin(), std::plus<>());
      }
    }
    return sum;
  }
  const RasterReader& before_;
  const RasterReader& after_;
  std::mutex cloning_;
  tbb::enumerable_thread_specific<Readers> readers_;
};

bool look_the_same(RasterReader& before, RasterReader& after) {
  const Window whole = before.grid().window();
  if (before.bands() != after.bands()) return false;
  const auto same = [](const auto& x, const auto& y) {
    return std::equal(x.data(), x.data() + x.size(), y.data(), y.data() + y.size());
  };
  // A few pixels in the middle tell most scenes apart; a glance at all of a large one takes seconds.
  const int64_t side = std::min({kMiddle, whole.width, whole.height});
  const Window middle{(whole.width - side) / 2, (whole.height - side) / 2, side, side};
  if (!same(before.read_reduced_around_damage(middle, side, side).pixels,
            after.read_reduced_around_damage(middle, side, side).pixels)) {
    return false;
  }
  const int64_t width = std::min(kGlance, whole.width), height = std::min(kGlance, whole.height);
  const RasterBlock b = before.read_reduced_around_damage(whole, width, height);
  const RasterBlock a = after.read_reduced_around_damage(whole, width, height);
  return same(b.pixels, a.pixels) && same(b.valid, a.valid);
}

MeasuredShift given_shift(const Grid& grid, const Point& shift) {
  MeasuredShift given;
  given.verdict = ShiftVerdict::Translation;
  given.field = ShiftField::translation(grid.width, grid.height, shift);
  return given;
}

}  // namespace

PairGrid pair_grid_of(const std::string& text) {
  if (text == "before") return PairGrid::Before;
  if (text == "after") return PairGrid::After;
  if (text == "finest") return PairGrid::Finest;
  throw UsageError("--grid: '" + text + "' is none of before, after, finest.");
}

std::string stac_item_of(const std::string& raster) {
  if (read_stac_item(raster).is_null()) return "";
  return std::filesystem::path(raster).replace_extension(".json").string();
}

std::string time_taken(const RasterInfo& info) {
  const std::string said = normal_time(info.taken);
  return said.empty() ? stac_time(info.path) : said;
}

ScenePair open_scene_pair(const std::string& before_path, const std::string& after_path,
                          const ScenePairOptions& options, const ModelDescription* model) {
  if (same_file(before_path, after_path)) {
    throw UsageError(before_path + ": is both the scene before and the scene after. Name two scenes.");
  }
  std::vector<std::string> warnings;
  RasterOptions before_options = options.before;
  RasterOptions after_options = options.after;
  before_options.gsd_m = after_options.gsd_m = std::nullopt;
  before_options.bbox = after_options.bbox = std::nullopt;
  if (model != nullptr) {
    if (before_options.bands.empty()) before_options.bands = bands_of(*model);
    if (after_options.bands.empty()) after_options.bands = bands_of(*model);
  }
  RasterReader before(before_path, before_options);
  RasterReader after(after_path, after_options);
  if (model != nullptr) {
    check_bands(before, *model);
    check_bands(after, *model);
  }
  check_places(before, after);

  bool on_before = options.grid == PairGrid::Before;
  if (options.grid == PairGrid::Finest) {
    on_before = before.grid().ground_sample_distance_m() <= after.grid().ground_sample_distance_m();
  }
  RasterOptions chosen = on_before ? before_options : after_options;
  chosen.gsd_m = options.before.gsd_m;
  chosen.bbox = options.before.bbox;
  chosen.bbox_crs = options.before.bbox_crs;
  ModelScene scene = open_grid_scene(on_before ? before_path : after_path, chosen, model);
  warnings = std::move(scene.warnings);
  Grid grid = scene.reader.grid();
  grid = grid.sub(common_window(grid, scene.reader, on_before ? after : before));

  const double before_gsd = before.grid().ground_sample_distance_m();
  const double after_gsd = after.grid().ground_sample_distance_m();
  before_options.target_grid = after_options.target_grid = grid;
  ScenePair pair{RasterReader(before_path, before_options), RasterReader(after_path, after_options)};
  pair.before_gsd_m = before_gsd;
  pair.after_gsd_m = after_gsd;
  pair.gsd_m = scene.gsd_m;
  pair.assumed_gsd_m = scene.assumed_gsd_m;
  pair.before_taken = time_taken(pair.before.info());
  pair.after_taken = time_taken(pair.after.info());
  if (earlier(pair.after_taken, pair.before_taken)) {
    warnings.push_back(after_path + ": was taken on " + pair.after_taken + ", before " + before_path + " (" +
                       pair.before_taken + "); exchange them if that is not meant.");
  }
  if (look_the_same(pair.before, pair.after)) {
    warnings.push_back(before_path + " and " + after_path + ": show the same pixels; nothing can have changed.");
  }
  if (!options.align) {
    pair.shift.field = ShiftField::translation(grid.width, grid.height, {0, 0});
  } else if (options.shift_px) {
    pair.shift = given_shift(grid, *options.shift_px);
  } else {
    GreyBlocks blocks(pair.before, pair.after);
    pair.shift = measure_shift(
        grid.width, grid.height, [&](const Window& b, const Window& a) { return blocks.read(b, a); }, options.shift,
        options.progress);
    const std::string both = before_path + " and " + after_path + ": ";
    if (pair.shift.verdict == ShiftVerdict::Contradictory) {
      throw DataError(both + pair.shift.text() +
                      ". Check that they show the same place; pass --no-align to compare them as they lie, or --shift "
                      "DX,DY where it is known.");
    }
    if (pair.shift.verdict == ShiftVerdict::Unmeasured) {
      warnings.push_back(both + pair.shift.text() + "; they are compared as they lie.");
    }
  }
  if (pair.shift.field.largest() > kLeastShiftPixels) {
    pair.shifted = true;
    after_options.shift = pair.shift.field;
    pair.after = RasterReader(after_path, after_options);
  }
  pair.warnings = std::move(warnings);
  return pair;
}

}  // namespace plat
