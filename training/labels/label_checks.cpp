// SPDX-License-Identifier: Apache-2.0
#include "training/labels/label_checks.hpp"

#include "core/cancel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace plat {
namespace {

constexpr double kSameGsd = 0.05;       // relative
constexpr double kShiftThatCounts = 1;  // pixels; below, the estimate itself may be off by as much
constexpr double kAllPlaces = 200'000;  // on outlines, of all scenes together: a few seconds

std::string counted(int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string fixed(double value, const char* pattern = "%.2f") {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

/// What is to be added to labels, said as where they lie.
std::string where(const LabelShift& shift, double gsd_m, bool georeferenced) {
  const auto part = [gsd_m](double pixels, const char* after, const char* before) {
    return fixed(std::abs(pixels) * gsd_m) + " m " + (pixels > 0 ? before : after);
  };
  return part(shift.col, georeferenced ? "east" : "right", georeferenced ? "west" : "left") + " and " +
         part(shift.row, georeferenced ? "south" : "below", georeferenced ? "north" : "above") + " (" +
         fixed(-shift.col, "%+.1f") + ", " + fixed(-shift.row, "%+.1f") + " pixels, confidence " +
         fixed(shift.confidence, "%.1f") + ")";
}

Finding describe(const LabelShift& shift, const LabelledScene& scene, int64_t scenes, bool fix) {
  const std::string on = scenes == 1 ? scene.name : "the images of " + fixed(scene.gsd_m, "%.3g") + " m";
  const double pixels = std::hypot(shift.col, shift.row);
  Finding finding{Severity::Note, "shift", scenes, ""};
  if (!shift.clear) {
    finding.text = "whether the labels on " + on +
                   " are shifted cannot be told: their outlines fit nowhere much better than elsewhere";
  } else if (pixels < kShiftThatCounts) {
    finding.text = "the labels fit " + on + ": they lie " + where(shift, scene.gsd_m, scene.georeferenced);
  } else {
    finding.severity = fix ? Severity::Note : Severity::Warning;
    finding.text = "the labels lie " + where(shift, scene.gsd_m, scene.georeferenced) + " of what " + on +
                   (scenes == 1 ? " shows" : " show") +
                   (fix ? ": they were moved back" : "; --fix-shift moves them back");
  }
  return finding;
}

}  // namespace

std::vector<Finding> describe(const LabelCounts& counts, int64_t objects) {
  std::vector<Finding> findings;
  const auto add = [&findings](Severity severity, const char* check, int64_t count, std::string text) {
    if (count > 0) findings.push_back({severity, check, count, std::move(text)});
  };
  const bool many = 5 * counts.outside > objects;
  add(many ? Severity::Warning : Severity::Note, "outside", counts.outside,
      counted(counts.outside, "object lies", "objects lie") + " outside the image that their labels belong to" +
          (many ? ": are they misplaced, or those of another image?" : ""));
  add(Severity::Note, "invalid", counts.repaired,
      counted(counts.repaired, "invalid outline was", "invalid outlines were") + " repaired");
  add(Severity::Warning, "no-area", counts.lost,
      counted(counts.lost, "invalid outline has", "invalid outlines have") +
          " no area and cannot be repaired: left out");
  add(Severity::Note, "duplicate", counts.duplicates,
      counted(counts.duplicates, "object is", "objects are") + " there twice and counted once");
  add(Severity::Warning, "overlap", counts.overlapping,
      counted(counts.overlapping, "object shares", "objects share") + " a tenth or more of their ground with another");
  add(Severity::Note, "tiny", counts.tiny,
      counted(counts.tiny, "object is", "objects are") + " smaller than four pixels of the model");
  add(Severity::Warning, "frame", counts.frames,
      counted(counts.frames, "object covers", "objects cover") +
          " nearly all of the image beside others: a frame among the labels?");
  return findings;
}

ShiftCheck check_shift(std::vector<LabelledScene>& scenes, bool fix) {
  ShiftCheck check;
  check.scenes.resize(scenes.size());
  std::vector<ShiftSurface> surfaces;
  const double places = kAllPlaces / static_cast<double>(std::max<std::size_t>(scenes.size(), 1));
  for (const LabelledScene& scene : scenes) {
    throw_if_cancelled();
    surfaces.push_back(shift_surface(scene, std::clamp(places, 500.0, 20'000.0)));
    check.scenes[surfaces.size() - 1] = best_shift(surfaces.back());
  }
  std::vector<char> done(scenes.size());
  for (std::size_t first = 0; first < scenes.size(); ++first) {
    if (done[first] != 0) continue;
    ShiftSurface all;
    std::vector<std::size_t> members;
    for (std::size_t i = first; i < scenes.size(); ++i) {
      if (done[i] != 0 || std::abs(scenes[i].gsd_m / scenes[first].gsd_m - 1) > kSameGsd) continue;
      if (scenes[i].georeferenced != scenes[first].georeferenced) continue;
      done[i] = 1;
      members.push_back(i);
      // What is left out of training whole has no say in where labels for training belong.
      if (scenes[i].count(PixelUse::Train) > 0) all.add(surfaces[i]);
    }
    if (all.points == 0) continue;
    const LabelShift common = best_shift(all);
    check.findings.push_back(describe(common, scenes[first], static_cast<int64_t>(members.size()), fix));
    for (const std::size_t i : members) {
      const LabelShift& chosen = check.scenes[i].clear ? check.scenes[i] : common;
      if (fix && chosen.clear) move_labels(scenes[i], chosen.col, chosen.row);
    }
  }
  return check;
}

}  // namespace plat
