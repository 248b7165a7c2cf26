// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many submitters at once, processes and threads, each with queues of its own or one that all
 * share: every job runs once, and every byte is checked.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "kselftest_harness.h"

#define PROCESSES	4
#define QUEUES		3
#define WORDS		4096
#define STRIPE		(WORDS * 4ULL)

static int rounds(void)
{
	return getenv("MARU_FULL") ? 1000 : 25;
}

/* Fills a stripe, copies it to the next one; the value is different each time. */
static uint32_t record(struct work *w, uint32_t stripe, uint32_t value, uint32_t slot)
{
	char *at = (char *)w->commands.map + slot * 512;
	uint64_t va = VA_DATA + stripe * 2 * STRIPE;
	uint32_t bytes = packet_fill(at, va, MARU_TYPE_I32, WORDS, value);

	return bytes + packet_copy(at + bytes, va + STRIPE, va, MARU_TYPE_I32, WORDS);
}

static int check(struct work *w, uint32_t stripe, uint32_t value)
{
	const uint32_t *words = (const uint32_t *)w->data.map + stripe * 2 * WORDS;

	for (uint32_t i = 0; i < 2 * WORDS; i++) {
		if (words[i] != value)
			return -EBADMSG;
	}
	return 0;
}

static int run_round(struct work *w, const uint32_t *queues, uint32_t seed)
{
	struct drm_maru_job jobs[QUEUES];
	struct drm_maru_sync outs[QUEUES];
	int err;

	for (uint32_t i = 0; i < QUEUES; i++) {
		outs[i] = sync_signal_to(w->sync, (uint64_t)seed * QUEUES + i + 1);
		jobs[i] = (struct drm_maru_job){
			.queue = queues[i], .va = VA_COMMANDS + i * 512,
			.bytes = record(w, i, seed * 7919 + i, i), .syncs = ARRAY(&outs[i], 1),
		};
	}
	err = submit(w->fd, jobs, QUEUES, NULL);
	for (uint32_t i = 0; i < QUEUES && !err; i++)
		err = syncobj_result(w->fd, w->sync, outs[i].value);
	for (uint32_t i = 0; i < QUEUES && !err; i++)
		err = check(w, i, seed * 7919 + i);
	return err;
}

static int child_main(uint32_t number)
{
	uint32_t queues[QUEUES];
	struct work w;
	int err;

	err = work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, QUEUES * 2 * STRIPE,
			number % 2 ? DRM_MARU_TIER_HBM : DRM_MARU_TIER_SYSTEM);
	queues[0] = w.queue;
	for (int i = 1; i < QUEUES && !err; i++)
		err = queue_create(w.fd, w.vm, i % 2 ? DRM_MARU_CLASS_COPY : 0, 0, &queues[i]);
	for (int i = 0; i < rounds() && !err; i++)
		err = run_round(&w, queues, i * PROCESSES + number);
	if (!err)
		work_close(&w);
	return -err;
}

TEST(processes)
{
	pid_t pids[PROCESSES];

	for (uint32_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(child_main(i));
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status);
	}
}

struct worker {
	struct work *w;
	pthread_t thread;
	uint32_t number;
	int err;
};

/* One queue, one VM, one file for all threads; a stripe and a syncobj for each. */
static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->w;
	uint32_t sync;

	me->err = syncobj_create(w->fd, false, &sync);
	for (int i = 0; i < rounds() && !me->err; i++) {
		uint32_t value = i * 31 + me->number;
		uint32_t bytes = record(w, me->number, value, me->number);

		me->err = submit_one(w->fd, w->queue, VA_COMMANDS + me->number * 512, bytes, i,
				     sync, i + 1);
		if (!me->err)
			me->err = syncobj_result(w->fd, sync, i + 1);
		if (!me->err)
			me->err = check(w, me->number, value);
	}
	return NULL;
}

TEST(threads_on_one_queue)
{
	struct worker workers[PROCESSES];
	struct drm_maru_queue_info info;
	struct work w;

	ASSERT_EQ(0, work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, PROCESSES * 2 * STRIPE,
			       DRM_MARU_TIER_HBM));
	for (uint32_t i = 0; i < PROCESSES; i++) {
		workers[i] = (struct worker){ .w = &w, .number = i };
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]));
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].err);
	}
	ASSERT_EQ(0, queue_info(w.fd, w.queue, &info));
	EXPECT_EQ(PROCESSES * rounds(), info.submitted);
	EXPECT_EQ(info.submitted, info.done);
	work_close(&w);
}

/* Everybody's objects come and go under everybody else's jobs. */
static int churn_main(uint32_t number)
{
	int err = 0;

	for (int i = 0; i < rounds() / 5 && !err; i++) {
		struct work w;

		err = work_open(&w, number % 2, 0, 2 * STRIPE, DRM_MARU_TIER_HBM);
		if (!err)
			err = submit_run(w.fd, w.queue, VA_COMMANDS, record(&w, 0, i + 1, 0));
		if (!err)
			err = check(&w, 0, i + 1);
		if (!err)
			work_close(&w);
	}
	return -err;
}

TEST(churn)
{
	pid_t pids[PROCESSES];

	for (uint32_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(churn_main(i));
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, objects_wait("jobs", 0, 10000));
	EXPECT_EQ(0, objects_wait("fences", 0, 10000));
}

TEST_HARNESS_MAIN
