/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A way to no card: memory is malloc()ed, submissions are kept and end when the test says so.
 * It lists the operations of the contract and computes nothing.
 */
#ifndef SELFTESTS_MOCK_WAY_H
#define SELFTESTS_MOCK_WAY_H

#include "libaccel/src/internal.h"

#define MOCK_JOBS	256

struct mock_job {
	uint64_t id, address;
	uint32_t bytes;
	bool is_idempotent;
	uint32_t waits, signals;
	uint32_t queue;
};

struct mock {
	uint32_t memories;		/* alive */
	uint32_t queues;
	uint32_t timelines;
	uint32_t maps;
	uint64_t binds;			/* ever */

	struct mock_job jobs[MOCK_JOBS];
	uint32_t job_count;
	uint32_t submits;

	int fail_next;			/* the next call that makes something ends like this */
	bool is_gone;			/* every call ends -ENODEV */
	uint32_t drop_op;		/* not listed by QUERY OPS */
	uint64_t drop_type;		/* bit of the low word: listed for no role */
	uint32_t damage_ops;		/* bytes cut off QUERY OPS */
	struct drm_maru_queue_info info;	/* what queues tell of themselves */
	void (*in_submit)(void);	/* called in each, before it is noted */
	uint64_t bad_job;		/* from this id on, jobs carry an error */
	int bad_error, after_error;	/* of this one and of all later ones */
};

extern struct mock mock;
extern const struct accel_backend_ops mock_ops;

/** mock_open() - Forget everything, open a device. */
struct accel_device *mock_open(void);

/** mock_finish() - All that was submitted to @queue ends. */
void mock_finish(struct accel_queue *queue);

/** mock_finish_to() - Work of @queue up to @value ends. */
void mock_finish_to(struct accel_queue *queue, uint64_t value);

#endif
