// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/forgetting_report.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdio>

namespace plat {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double value, bool sign = false) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), sign ? "%+.3f" : "%.3f", value);
  return text.data();
}

std::string with_interval(double value, const std::optional<Interval>& interval, bool sign = false) {
  if (!interval) return number(value, sign);
  return number(value, sign) + " [" + number(interval->low, sign) + ", " + number(interval->high, sign) + "]";
}

Json json_of(const std::optional<Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json json_of(const std::array<RetainedScore, kPromptWays.size()>& scores) {
  Json json = Json::object();
  for (std::size_t way = 0; way < scores.size(); ++way) {
    const RetainedScore& score = scores[way];
    json[kPromptWays[way]] = {{"base", score.base},     {"base_interval", json_of(score.base_interval)},
                              {"model", score.model},   {"model_interval", json_of(score.model_interval)},
                              {"change", score.change}, {"change_interval", json_of(score.change_interval)}};
  }
  return json;
}

Json by_way(const std::array<double, kPromptWays.size()>& values) {
  Json json = Json::object();
  for (std::size_t way = 0; way < values.size(); ++way) json[kPromptWays[way]] = values[way];
  return json;
}

std::string subject(const ForgettingReport& report) {
  return std::to_string(report.objects) + " objects on " + std::to_string(report.tiles) + " tiles (" + report.data +
         ")";
}

constexpr const char* kKept = "without its adapter (plat segment --no-adapter) the base answers prompts bit for bit";

}  // namespace

std::vector<std::string> lines_of(const ForgettingReport& report) {
  std::vector<std::string> lines = {"forgetting: mean IoU of prompted masks, base and model, of " + subject(report)};
  for (std::size_t way = 0; way < kPromptWays.size(); ++way) {
    const RetainedScore& score = report.all[way];
    lines.push_back(std::string("  ") + kPromptWays[way] + ": " + number(score.base) + " -> " + number(score.model) +
                    ", change " + with_interval(score.change, score.change_interval, true) + "; backward transfer " +
                    number(report.backward_transfer[way], true) + ", average forgetting " +
                    number(report.average_forgetting[way], true));
  }
  if (report.base_is_kept) lines.push_back(std::string("  ") + kKept);
  return lines;
}

std::string to_json(const ForgettingReport& report) {
  Json json = {{"data", report.data},
               {"objects", report.objects},
               {"tiles", report.tiles},
               {"seconds", report.seconds},
               {"miou", json_of(report.all)},
               {"backward_transfer", by_way(report.backward_transfer)},
               {"average_forgetting", by_way(report.average_forgetting)},
               {"kinds", Json::array()},
               {"base_is_kept", report.base_is_kept}};
  for (const RetainedKind& kind : report.kinds)
    json["kinds"].push_back({{"kind", kind.kind}, {"objects", kind.objects}, {"miou", json_of(kind.scores)}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string to_markdown(const ForgettingReport& report) {
  std::string text = "Mean IoU of prompted masks on what training did not show: " + subject(report) +
                     ". Base and model saw the same tiles and prompts.\n\n"
                     "| prompt | base | this model | change | backward transfer | average forgetting |\n"
                     "|---|---|---|---|---|---|\n";
  for (std::size_t way = 0; way < kPromptWays.size(); ++way) {
    const RetainedScore& score = report.all[way];
    text += std::string("| ") + kPromptWays[way] + " | " + with_interval(score.base, score.base_interval) + " | " +
            with_interval(score.model, score.model_interval) + " | " +
            with_interval(score.change, score.change_interval, true) + " | " +
            number(report.backward_transfer[way], true) + " | " + number(report.average_forgetting[way], true) + " |\n";
  }
  text +=
      "\nIn brackets: 95 % intervals by bootstrap over tiles. Backward transfer (Lopez-Paz and Ranzato 2017) and "
      "average "
      "forgetting (Chaudhry et al. 2018) weigh each kind of object the same";
  std::string kinds;
  for (const RetainedKind& kind : report.kinds)
    kinds += (kinds.empty() ? "" : ", ") + kind.kind + " " + std::to_string(kind.objects);
  text += " (" + kinds + ").\n";
  if (report.base_is_kept) text += std::string("\nNothing is lost for good: ") + kKept + ".\n";
  return text;
}

}  // namespace plat
