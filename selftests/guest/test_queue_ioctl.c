// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUEUE_CREATE, QUEUE_DESTROY, QUEUE_SET, QUEUE_INFO: rights, ranges, life, and races for an
 * id that another thread guesses.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"
#include "kselftest_harness.h"

FIXTURE(queues) {
	struct work w;
};

FIXTURE_SETUP(queues)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(queues)
{
	work_close(&self->w);
}

static int create_with(struct work *w, uint32_t priority, uint32_t limit_ms)
{
	struct drm_maru_queue_create create = {
		.vm = w->vm, .priority = priority, .time_limit_ms = limit_ms,
	};
	int err = node_call(w->fd, DRM_IOCTL_MARU_QUEUE_CREATE, &create);

	return err ? err : queue_destroy(w->fd, create.id);
}

TEST_F(queues, a_new_queue_says_ok)
{
	struct drm_maru_queue_info info;

	ASSERT_EQ(0, queue_info(self->w.fd, self->w.queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(0, info.error);
	EXPECT_EQ(0, info.submitted);
	EXPECT_EQ(0, info.done);
	EXPECT_NE(0, self->w.queue);
}

TEST_F(queues, counters_rise)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint32_t bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_U8, MIB, 1);

	ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(1, info.done);
	EXPECT_LT(0, info.active_ns);
	EXPECT_LE(MIB, info.bytes[DRM_MARU_TIER_HBM]);
}

TEST_F(queues, rights)
{
	struct work *w = &self->w;
	int status;
	pid_t pid;

	EXPECT_EQ(0, create_with(w, DRM_MARU_PRIORITY_REALTIME, 0));
	EXPECT_EQ(0, create_with(w, DRM_MARU_PRIORITY_LOW, 120000));
	EXPECT_EQ(-EINVAL, create_with(w, DRM_MARU_PRIORITY_REALTIME + 1, 0));
	EXPECT_EQ(0, create_with(w, DRM_MARU_PRIORITY_LOW, 3600000));
	EXPECT_EQ(-EINVAL, create_with(w, DRM_MARU_PRIORITY_LOW, 3600001));
	EXPECT_EQ(-EINVAL, create_with(w, DRM_MARU_PRIORITY_LOW, ~0U));
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		if (create_with(w, DRM_MARU_PRIORITY_HIGH, 0) != -EACCES)
			_exit(2);
		if (create_with(w, DRM_MARU_PRIORITY_NORMAL, 60001) != -EACCES)
			_exit(3);
		if (queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_PRIORITY,
			      DRM_MARU_PRIORITY_HIGH) != -EACCES)
			_exit(4);
		if (queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_TIME_LIMIT, 60001) != -EACCES)
			_exit(5);
		_exit(create_with(w, DRM_MARU_PRIORITY_NORMAL, 60000) ? 6 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(queues, kept_for_later)
{
	struct drm_maru_queue_create create = { .vm = self->w.vm };

	create.cls = DRM_MARU_CLASS_STORAGE;
	EXPECT_EQ(-EOPNOTSUPP, node_call(self->w.fd, DRM_IOCTL_MARU_QUEUE_CREATE, &create));
	create.cls = 0;
	create.mode = DRM_MARU_QUEUE_USER;
	EXPECT_EQ(-EOPNOTSUPP, node_call(self->w.fd, DRM_IOCTL_MARU_QUEUE_CREATE, &create));
}

TEST_F(queues, set)
{
	static const struct {
		uint32_t property;
		uint64_t value;
		int err;
	} cases[] = {
		{ DRM_MARU_PROPERTY_PRIORITY, DRM_MARU_PRIORITY_HIGH, 0 },
		{ DRM_MARU_PROPERTY_PRIORITY, 4, -EINVAL },
		{ DRM_MARU_PROPERTY_PRIORITY, 1ULL << 32, -EINVAL },
		{ DRM_MARU_PROPERTY_WEIGHT, 1, 0 },
		{ DRM_MARU_PROPERTY_WEIGHT, 1000, 0 },
		{ DRM_MARU_PROPERTY_WEIGHT, 0, -EINVAL },
		{ DRM_MARU_PROPERTY_WEIGHT, 1001, -EINVAL },
		{ DRM_MARU_PROPERTY_WEIGHT, (1ULL << 32) + 1, -EINVAL },
		{ DRM_MARU_PROPERTY_TIME_SLICE, 100, 0 },
		{ DRM_MARU_PROPERTY_TIME_SLICE, 1000000, 0 },
		{ DRM_MARU_PROPERTY_TIME_SLICE, 99, -EINVAL },
		{ DRM_MARU_PROPERTY_TIME_SLICE, 1000001, -EINVAL },
		{ DRM_MARU_PROPERTY_TIME_LIMIT, 1000, 0 },
		{ DRM_MARU_PROPERTY_TIME_LIMIT, 0, -EINVAL },
		{ DRM_MARU_PROPERTY_TIME_LIMIT, 3600000, 0 },
		{ DRM_MARU_PROPERTY_TIME_LIMIT, 3600001, -EINVAL },
		{ DRM_MARU_PROPERTY_TIME_LIMIT, 1ULL << 40, -EINVAL },
		{ DRM_MARU_PROPERTY_IRQ_US, 0, -EOPNOTSUPP },
		{ 5, 0, -EINVAL },
		{ ~0U, 0, -EINVAL },
	};
	struct work *w = &self->w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(cases[i].err, queue_set(w->fd, w->queue, cases[i].property,
						  cases[i].value))
			TH_LOG("case %zu", i);
	}
	EXPECT_EQ(-ENOENT, queue_set(w->fd, w->queue + 9, DRM_MARU_PROPERTY_WEIGHT, 1));
	EXPECT_EQ(0, submit_run(w->fd, w->queue, 0, 0));
}

TEST_F(queues, destroy)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;

	EXPECT_EQ(-EBUSY, vm_destroy(w->fd, w->vm));
	EXPECT_EQ(-ENOENT, queue_destroy(w->fd, 0));
	EXPECT_EQ(-ENOENT, queue_destroy(w->fd, ~0U));
	EXPECT_EQ(0, queue_destroy(w->fd, w->queue));
	EXPECT_EQ(-ENOENT, queue_destroy(w->fd, w->queue));
	EXPECT_EQ(-ENOENT, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(-ENOENT, submit_run(w->fd, w->queue, 0, 0));
	EXPECT_EQ(0, vm_destroy(w->fd, w->vm));
}

/* Jobs that run, wait in the ring, or wait for the ring: all end, none is lost. */
TEST_F(queues, destroy_under_load)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_busy(w->commands.map, 1000, VA_DATA, MIB), syncs[100];

	for (int i = 0; i < 100; i++)
		ASSERT_EQ(0, syncobj_create(w->fd, false, &syncs[i]));
	for (int round = 0; round < 5; round++) {
		bool is_cancelled = false;
		uint32_t queue;

		ASSERT_EQ(0, queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, &queue));
		for (int i = 0; i < 100; i++)
			ASSERT_EQ(0, submit_one(w->fd, queue, VA_COMMANDS, bytes, i, syncs[i], 0));
		usleep(20000 * round);
		ASSERT_EQ(0, queue_destroy(w->fd, queue));
		for (int i = 0; i < 100; i++) {
			int err = syncobj_result(w->fd, syncs[i], 0);

			/* from some job on, all */
			ASSERT_TRUE(err == -ECANCELED || (err == 0 && !is_cancelled));
			is_cancelled |= err;
		}
		EXPECT_TRUE(is_cancelled);
	}
	EXPECT_EQ(0, submit_run(w->fd, w->queue, 0, 0));
}

/* The scheduler starts a long row of jobs while the queue goes: each is run or cancelled, once. */
TEST_F_TIMEOUT(queues, destroy_while_jobs_start, 600)
{
	enum { ARRAYS = 8, JOBS = 64 };
	int rounds = getenv("MARU_FULL") ? 1000 : 50;
	struct work *w = &self->w;
	uint32_t bytes = packet_busy(w->commands.map, 100, VA_DATA, MIB), gate, ends[ARRAYS];

	ASSERT_EQ(0, syncobj_create(w->fd, false, &gate));
	for (int i = 0; i < ARRAYS; i++)
		ASSERT_EQ(0, syncobj_create(w->fd, false, &ends[i]));
	for (int round = 0; round < rounds; round++) {
		bool is_cancelled = false;
		uint32_t queue;

		ASSERT_EQ(0, queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, &queue));
		ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 0, gate, 0));
		for (int i = 0; i < ARRAYS; i++) {
			struct drm_maru_sync wait = sync_wait_on(gate, 0);
			struct drm_maru_sync end = sync_signal_to(ends[i], 0);
			struct drm_maru_job jobs[JOBS] = { 0 };

			for (int j = 0; j < JOBS; j++)
				jobs[j].queue = queue;
			jobs[0].syncs = ARRAY(&wait, i == 0);
			jobs[JOBS - 1].syncs = ARRAY(&end, 1);
			ASSERT_EQ(0, submit(w->fd, jobs, JOBS, NULL));
		}
		ASSERT_EQ(0, syncobj_wait(w->fd, gate, 0, 10000));
		usleep(round % 8 * 50);
		ASSERT_EQ(0, queue_destroy(w->fd, queue));
		for (int i = 0; i < ARRAYS; i++) {
			int err = syncobj_result(w->fd, ends[i], 0);

			ASSERT_TRUE(err == -ECANCELED || (err == 0 && !is_cancelled))
				TH_LOG("round %d, array %d: %d", round, i, err);
			is_cancelled |= err;
		}
	}
	EXPECT_EQ(0, submit_run(w->fd, w->queue, 0, 0));
}

/* As many as LIMITS says, this one's own included, and no more. */
TEST_F_TIMEOUT(queues, many, 120)
{
	struct work *w = &self->w;
	struct drm_maru_limits limits = { 0 };
	uint32_t made = 0, *ids;

	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	ASSERT_LT(1000, limits.queues);
	ids = calloc(limits.queues + 1, sizeof(*ids));
	while (made <= limits.queues &&
	       !queue_create(w->fd, w->vm, made % 2, 0, &ids[made]))
		made++;
	EXPECT_EQ(limits.queues - 1, made);
	EXPECT_EQ(-ENOSPC, queue_create(w->fd, w->vm, 0, 0, &ids[made]));
	for (uint32_t i = 0; i < made; i += getenv("MARU_FULL") ? 1 : 41)
		EXPECT_EQ(0, submit_run(w->fd, ids[i], 0, 0));
	for (uint32_t i = 0; i < made; i++)
		EXPECT_EQ(0, queue_destroy(w->fd, ids[i]));
	free(ids);
}

struct guess {
	int fd;
	volatile bool stop;
	uint32_t id;
};

static void *guess_and_destroy(void *arg)
{
	struct guess *guess = arg;

	while (!guess->stop) {
		queue_destroy(guess->fd, guess->id);
		submit_run(guess->fd, guess->id, 0, 0);
	}
	return NULL;
}

/* A handle that is found is whole: nobody can destroy half a queue. */
TEST_F_TIMEOUT(queues, guessed_id, 600)
{
	int rounds = getenv("MARU_FULL") ? 20000 : 200;
	struct work *w = &self->w;
	struct guess guess = { .fd = w->fd };
	pthread_t thread;

	ASSERT_EQ(0, queue_create(w->fd, w->vm, 0, 0, &guess.id));
	ASSERT_EQ(0, queue_destroy(w->fd, guess.id));
	ASSERT_EQ(0, pthread_create(&thread, NULL, guess_and_destroy, &guess));
	for (int i = 0; i < rounds; i++) {
		uint32_t id;
		int err;

		ASSERT_EQ(0, queue_create(w->fd, w->vm, 0, 0, &id));
		err = queue_destroy(w->fd, id);
		EXPECT_TRUE(err == 0 || err == -ENOENT);
	}
	guess.stop = true;
	pthread_join(thread, NULL);
}

TEST_F(queues, nothing_is_left)
{
	struct work *w = &self->w;
	uint64_t queues = objects("queues");

	work_close(w);
	EXPECT_EQ(0, objects_wait("queues", queues - 1, 5000));
	EXPECT_EQ(0, objects_wait("jobs", 0, 5000));
	EXPECT_EQ(0, objects_wait("fences", 0, 5000));
}

TEST_HARNESS_MAIN
