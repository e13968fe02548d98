// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/band_choice.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/detail/raster_open.hpp"

#include <algorithm>
#include <charconv>

namespace plat::detail {
namespace {

/// Number of the first band with a role, from 1; 0 where there is none.
int band_with(const RasterInfo& info, BandRole role) {
  const auto found = std::find(info.roles.begin(), info.roles.end(), role);
  return found == info.roles.end() ? 0 : static_cast<int>(found - info.roles.begin()) + 1;
}

/// The only band with pixels if that is a palette; 0 otherwise.
int lone_palette(const RasterInfo& info) {
  const auto alphas = std::count(info.roles.begin(), info.roles.end(), BandRole::Alpha);
  const int palette = band_with(info, BandRole::Palette);
  return palette > 0 && static_cast<std::ptrdiff_t>(info.roles.size()) - alphas == 1 ? palette : 0;
}

std::string list_of(const RasterInfo& info) {
  std::vector<std::string> pieces;
  for (std::size_t b = 0; b < info.roles.size(); ++b) {
    // A cube of hundreds of bands needs no list.
    if (b == 12) {
      pieces.push_back("… " + std::to_string(info.roles.size()));
      break;
    }
    const bool known = info.roles[b] != BandRole::Unknown;
    pieces.push_back(std::to_string(b + 1) + (known ? std::string(" (") + role_name(info.roles[b]) + ")" : ""));
  }
  return join(pieces, ", ");
}

BandRole role_named(const std::string& name) {
  if (name == "red") return BandRole::Red;
  if (name == "green") return BandRole::Green;
  if (name == "blue") return BandRole::Blue;
  if (name == "nir") return BandRole::NearInfrared;
  if (name == "gray" || name == "grey") return BandRole::Gray;
  if (name == "alpha") return BandRole::Alpha;
  if (name == "palette") return BandRole::Palette;
  return BandRole::Unknown;
}

Channel named_channel(const RasterInfo& info, const std::string& wanted) {
  const std::string name = lower(trim(wanted));
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) {
    if (number >= 1 && static_cast<std::size_t>(number) <= info.roles.size()) return {number, -1};
  } else if (const BandRole role = role_named(name); role != BandRole::Unknown) {
    if (const int band = band_with(info, role)) return {band, -1};
    const int palette = lone_palette(info);
    if (palette > 0 && role == BandRole::Red) return {palette, 0};
    if (palette > 0 && role == BandRole::Green) return {palette, 1};
    if (palette > 0 && role == BandRole::Blue) return {palette, 2};
  }
  throw UsageError(info.path + ": no band '" + trim(wanted) + "'; it has " + list_of(info));
}

}  // namespace

std::vector<Channel> choose_channels(const RasterInfo& info, const std::vector<std::string>& wanted) {
  std::vector<Channel> channels;
  if (!wanted.empty()) {
    for (const std::string& name : wanted) channels.push_back(named_channel(info, name));
    return channels;
  }
  if (const int palette = lone_palette(info)) return {{palette, 0}, {palette, 1}, {palette, 2}};
  const int red = band_with(info, BandRole::Red);
  const int green = band_with(info, BandRole::Green);
  const int blue = band_with(info, BandRole::Blue);
  if (red > 0 && green > 0 && blue > 0) return {{red, -1}, {green, -1}, {blue, -1}};
  for (std::size_t b = 0; b < info.roles.size() && channels.size() < 3; ++b) {
    if (info.roles[b] != BandRole::Alpha) channels.push_back({static_cast<int>(b) + 1, -1});
  }
  if (channels.empty()) {
    throw DataError(info.path + ": has an alpha band only, and no pixels; pass --bands to read it all the same");
  }
  while (channels.size() < 3) {
    channels.resize(1);
    channels.push_back(channels[0]);
    channels.push_back(channels[0]);
  }
  return channels;
}

}  // namespace plat::detail
