// SPDX-License-Identifier: MIT
/*
 * A HOLD is over for good once release has changed since the point was armed, so that a thread
 * which left its HOLD to let go of memory can not miss it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/mem/point.h"

#define POINT_POLL_NS	200000

struct point_state {
	bool is_known;
	uint32_t armed;		/* value that skip and release belong to */
	uint32_t skip;
	uint32_t release;
};

static pthread_mutex_t point_lock = PTHREAD_MUTEX_INITIALIZER;	/* protects states */
static struct point_state states[IPC_POINT_COUNT];
static struct ipc_shared *points;

void point_init(struct ipc_shared *shared)
{
	points = shared;
}

static bool point_is_released(enum ipc_point point)
{
	uint32_t release = __atomic_load_n(&points->points[point].release, __ATOMIC_ACQUIRE);

	return release != __atomic_load_n(&states[point].release, __ATOMIC_RELAXED);
}

static enum ipc_action point_decide(enum ipc_point point, enum ipc_action action)
{
	struct ipc_arm *arm = &points->points[point];
	struct point_state *state = &states[point];
	uint32_t armed = __atomic_load_n(&arm->armed, __ATOMIC_ACQUIRE);

	pthread_mutex_lock(&point_lock);
	if (!state->is_known || state->armed != armed) {
		state->is_known = true;
		state->armed = armed;
		state->skip = arm->skip;
		state->release = arm->release;
	}
	if (state->skip) {
		state->skip--;
		action = IPC_ACTION_NONE;
	} else if (action == IPC_ACTION_HOLD && point_is_released(point)) {
		action = IPC_ACTION_NONE;
	} else {
		arm->fired++;
	}
	pthread_mutex_unlock(&point_lock);
	return action;
}

static enum ipc_action point_count(enum ipc_point point)
{
	enum ipc_action action;

	if (!points)
		return IPC_ACTION_NONE;
	__atomic_fetch_add(&points->points[point].hits, 1, __ATOMIC_RELAXED);
	action = __atomic_load_n(&points->points[point].action, __ATOMIC_ACQUIRE);
	if (__builtin_expect(action == IPC_ACTION_NONE, 1))
		return action;
	action = point_decide(point, action);
	if (action == IPC_ACTION_KILL)
		raise(SIGKILL);
	if (action == IPC_ACTION_ABORT)
		abort();
	while (action == IPC_ACTION_HANG)
		pause();
	return action;
}

static bool point_never(void *ctx)
{
	(void)ctx;
	return false;
}

bool point_hit(enum ipc_point point)
{
	return point_hit_until(point, point_never, NULL);
}

bool point_hit_until(enum ipc_point point, bool (*leave)(void *ctx), void *ctx)
{
	const struct timespec nap = { .tv_nsec = POINT_POLL_NS };
	enum ipc_action action = point_count(point);

	if (action != IPC_ACTION_HOLD)
		return action == IPC_ACTION_FAIL;
	__atomic_fetch_add(&points->points[point].holding, 1, __ATOMIC_RELAXED);
	while (!point_is_released(point) && !leave(ctx))
		nanosleep(&nap, NULL);
	__atomic_fetch_sub(&points->points[point].holding, 1, __ATOMIC_RELAXED);
	return false;
}

enum point_pass point_try(enum ipc_point point, bool *held)
{
	enum ipc_action action;

	if (*held) {
		if (!point_is_released(point))
			return POINT_HELD;
		__atomic_fetch_sub(&points->points[point].holding, 1, __ATOMIC_RELAXED);
		*held = false;
		return POINT_PASS;
	}
	action = point_count(point);
	if (action == IPC_ACTION_HOLD) {
		__atomic_fetch_add(&points->points[point].holding, 1, __ATOMIC_RELAXED);
		*held = true;
		return POINT_HELD;
	}
	return action == IPC_ACTION_FAIL ? POINT_FAIL : POINT_PASS;
}
