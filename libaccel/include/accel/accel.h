/* SPDX-License-Identifier: MIT */
/*
 * libaccel: one header for all of it. man 7 accel is the introduction.
 *
 * Rules that hold for every function:
 *
 * - It returns 0 or a negative errno, unless it cannot fail. accel_error_text() then says which
 *   argument was wrong and why. A refused call has changed nothing.
 * - Handles are opaque and belong to the device that made them. accel_device_close() ends what
 *   is left of them.
 * - Structs that describe something begin with @size, which the caller sets to the struct's
 *   sizeof: a newer library then knows what an older program meant. Each has an _INIT macro.
 * - "Context: Any thread." means that threads may call it at once, also for the same object.
 *   "Context: One thread at a time for @x." means that the callers see to it, for that object.
 *   A handle must not be destroyed while another thread still uses it.
 * - Deadlines are absolute CLOCK_MONOTONIC nanoseconds: accel_deadline() makes one.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include <accel/types.h>
#include <accel/error.h>
#include <accel/device.h>
#include <accel/memory.h>
#include <accel/tensor.h>
#include <accel/cmd.h>
#include <accel/ops.h>
#include <accel/fence.h>
#include <accel/queue.h>

#endif
