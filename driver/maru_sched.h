/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_SCHED_H
#define MARU_SCHED_H

#include "maru_types.h"

int maru_sched_init(struct maru_queue *queue);
void maru_sched_set_limit(struct maru_queue *queue, u32 time_limit_ms);
void maru_sched_stop(struct maru_queue *queue);
void maru_sched_start(struct maru_queue *queue);
void maru_sched_end(struct maru_queue *queue);

#endif
