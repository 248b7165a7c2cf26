/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_JOB_H
#define MARU_JOB_H

#include <drm/maru_accel.h>

#include "maru_types.h"

struct maru_job *maru_job_create(struct maru_queue *queue, u64 client_id);
void maru_job_end(struct maru_job *job, int err);
void maru_job_destroy(struct maru_job *job);
void maru_job_init_fence(struct maru_job *job);
void maru_job_push(struct maru_job *job);

#endif
