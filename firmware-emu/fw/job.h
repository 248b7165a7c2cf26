/* SPDX-License-Identifier: MIT */
/* What a queue does while one thread has it: from descriptor to descriptor. */
#ifndef MARU_JOB_H
#define MARU_JOB_H

#include "firmware-emu/fw/queue.h"

enum job_next {
	JOB_EMPTY,		/* nothing in the ring */
	JOB_OPEN,		/* a packet is planned: its tiles can run */
	JOB_PARK,		/* the WAIT at the head is not true */
	JOB_YIELD,		/* there is more, but others are due */
	JOB_HALT,
	JOB_DEAD,		/* CANCEL_DESTROY was carried out */
};

/** job_advance() - Go on until one of the above. The caller has the queue BUSY. */
enum job_next job_advance(struct queue *queue);

/** job_cancel_now() - Carry out queue->cancel. The caller has the queue BUSY. */
void job_cancel_now(struct queue *queue);

/** job_wait_is_over() - Look at the memory word of a parked queue; a fault ends it too. */
bool job_wait_is_over(struct queue *queue);

/** job_suspend() - Let go of the spans of a packet between tiles; it goes on later. */
void job_suspend(struct queue *queue);

/** job_is_wanted() - Somebody waits for a span of the open packet. */
bool job_is_wanted(const struct queue *queue);

#endif
