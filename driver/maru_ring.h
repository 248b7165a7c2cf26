/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_RING_H
#define MARU_RING_H

#include <drm/maru_cmd.h>

#include "maru_types.h"

/* Descriptors of a ring, and so jobs that the scheduler hands over at a time. */
#define MARU_QUEUE_RING_LOG2	6
#define MARU_QUEUE_RING_SIZE	BIT(MARU_QUEUE_RING_LOG2)

#define MARU_RING_DESCS_BYTES	(MARU_QUEUE_RING_SIZE * sizeof(struct maru_desc))
#define MARU_RING_BLOCK		(sizeof(struct maru_ring) + MARU_RING_DESCS_BYTES)
#define MARU_RING_BYTES		(MARU_RING_BLOCK + MARU_PAGE_BYTES)

int maru_ring_alloc(struct maru_queue *queue);
void maru_ring_free(struct maru_queue *queue);
u64 maru_ring_entry(const struct maru_queue *queue);
u64 maru_ring_block_entry(const struct maru_queue *queue);
void maru_ring_emit_locked(struct maru_queue *queue, struct maru_job *job);
void maru_ring_restart_locked(struct maru_queue *queue, u64 start);

#endif
