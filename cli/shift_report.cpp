// SPDX-License-Identifier: Apache-2.0
#include "cli/shift_report.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace plat::cli {
namespace {

const char* name_of(ShiftVerdict verdict) {
  switch (verdict) {
    case ShiftVerdict::Translation: return "translation";
    case ShiftVerdict::Smooth: return "smooth";
    case ShiftVerdict::Unmeasured: return "unmeasured";
    case ShiftVerdict::Contradictory: return "contradictory";
  }
  return "";
}

double thousandths(double value) { return std::round(value * 1e3) / 1e3; }

}  // namespace

nlohmann::ordered_json json_of(const MeasuredShift& shift, bool shifted) {
  const Point middle =
      shift.field.at({0.5 * static_cast<double>(shift.field.width), 0.5 * static_cast<double>(shift.field.height)});
  nlohmann::ordered_json json;
  json["kind"] = name_of(shift.verdict);
  json["dx_px"] = thousandths(middle.x);
  json["dy_px"] = thousandths(middle.y);
  json["largest_px"] = thousandths(shift.field.largest());
  json["field"] = {{"degree", shift.field.degree}, {"dx", shift.field.dx}, {"dy", shift.field.dy}};
  json["blocks"] = shift.blocks.size();
  json["telling"] = shift.telling;
  json["used"] = shift.used;
  json["spread_px"] = thousandths(shift.spread_px);
  json["taken_out"] = shifted;
  return json;
}

}  // namespace plat::cli
