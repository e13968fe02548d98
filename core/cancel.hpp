// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plat {

/// Asks every running operation to stop soon; safe to call from a signal handler.
void request_cancel();
/// Forgets an earlier request (tests, or a program that goes on after an interrupted run).
void reset_cancel();
/// Whether a stop was asked for. Thread-safe.
bool cancel_requested();
/// Throws Cancelled if a stop was asked for; long loops call it once per tile, batch or object. Thread-safe.
void throw_if_cancelled();

}  // namespace plat
