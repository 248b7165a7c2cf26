/* SPDX-License-Identifier: MIT */
/*
 * Which queue runs: the highest priority first, then the classes in turn, then round robin.
 * A queue keeps its turn until it has used its time slice times its weight.
 */
#ifndef MARU_SCHED_H
#define MARU_SCHED_H

#include "firmware-emu/fw/queue.h"

/** sched_work() - Take one piece of work. As pool_client.work. */
bool sched_work(struct engine_scratch *scratch);

/** sched_kick() - There may be something new in a ring. */
void sched_kick(struct queue *queue);

/** sched_is_due() - Tell the thread that has a queue to leave it to others. */
bool sched_is_due(struct queue *queue);

/**
 * sched_cancel() - End what a queue runs; at once where no thread is in it, else at the next
 * tile boundary.
 */
void sched_cancel(struct queue *queue, enum queue_cancel cancel);

/** sched_cancel_is_done() - Tell whether that was carried out. */
bool sched_cancel_is_done(struct queue *queue);

/** sched_is_dead() - Tell whether a queue may be freed after CANCEL_DESTROY. */
bool sched_is_dead(struct queue *queue);

/** sched_set() - Change a scheduling property. */
void sched_set(struct queue *queue, uint32_t property, uint64_t value);

/** sched_poll_parked() - Look at some of the queues that wait. Return: true: one goes on. */
bool sched_poll_parked(void);

/** sched_has_parked() - Some queue waits for a memory word. */
bool sched_has_parked(void);

/** sched_has_ready() - A thread would find work. */
bool sched_has_ready(void);

/** sched_is_busy() - A thread is in a queue. */
bool sched_is_busy(void);

/** sched_suspend_wanted() - Packets that stand between tiles let go of wanted spans. */
void sched_suspend_wanted(void);

/** sched_pause() - Begin nothing, leave at the next tile; or go on. */
void sched_pause(bool is_paused);

/** sched_tick() - Bring what the driver sees of running queues up to date. */
void sched_tick(void);

#endif
