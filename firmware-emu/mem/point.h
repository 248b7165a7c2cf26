/* SPDX-License-Identifier: MIT */
/*
 * Fault points: named places where the control socket can make the core die, hang, wait or
 * fail. The table is in ipc.h; each place calls one of these functions with its own name.
 */
#ifndef MARU_POINT_H
#define MARU_POINT_H

#include <stdbool.h>

#include "firmware-emu/ipc.h"

/** point_init() - Use the points of a shared page; NULL: no point is ever armed. */
void point_init(struct ipc_shared *shared);

/**
 * point_hit() - Pass a point; a HOLD waits here.
 * Return: true when the step has to fail.
 */
bool point_hit(enum ipc_point point);

/**
 * point_hit_until() - As point_hit(), but a HOLD also ends when @leave says so.
 * @leave: asked again and again while the thread waits
 * @ctx: its argument
 *
 * Return: true when the step has to fail.
 */
bool point_hit_until(enum ipc_point point, bool (*leave)(void *ctx), void *ctx);

enum point_pass {
	POINT_PASS,
	POINT_FAIL,
	POINT_HELD,		/* ask again later, with the same state */
};

/**
 * point_try() - Pass a point without waiting in it.
 * @held: false at first; kept by the caller from one try to the next
 *
 * Return: what to do now.
 */
enum point_pass point_try(enum ipc_point point, bool *held);

#endif
