/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_LIMIT_H
#define MARU_LIMIT_H

#include "maru_types.h"

int maru_limit_alloc(struct maru_queue *queue);
void maru_limit_free(struct maru_queue *queue);
void maru_limit_restart_locked(struct maru_queue *queue);
void maru_limit_check(struct maru_queue *queue);

#endif
