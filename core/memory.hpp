// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plat {

/// Bytes from text such as "2048" (MB, as OTB and GDAL users write it), "512MB", "1.5GB" or "50%" (of this machine's
/// memory). Throws UsageError on anything else.
int64_t parse_memory(std::string_view text);
/// Text such as "1.4 GB".
std::string format_memory(int64_t bytes);
/// Physical memory that this process may use: the machine's, or its control group's limit when that is lower.
int64_t total_memory();
/// The resident size of this process now, in bytes; 0 where it cannot be told.
int64_t resident_memory();
/// The largest resident size of this process so far, in bytes; 0 where it cannot be told.
int64_t peak_resident_memory();
/// Code, stacks and small blocks of a program that it has not touched yet when the memory of a run is planned.
inline constexpr int64_t kUntouchedBytes = 64'000'000;
/// Makes the C library's allocator keep freed pages instead of returning them to the system at each large free, in few arenas.
/// Called once at the start of a program that runs networks; fresh pages otherwise cost a third of its time.
void keep_freed_pages();
/// Returns to the system what of the allocator's memory is free now, so that resident_memory() tells what is in use.
void return_freed_pages();

}  // namespace plat
