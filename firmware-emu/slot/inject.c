// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "firmware-emu/slot/inject.h"

static const char *const point_names[IPC_POINT_COUNT] = {
#define INJECT_NAME(name, text) [IPC_POINT_##name] = text,
	IPC_POINTS(INJECT_NAME)
#undef INJECT_NAME
};

static const char *const action_names[] = {
	[IPC_ACTION_NONE] = "none", [IPC_ACTION_KILL] = "kill", [IPC_ACTION_ABORT] = "abort",
	[IPC_ACTION_HANG] = "hang", [IPC_ACTION_HOLD] = "hold", [IPC_ACTION_FAIL] = "fail",
};

#define ACTION_COUNT		(sizeof(action_names) / sizeof(action_names[0]))

static int name_find(const char *const *names, unsigned int count, const char *name)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return (int)i;
	}
	return -ENOENT;
}

/**
 * inject_point() - Find a fault point.
 * @name: its name
 *
 * Return: its number or -ENOENT.
 */
int inject_point(const char *name)
{
	return name_find(point_names, IPC_POINT_COUNT, name);
}

/**
 * inject_point_name() - Name a fault point.
 * @point: its number
 *
 * Return: the name.
 */
const char *inject_point_name(unsigned int point)
{
	return point < IPC_POINT_COUNT ? point_names[point] : "?";
}

/**
 * inject_action() - Find an action.
 * @name: its name
 *
 * Return: its number or -ENOENT.
 */
int inject_action(const char *name)
{
	return name_find(action_names, ACTION_COUNT, name);
}

/**
 * inject_action_name() - Name an action.
 * @action: its number
 *
 * Return: the name.
 */
const char *inject_action_name(unsigned int action)
{
	return action < ACTION_COUNT ? action_names[action] : "?";
}

/**
 * inject_arm() - Arm a fault point, or disarm it with IPC_ACTION_NONE.
 * @shared: the shared page
 * @point: its number
 * @action: what shall happen
 * @skip: how many hits pass first
 *
 * Who is held there goes on. The action is stored last: the core may look at any time.
 */
void inject_arm(struct ipc_shared *shared, unsigned int point, enum ipc_action action,
		uint32_t skip)
{
	struct ipc_arm *arm = &shared->points[point];

	__atomic_store_n(&arm->action, IPC_ACTION_NONE, __ATOMIC_SEQ_CST);
	__atomic_store_n(&arm->release, arm->release + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&arm->skip, skip, __ATOMIC_SEQ_CST);
	__atomic_store_n(&arm->armed, arm->armed + 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&arm->action, action, __ATOMIC_SEQ_CST);
}

/**
 * inject_release() - Let go on what is held at a fault point, and disarm it.
 * @shared: the shared page
 * @point: its number
 */
void inject_release(struct ipc_shared *shared, unsigned int point)
{
	inject_arm(shared, point, IPC_ACTION_NONE, 0);
}

/**
 * inject_core_gone() - Clean up after a core.
 * @shared: the shared page
 *
 * A point that can end or stop a core has done so once it was taken, and the next core shall
 * live; FAIL stays. A point that was never reached stays armed too.
 */
void inject_core_gone(struct ipc_shared *shared)
{
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++) {
		struct ipc_arm *arm = &shared->points[i];

		if (arm->fired && arm->action != IPC_ACTION_FAIL)
			inject_arm(shared, i, IPC_ACTION_NONE, 0);
		arm->holding = 0;
		arm->fired = 0;
	}
}
