// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"

#include "core/error.hpp"

#include <atomic>

namespace plat {
namespace {
std::atomic<bool> g_cancel{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
}  // namespace

void request_cancel() { g_cancel.store(true); }
void reset_cancel() { g_cancel.store(false); }
bool cancel_requested() { return g_cancel.load(); }
void throw_if_cancelled() {
  if (cancel_requested()) throw Cancelled();
}

}  // namespace plat
