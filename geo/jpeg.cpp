// SPDX-License-Identifier: Apache-2.0
#include "geo/jpeg.hpp"

#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"

#include <cpl_vsi.h>

#include <atomic>
#include <string>

namespace plat {
namespace {

/// A file in memory under a name of its own.
class MemoryFile {
 public:
  MemoryFile() {
    static std::atomic<int64_t> count{0};
    name_ = "/vsimem/plat_" + std::to_string(++count) + ".jpg";
  }
  ~MemoryFile() { VSIUnlink(name_.c_str()); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
};

}  // namespace

Image<uint8_t> through_jpeg(const Image<uint8_t>& image, int quality) {
  if (quality < 1 || quality > 100) throw UsageError("a JPEG's quality must lie between 1 and 100");
  if ((image.bands() != 1 && image.bands() != 3) || image.empty() || image.width() > 65500 || image.height() > 65500) {
    throw UsageError("a JPEG has one band or three, and 1 to 65500 pixels a side");
  }
  const detail::GdalErrors errors;
  const auto width = static_cast<int>(image.width());
  const auto height = static_cast<int>(image.height());
  const auto bands = static_cast<int>(image.bands());
  const auto transfer = [&](GDALDatasetH dataset, GDALRWFlag direction, uint8_t* pixels) {
    return dataset != nullptr && GDALDatasetRasterIOEx(dataset, direction, 0, 0, width, height, pixels, width, height,
                                                       GDT_Byte, bands, nullptr, 0, 0, 0, nullptr) == CE_None;
  };
  const detail::DatasetHandle raw(GDALCreate(GDALGetDriverByName("MEM"), "", width, height, bands, GDT_Byte, nullptr));
  bool good = transfer(raw.get(), GF_Write, const_cast<uint8_t*>(image.data()));
  const MemoryFile file;
  GDALDriverH driver = GDALGetDriverByName("JPEG");
  if (driver == nullptr) throw IoError("this GDAL has no JPEG driver");
  const detail::ListHandle list = detail::with_option({}, "QUALITY", std::to_string(quality).c_str());
  if (good) {
    detail::DatasetHandle written(GDALCreateCopy(driver, file.name(), raw.get(), FALSE, list.get(), nullptr, nullptr));
    good = written != nullptr;
  }
  Image<uint8_t> out(image.width(), image.height(), image.bands());
  if (good) {
    const detail::DatasetHandle read(GDALOpen(file.name(), GA_ReadOnly));
    good = transfer(read.get(), GF_Read, out.data());
  }
  if (!good || errors.failed()) throw IoError("an image cannot be kept as JPEG" + errors.suffix());
  return out;
}

}  // namespace plat
