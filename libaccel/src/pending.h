/* SPDX-License-Identifier: MIT */
/* Submissions that are not known to be over, and how the others ended. */
#ifndef ACCEL_PENDING_H
#define ACCEL_PENDING_H

#include "internal.h"

/** pending_take() - A record for @count command buffers. Takes queue->lock. Return: it, or NULL. */
struct accel_pending *pending_take(struct accel_queue *queue, uint32_t count);

/** pending_give() - Hand back a record that was not used. Takes queue->lock. */
void pending_give(struct accel_queue *queue, struct accel_pending *pending);

/** pending_drop_all() - Free all records of a queue that the card has forgotten. */
void pending_drop_all(struct accel_queue *queue);

/** pending_errno() - What stopped the queue that @info tells about; asks the card's state. */
int pending_errno(struct accel_queue *queue, const struct drm_maru_queue_info *info);

#endif
