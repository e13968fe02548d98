// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/scene_series.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/text.hpp"
#include "geo/location.hpp"
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
  const Location here = location_of(grid.world_bounds(), grid.crs);
  const Location there = location_of(other.grid().world_bounds(), other.grid().crs);
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

/// What looks like a mistake in the order of scenes, or twice the same.
void warn_of_order(SceneSeries& series) {
  for (std::size_t k = 1; k < series.scenes.size(); ++k) {
    DatedScene &before = series.scenes[k - 1], &after = series.scenes[k];
    if (earlier(after.taken, before.taken)) {
      series.warnings.push_back(after.path() + ": was taken on " + after.taken + ", before " + before.path() + " (" +
                                before.taken + "); exchange them if that is not meant.");
    }
    if (look_the_same(before.reader, after.reader)) {
      series.warnings.push_back(before.path() + " and " + after.path() +
                                ": show the same pixels; nothing can have changed.");
    }
  }
}

MeasuredShift shift_between(const RasterReader& from, const RasterReader& to, const SceneSeriesOptions& options) {
  GreyBlocks blocks(from, to);
  return measure_shift(
      from.grid().width, from.grid().height, [&](const Window& b, const Window& a) { return blocks.read(b, a); },
      options.shift, options.progress);
}

bool is_known(const MeasuredShift& shift) {
  return shift.verdict != ShiftVerdict::Contradictory && shift.verdict != ShiftVerdict::Unmeasured;
}

/// Measures the shift of a scene. Scenes years apart may no longer tell theirs; from the one before, which has its own taken out,
/// little has changed.
void measure(SceneSeries& series, std::size_t k, const SceneSeriesOptions& options) {
  DatedScene& scene = series.scenes[k];
  const DatedScene* from = &series.scenes.front();
  scene.shift = shift_between(from->reader, scene.reader, options);
  if (k > 1 && !is_known(scene.shift)) {
    from = &series.scenes[k - 1];
    scene.shift = shift_between(from->reader, scene.reader, options);
  }
  const std::string both = from->path() + " and " + scene.path() + ": ";
  if (scene.shift.verdict == ShiftVerdict::Contradictory) {
    throw DataError(both + scene.shift.text() +
                    ". Check that they show the same place; pass --no-align to compare them as they lie, or --shift "
                    "DX,DY where it is known.");
  }
  if (is_known(scene.shift) && scene.shift.used == 1 && scene.shift.field.largest() > kLeastShiftPixels) {
    series.warnings.push_back(both + scene.shift.text() +
                              ", which no other block confirms; look at the result, or pass --no-align or --shift.");
  }
  if (scene.shift.verdict == ShiftVerdict::Unmeasured)
    series.warnings.push_back(both + scene.shift.text() + "; they are compared as they lie.");
}

void check_paths(const std::vector<std::string>& paths) {
  if (paths.size() < 2) throw UsageError("name two scenes at least: the one before, then the one after.");
  for (std::size_t k = 1; k < paths.size(); ++k) {
    for (std::size_t i = 0; i < k; ++i) {
      if (!same_file(paths[i], paths[k])) continue;
      const bool pair = paths.size() == 2;
      throw UsageError(paths[k] + (pair ? ": is both the scene before and the scene after. Name two scenes."
                                        : ": is in the series twice. Name each scene once."));
    }
  }
}

/// The part of the grid of one scene where another lies.
Window seen_window(const std::vector<RasterReader>& readers, std::size_t of_grid, const RasterReader& on_grid) {
  std::optional<Window> seen;
  for (std::size_t k = 0; k < readers.size(); ++k) {
    if (k == of_grid) continue;
    const Window window = common_window(on_grid.grid(), on_grid, readers[k]);
    seen = seen ? bounding(*seen, window) : window;
  }
  return *seen;
}

std::size_t scene_of_grid(const std::vector<RasterReader>& readers, SeriesGrid grid) {
  if (grid == SeriesGrid::First) return 0;
  if (grid == SeriesGrid::Last) return readers.size() - 1;
  const auto finest = std::ranges::min_element(
      readers, {}, [](const RasterReader& reader) { return reader.grid().ground_sample_distance_m(); });
  return static_cast<std::size_t>(finest - readers.begin());
}

}  // namespace

SeriesGrid series_grid_of(const std::string& text) {
  if (text == "before") return SeriesGrid::First;
  if (text == "after") return SeriesGrid::Last;
  if (text == "finest") return SeriesGrid::Finest;
  throw UsageError("--grid: '" + text + "' is none of before, after, finest.");
}

std::string SceneSeries::names() const {
  if (scenes.size() > 2) return scenes.front().path() + " to " + scenes.back().path();
  return scenes.front().path() + " and " + scenes.back().path();
}

std::string stac_item_of(const std::string& raster) {
  if (read_stac_item(raster).is_null()) return "";
  return std::filesystem::path(raster).replace_extension(".json").string();
}

std::string time_taken(const RasterInfo& info) {
  const std::string said = normal_time(info.taken);
  return said.empty() ? stac_time(info.path) : said;
}

SceneSeries open_scene_series(const std::vector<std::string>& paths, const SceneSeriesOptions& options,
                              const ModelDescription* model) {
  check_paths(paths);
  std::vector<RasterOptions> read(paths.size(), options.later);
  read.front() = options.first;
  std::vector<RasterReader> readers;
  for (std::size_t k = 0; k < paths.size(); ++k) {
    read[k].gsd_m = std::nullopt;
    read[k].bbox = std::nullopt;
    if (model != nullptr && read[k].bands.empty()) read[k].bands = bands_of(*model);
    readers.emplace_back(paths[k], read[k]);
    if (model != nullptr) check_bands(readers.back(), *model);
    if (k > 0) check_places(readers.front(), readers.back());
  }

  const std::size_t of_grid = scene_of_grid(readers, options.grid);
  RasterOptions chosen = read[of_grid];
  chosen.gsd_m = options.first.gsd_m;
  chosen.bbox = options.first.bbox;
  chosen.bbox_crs = options.first.bbox_crs;
  ModelScene scene = open_grid_scene(paths[of_grid], chosen, model);
  const Grid grid = scene.reader.grid().sub(seen_window(readers, of_grid, scene.reader));

  SceneSeries series;
  series.gsd_m = scene.gsd_m;
  series.assumed_gsd_m = scene.assumed_gsd_m;
  series.warnings = std::move(scene.warnings);
  for (std::size_t k = 0; k < paths.size(); ++k) {
    const double gsd_m = readers[k].grid().ground_sample_distance_m();
    const std::string misplaced = control_point_warning(readers[k].info());
    if (k != of_grid && !misplaced.empty()) series.warnings.push_back(misplaced);
    read[k].target_grid = grid;
    series.scenes.push_back({RasterReader(paths[k], read[k]), gsd_m});
    series.scenes[k].taken = time_taken(series.scenes[k].reader.info());
    series.scenes[k].shift.field = ShiftField::translation(grid.width, grid.height, {0, 0});
  }
  readers.clear();
  warn_of_order(series);
  for (std::size_t k = 1; options.align && k < paths.size(); ++k) {
    DatedScene& later = series.scenes[k];
    if (options.shift_px) {
      later.shift = given_shift(grid, *options.shift_px);
    } else {
      measure(series, k, options);
    }
    if (later.shift.field.largest() <= kLeastShiftPixels) continue;
    later.shifted = true;
    read[k].shift = later.shift.field;
    later.reader = RasterReader(paths[k], read[k]);
  }
  return series;
}

}  // namespace plat
