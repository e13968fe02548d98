// SPDX-License-Identifier: Apache-2.0
#include "geo/crs.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/srs.hpp"

#include <ogr_spatialref.h>

#include <array>
#include <string_view>

namespace plat {
namespace {

// Of the GeoPackage standard, srs_id -1.
constexpr std::string_view kUndefinedCartesian = "Undefined Cartesian SRS";

std::string wkt_of(OGRSpatialReferenceH srs) {
  static constexpr std::array<const char*, 3> kOptions = {"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* text = nullptr;
  const OGRErr error = OSRExportToWktEx(srs, &text, kOptions.data());
  const detail::CplText owner(text);
  return error == OGRERR_NONE && text != nullptr ? text : "";
}

/// "EPSG:32644", or "" where the CRS does not name its code.
std::string authority_name(OGRSpatialReferenceH srs) {
  const char* authority = OSRGetAuthorityName(srs, nullptr);
  const char* code = OSRGetAuthorityCode(srs, nullptr);
  return authority != nullptr && code != nullptr ? std::string(authority) + ":" + code : "";
}

/// The code of the known CRS that this one is in all but name; "" where there is none.
std::string matching_code(OGRSpatialReferenceH srs) {
  // From here on PROJ calls a match the same system but for its name.
  constexpr int kSure = 70;
  int count = 0;
  int* confidence = nullptr;
  OGRSpatialReferenceH* matches = OSRFindMatches(srs, nullptr, &count, &confidence);
  std::string code;
  for (int i = 0; i < count && confidence[i] >= kSure && confidence[i] == confidence[0]; ++i) {
    const std::string match = authority_name(matches[i]);
    // Of several registries people know EPSG's.
    if (code.empty() || match.starts_with("EPSG:")) code = match;
    if (code.starts_with("EPSG:")) break;
  }
  OSRFreeSRSArray(matches);
  CPLFree(confidence);
  return code;
}

}  // namespace

namespace detail {

SrsHandle to_srs(const Crs& crs) {
  if (crs.empty()) return nullptr;
  const GdalErrors quiet;
  SrsHandle srs(OSRNewSpatialReference(crs.wkt().c_str()));
  if (srs) OSRSetAxisMappingStrategy(srs.get(), OAMS_TRADITIONAL_GIS_ORDER);
  return srs;
}

SrsHandle undefined_cartesian() {
  SrsHandle srs(OSRNewSpatialReference(nullptr));
  const std::string wkt = "ENGCRS[\"" + std::string(kUndefinedCartesian) +
                          "\",EDATUM[\"Unknown engineering datum\"],CS[Cartesian,2],AXIS[\"x\",east,ORDER[1],LENGTHUNIT[\"metre\","
                          "1]],AXIS[\"y\",north,ORDER[2],LENGTHUNIT[\"metre\",1]]]";
  OSRSetFromUserInput(srs.get(), wkt.c_str());
  return srs;
}

Crs from_srs(OGRSpatialReferenceH srs) {
  if (srs == nullptr) return {};
  const char* name = OSRGetName(srs);
  if (OSRIsLocal(srs) && name != nullptr && std::string_view(name) == kUndefinedCartesian) return {};
  const GdalErrors quiet;
  const SrsHandle flat(OSRClone(srs));
  OSRStripVertical(flat.get());
  OSRDemoteTo2D(flat.get(), nullptr);
  const std::string wkt = wkt_of(flat.get());
  return wkt.empty() ? Crs() : Crs::from_text(wkt);
}

SrsHandle geographic_base(const Crs& crs) {
  const SrsHandle srs = to_srs(crs);
  if (!srs || OSRIsLocal(srs.get())) return nullptr;
  const GdalErrors quiet;
  SrsHandle base(OSRCloneGeogCS(srs.get()));
  if (base) OSRSetAxisMappingStrategy(base.get(), OAMS_TRADITIONAL_GIS_ORDER);
  return base;
}

double metres_per_unit(const Crs& crs) {
  const SrsHandle srs = to_srs(crs);
  const double metres = srs ? OSRGetLinearUnits(srs.get(), nullptr) : 1.0;
  return metres > 0 ? metres : 1.0;
}

}  // namespace detail

Crs Crs::from_text(const std::string& text) {
  const detail::GdalErrors errors;
  const detail::SrsHandle srs(OSRNewSpatialReference(nullptr));
  const std::string definition = trim(text);
  // Only definitions: a path or an address would make a typing error open a file or the network.
  static constexpr std::array<const char*, 3> kOptions = {"ALLOW_NETWORK_ACCESS=NO", "ALLOW_FILE_ACCESS=NO", nullptr};
  const bool understood = !definition.empty() && OGRSpatialReference::FromHandle(srs.get())->SetFromUserInput(
                                                     definition.c_str(), kOptions.data()) == OGRERR_NONE;
  Crs crs;
  if (understood) {
    OSRStripVertical(srs.get());
    crs.wkt_ = wkt_of(srs.get());
  }
  if (crs.empty()) {
    const std::string shown = definition.size() > 80 ? definition.substr(0, 77) + "..." : definition;
    throw DataError("'" + shown + "' names no coordinate reference system; use a code such as EPSG:32644 or WKT" +
                    errors.suffix());
  }
  return crs;
}

Crs Crs::wgs84() {
  static const Crs crs = from_text("EPSG:4326");
  return crs;
}

std::string Crs::name() const {
  const detail::SrsHandle srs = detail::to_srs(*this);
  if (!srs) return "no CRS";
  const detail::GdalErrors quiet;
  std::string code = authority_name(srs.get());
  if (!code.empty()) return code;
  code = matching_code(srs.get());
  if (!code.empty()) return code;
  const char* name = OSRGetName(srs.get());
  const std::string given = name != nullptr ? name : "";
  return given.empty() || given == "unnamed" || given == "unknown" ? "unnamed CRS" : given;
}

bool Crs::is_geographic() const {
  const detail::SrsHandle srs = detail::to_srs(*this);
  return srs && OSRIsGeographic(srs.get()) != 0;
}

bool Crs::same_as(const Crs& other) const {
  if (wkt_ == other.wkt_) return true;
  const detail::SrsHandle a = detail::to_srs(*this);
  const detail::SrsHandle b = detail::to_srs(other);
  if (!a || !b) return false;
  const detail::GdalErrors quiet;
  static constexpr std::array<const char*, 3> kOptions = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                                                          "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS", nullptr};
  return OSRIsSameEx(a.get(), b.get(), kOptions.data()) != 0;
}

}  // namespace plat
