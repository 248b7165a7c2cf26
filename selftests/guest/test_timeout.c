// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time limits and what comes after them: the reset of one queue, which nobody else notices,
 * then of the card, in which the guilty one is banned and the others are unharmed or told.
 */
#include <errno.h>
#include <unistd.h>

#include "lib.h"
#include "kselftest_harness.h"

#define LIMIT_MS	200

FIXTURE(timeout) {
	struct work w;		/* limit LIMIT_MS */
	struct work other;	/* the default */
	uint32_t behind;	/* of the second job of w; points of a timeline lose errors */
	uint32_t boot;
};

FIXTURE_SETUP(timeout)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, LIMIT_MS, 16 * MIB,
			       DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, work_open(&self->other, DRM_MARU_CLASS_COMPUTE, 0, MIB,
			       DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, syncobj_create(self->w.fd, false, &self->behind));
	ASSERT_EQ(0, boot_id(self->w.fd, &self->boot));
}

FIXTURE_TEARDOWN(timeout)
{
	card_release("job.tile");
	card_release("job.decode");
	card_release("job.done");
	card_release("event.irq");
	work_close(&self->w);
	work_close(&self->other);
}

static uint32_t boots(struct work *w)
{
	uint32_t id = 0;

	boot_id(w->fd, &id);
	return id;
}

static uint32_t one_fill(struct work *w, uint32_t value)
{
	return packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 1024, value);
}

static uint32_t word(struct work *w)
{
	return *(volatile uint32_t *)w->data.map;
}

/* No fault is injected: the job is just too long, and is stopped between two tiles. */
TEST_F_TIMEOUT(timeout, long_job, 120)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint32_t bytes = packet_busy(w->commands.map, 2000, VA_DATA, 16 * MIB);
	uint64_t start = now_ns();

	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 77, w->sync, 0));
	/* who was there too does not notice */
	EXPECT_EQ(0, submit_run(self->other.fd, self->other.queue, VA_COMMANDS,
				one_fill(&self->other, 3)));
	EXPECT_EQ(-ETIME, syncobj_result(w->fd, w->sync, 0));
	EXPECT_GT(20000000000ULL, now_ns() - start);

	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_BANNED, info.state);
	EXPECT_EQ(MARU_ERR_TIMEOUT, MARU_ERROR_CODE(info.error));
	EXPECT_EQ(77, info.error_job);
	EXPECT_EQ(1, info.guilty_resets);
	EXPECT_EQ(0, info.innocent_resets);
	EXPECT_LE(LIMIT_MS * 1000000ULL, info.active_ns);
	EXPECT_EQ(-ECANCELED, submit_one(w->fd, w->queue, 0, 0, 0, 0, 0));
	EXPECT_EQ(self->boot, boots(w));
}

/* Many short jobs take longer than the limit together: no reason to end any. */
TEST_F_TIMEOUT(timeout, limit_counts_each_job, 120)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_busy(w->commands.map, 10, VA_DATA, 4 * MIB);

	for (int i = 1; i <= 100; i++)
		ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, i, w->sync, i));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 100));
}

/* Waiting for another queue's fence is no card time. */
TEST_F_TIMEOUT(timeout, waiting_is_free, 120)
{
	struct work *w = &self->w, *other = &self->other;
	struct drm_maru_sync syncs[2];
	struct drm_maru_job job = { .queue = w->queue, .syncs = ARRAY(syncs, 2) };
	struct drm_syncobj_handle handle = { .handle = other->sync, .fd = -1 };

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, submit_one(other->fd, other->queue, VA_COMMANDS, one_fill(other, 1), 0,
				other->sync, 0));
	ASSERT_EQ(0, node_call(other->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle));
	syncs[0] = sync_wait_on(handle.handle, 0);
	syncs[1] = sync_signal_to(w->sync, 0);
	ASSERT_EQ(0, submit(w->fd, &job, 1, NULL));
	EXPECT_EQ(-ETIME, syncobj_wait(w->fd, w->sync, 0, 5 * LIMIT_MS));
	ASSERT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
}

/* Nor is waiting for a turn on the card, behind queues that go before. */
TEST_F_TIMEOUT(timeout, waiting_for_a_turn_is_free, 120)
{
	enum { QUEUES = 4, JOBS = 30 };		/* a queue keeps an engine busy */
	struct work *w = &self->w, *other = &self->other;
	uint32_t bytes = packet_busy(other->commands.map, 1000, VA_DATA, MIB);
	uint32_t queues[QUEUES], ends[QUEUES];
	struct drm_maru_queue_info info;

	ASSERT_EQ(0, queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_PRIORITY,
			       DRM_MARU_PRIORITY_LOW));
	/* ten times as much is what it may take by the clock */
	ASSERT_EQ(0, queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_TIME_LIMIT, 10));
	for (int i = 0; i < QUEUES; i++) {
		ASSERT_EQ(0, syncobj_create(other->fd, false, &ends[i]));
		ASSERT_EQ(0, queue_create(other->fd, other->vm, DRM_MARU_CLASS_COMPUTE, 0,
					  &queues[i]));
		ASSERT_EQ(0, queue_set(other->fd, queues[i], DRM_MARU_PROPERTY_PRIORITY,
				       DRM_MARU_PRIORITY_NORMAL));
	}
	for (int i = 0; i < QUEUES * JOBS; i++)
		ASSERT_EQ(0, submit_one(other->fd, queues[i % QUEUES], VA_COMMANDS, bytes, i,
					ends[i % QUEUES], i / QUEUES + 1));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 7), 1, w->sync, 0));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(7, word(w));
	/* it did wait */
	EXPECT_EQ(0, syncobj_wait(other->fd, ends[0], JOBS / 2, 0));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(0, info.guilty_resets);
}

/* A job that stands still: the queue is reset, and the core stays the same. */
TEST_F_TIMEOUT(timeout, held_job, 120)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	struct drm_maru_resets before, after;

	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &before, sizeof(before)));
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 1), 1, w->sync, 0));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 1), 2, self->behind,
				0));
	ASSERT_EQ(0, card_wait_holding("job.tile", 5000));
	EXPECT_EQ(0, submit_run(self->other.fd, self->other.queue, 0, 0));
	EXPECT_EQ(-ETIME, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(-ECANCELED, syncobj_result(w->fd, self->behind, 0));
	ASSERT_EQ(0, card_release("job.tile"));

	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_BANNED, info.state);
	EXPECT_EQ(1, info.error_job);
	EXPECT_EQ(0, word(w));
	EXPECT_EQ(self->boot, boots(w));
	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_RESETS, &after, sizeof(after)));
	EXPECT_EQ(before.queue_resets + 1, after.queue_resets);
	EXPECT_EQ(before.card_resets, after.card_resets);

	/* a new queue in the same VM works */
	ASSERT_EQ(0, queue_destroy(w->fd, w->queue));
	ASSERT_EQ(0, queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, &w->queue));
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, one_fill(w, 4)));
	EXPECT_EQ(4, word(w));
}

/* A thread that never comes back: only a new core helps. */
TEST_F_TIMEOUT(timeout, stuck_engine, 180)
{
	struct work *w = &self->w, *other = &self->other;
	struct drm_maru_queue_info info;

	ASSERT_EQ(0, card_arm("job.tile", "hang", 0));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 1), 9, w->sync, 0));
	EXPECT_EQ(-ETIME, syncobj_result(w->fd, w->sync, 0));
	ASSERT_EQ(0, card_release("job.tile"));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_BANNED, info.state);
	EXPECT_EQ(1, info.guilty_resets);
	EXPECT_EQ(9, info.error_job);

	/* the other file's queue is on the new core */
	EXPECT_EQ(0, submit_run(other->fd, other->queue, VA_COMMANDS, one_fill(other, 6)));
	EXPECT_EQ(6, word(other));
	EXPECT_NE(self->boot, boots(w));
	ASSERT_EQ(0, queue_info(other->fd, other->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(0, info.innocent_resets);
}

/* The core dies under two innocents, one of which may run again; what was not begun runs. */
TEST_F_TIMEOUT(timeout, innocents, 180)
{
	struct work *w = &self->w, *other = &self->other;
	struct drm_maru_queue_info info;
	uint32_t first;
	struct drm_maru_sync out = sync_signal_to(other->sync, 1);
	struct drm_maru_job job = {
		.queue = other->queue, .flags = DRM_MARU_JOB_IDEMPOTENT, .va = VA_COMMANDS,
		.syncs = ARRAY(&out, 1),
	};

	ASSERT_EQ(0, queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_TIME_LIMIT, 30000));
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 1), 1, w->sync, 0));
	/* behind it, in the ring, not begun */
	ASSERT_EQ(0, submit_one(w->fd, w->queue, 0, 0, 2, self->behind, 0));
	ASSERT_EQ(0, card_wait_holding("job.tile", 5000));
	job.bytes = one_fill(other, 8);
	ASSERT_EQ(0, submit(other->fd, &job, 1, NULL));
	usleep(100000);

	ASSERT_EQ(0, boot_id(w->fd, &first));
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	/* only a dead core is sure not to go on with the tile when it is let go */
	ASSERT_EQ(0, boot_wait(w->fd, first, WAIT_MS));
	card_release("job.tile");
	EXPECT_EQ(0, syncobj_result(other->fd, other->sync, 1));
	EXPECT_EQ(8, word(other));
	EXPECT_EQ(-ECANCELED, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(0, syncobj_result(w->fd, self->behind, 0));

	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_EQ(1, info.innocent_resets);
	EXPECT_EQ(0, info.guilty_resets);
	EXPECT_EQ(2, info.done);
	ASSERT_EQ(0, queue_info(other->fd, other->queue, &info));
	EXPECT_EQ(0, info.innocent_resets);
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, one_fill(w, 5)));
	EXPECT_EQ(5, word(w));
}

/* The core dies at each step of a job: it ends once, and the next one runs. */
TEST_F_TIMEOUT(timeout, core_dies_at_each_step, 300)
{
	static const struct {
		const char *name;
		int err;
	} points[] = {
		{ "job.fetch", -ECANCELED }, { "job.decode", -ECANCELED },
		{ "job.tile", -ECANCELED }, { "job.done", -ECANCELED },
		{ "job.signalled", 0 }, { "event.post", 0 },
	};
	struct work *w = &self->other;

	for (uint32_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		uint32_t sync, boot = boots(w);

		ASSERT_EQ(0, syncobj_create(w->fd, false, &sync));
		/* nor any of the kernel's, which would die in its place */
		ASSERT_EQ(0, objects_wait("jobs", 0, 10000));
		ASSERT_EQ(0, card_arm(points[i].name, "kill", 0));
		ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, one_fill(w, 100 + i), i,
					sync, 0));
		EXPECT_EQ(points[i].err, syncobj_result(w->fd, sync, 0))
			TH_LOG("%s", points[i].name);
		EXPECT_EQ(0, boot_wait(w->fd, boot, WAIT_MS));
		EXPECT_EQ(boot + 1, boots(w));
		if (!points[i].err)
			EXPECT_EQ(100 + i, word(w));
		card_release(points[i].name);
		EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, one_fill(w, 200 + i)));
		EXPECT_EQ(200 + i, word(w));
		syncobj_destroy(w->fd, sync);
	}
}

/* An interrupt is lost: the job ends all the same, a little later. */
TEST_F_TIMEOUT(timeout, lost_interrupt, 120)
{
	struct work *w = &self->other;
	uint64_t fired = card_fired("event.irq");

	ASSERT_EQ(0, card_arm("event.irq", "fail", 0));
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, one_fill(w, 3)));
	EXPECT_EQ(3, word(w));
	EXPECT_LT(fired, card_fired("event.irq"));
	ASSERT_EQ(0, card_release("event.irq"));
	EXPECT_EQ(self->boot, boots(w));
}

TEST_HARNESS_MAIN
