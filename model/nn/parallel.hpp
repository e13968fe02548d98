// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace plat::nn {

/// Calls work(begin, end) for even parts of [0, count), one for each thread that torch may use on the calling thread
/// (at::get_num_threads), and waits. torch's own at::parallel_for runs on one thread in a program that is not compiled with
/// the OpenMP that its library was built with. For work that lasts milliseconds: threads are made anew. The first exception
/// is passed on.
void in_parallel(int64_t count, const std::function<void(int64_t begin, int64_t end)>& work);

}  // namespace plat::nn
