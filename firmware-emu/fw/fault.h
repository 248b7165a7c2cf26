/* SPDX-License-Identifier: MIT */
#ifndef MARU_FAULT_H
#define MARU_FAULT_H

#include "firmware-emu/fw/queue.h"

/** fault_fill() - Turn a failed look-up into the error of a descriptor's field. */
void fault_fill(struct queue_error *error, const struct span_vm *space,
		const struct span_fault *fault, unsigned int field);

/** fault_post() - Count an error and tell the driver. */
void fault_post(const struct queue *queue, const struct queue_error *error);

#endif
