/* SPDX-License-Identifier: MIT */
/* Arming the named fault points of ipc.h. */
#ifndef MARU_SLOT_INJECT_H
#define MARU_SLOT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware-emu/ipc.h"

int inject_point(const char *name);
const char *inject_point_name(unsigned int point);
int inject_action(const char *name);
const char *inject_action_name(unsigned int action);
void inject_arm(struct ipc_shared *shared, unsigned int point, enum ipc_action action,
		uint32_t skip);
void inject_release(struct ipc_shared *shared, unsigned int point);
void inject_core_gone(struct ipc_shared *shared);

#endif
