// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"

#include "core/log.hpp"

#include <cpl_error.h>
#include <gdal.h>
#include <ogr_api.h>

#include <mutex>
#include <string>

namespace plat {
namespace {

void CPL_STDCALL log_message(CPLErr kind, CPLErrorNum, const char* message) {
  const std::string text = std::string("GDAL: ") + message;
  // What ends an operation is thrown by the code that called GDAL; what arrives here is only remarkable.
  if (kind == CE_Failure || kind == CE_Fatal) {
    log_warning(text);
  } else {
    log_debug(text);
  }
}

}  // namespace

GdalSession::GdalSession() {
  static std::once_flag once;
  std::call_once(once, [] {
    GDALAllRegister();
    CPLSetErrorHandler(log_message);
  });
}

void limit_gdal_cache(int64_t bytes) { GDALSetCacheMax64(bytes); }

}  // namespace plat
