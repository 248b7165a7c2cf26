/* SPDX-License-Identifier: MIT */
/*
 * Time of queues: what a turn has used of its slice, and the card time that the driver sees.
 * The scheduler's lock is held, except where a comment says otherwise.
 */
#ifndef MARU_SLICE_H
#define MARU_SLICE_H

#include "firmware-emu/fw/queue.h"

/** slice_start() - This thread begins a turn. @is_counted: others wait. No lock. */
void slice_start(bool is_counted);

/** slice_charge() - Charge the turn so far to the queue, and go on with a new one. */
void slice_charge(struct queue *queue);

/** slice_is_used() - This thread's turn has used the slice up, now that others wait. No lock. */
bool slice_is_used(struct queue *queue);

/** slice_is_long() - The turn should be charged, for others to see. No lock. */
bool slice_is_long(void);

/** slice_is_over() - Take a slice off what was used. Return: false: there is less. */
bool slice_is_over(struct queue *queue);

/** time_start() - A first thread came to the queue, or its WAIT is not true. */
void time_start(struct queue *queue);

/** time_stop() - Nothing of that is so any more. */
void time_stop(struct queue *queue);

#endif
