// SPDX-License-Identifier: GPL-2.0-only
/*
 * Syncobjs of SUBMIT, binary and timeline: who waits runs after who signals, within a call and
 * across calls, queues and files; and what is refused is refused before anything happened.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib.h"
#include "kselftest_harness.h"

FIXTURE(sync) {
	struct work w;
	uint32_t second;	/* a queue of the other class */
	uint32_t nop;		/* bytes of a NOP at VA_COMMANDS */
	struct drm_maru_sync in;
	struct drm_maru_sync out;
};

FIXTURE_SETUP(sync)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, 4 * MIB,
			       DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, queue_create(self->w.fd, self->w.vm, DRM_MARU_CLASS_COPY, 0,
				  &self->second));
	self->nop = packet_nop(self->w.commands.map);
}

FIXTURE_TEARDOWN(sync)
{
	work_close(&self->w);
}

static struct drm_maru_job job_of(uint32_t queue, uint64_t va, uint32_t bytes,
				  struct drm_maru_sync *syncs, uint32_t count)
{
	return (struct drm_maru_job){
		.queue = queue, .va = va, .bytes = bytes, .syncs = ARRAY(syncs, count),
	};
}

/* A slow writer on one queue, a reader on the other: the reader sees what was written. */
static int write_then_read(struct work *w, uint32_t reader, uint64_t point, uint32_t value)
{
	struct drm_maru_sync out, in, end = sync_signal_to(w->sync, 0);
	uint32_t sync, slow, read;
	struct drm_maru_job job;
	char *at = w->commands.map;
	int err;

	err = syncobj_create(w->fd, false, &sync);
	if (err)
		return err;
	out = sync_signal_to(sync, point);
	in = sync_wait_on(sync, point);
	slow = packet_busy(at, 200, VA_DATA + MIB, MIB);
	slow += packet_fill(at + slow, VA_DATA, MARU_TYPE_I32, 1, value);
	read = packet_copy(at + slow, VA_DATA + 64, VA_DATA, MARU_TYPE_I32, 1);

	job = job_of(w->queue, VA_COMMANDS, slow, &out, 1);
	err = submit(w->fd, &job, 1, NULL);
	if (!err) {
		struct drm_maru_sync both[2] = { in, end };

		job = job_of(reader, VA_COMMANDS + slow, read, both, 2);
		err = submit(w->fd, &job, 1, NULL);
	}
	if (!err)
		err = syncobj_result(w->fd, w->sync, 0);
	syncobj_destroy(w->fd, sync);
	return err;
}

TEST_F(sync, binary_across_queues)
{
	uint32_t *data = self->w.data.map;

	ASSERT_EQ(0, write_then_read(&self->w, self->second, 0, 0x51));
	EXPECT_EQ(0x51, data[16]);
}

TEST_F(sync, timeline_across_queues)
{
	uint32_t *data = self->w.data.map;

	ASSERT_EQ(0, write_then_read(&self->w, self->second, 1ULL << 40, 0x52));
	EXPECT_EQ(0x52, data[16]);
}

TEST_F(sync, timeline_on_the_same_queue)
{
	uint32_t *data = self->w.data.map;

	ASSERT_EQ(0, write_then_read(&self->w, self->w.queue, 7, 0x53));
	EXPECT_EQ(0x53, data[16]);
}

/*
 * A point is reached when those before it are, whoever signals them: @first signals point 1 of a
 * timeline and is held, @second signals point 2, and a job of @second waits for point 2.
 */
static void wait_behind_another(struct __test_metadata *_metadata, struct work *w,
				uint32_t second, bool in_one_call)
{
	uint32_t line, bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 1, 1);
	struct drm_maru_sync one, two, wait[2];
	struct drm_maru_job jobs[3];

	ASSERT_EQ(0, syncobj_create(w->fd, false, &line));
	one = sync_signal_to(line, 1);
	two = sync_signal_to(line, 2);
	wait[0] = sync_wait_on(line, 2);
	wait[1] = sync_signal_to(w->sync, 0);
	jobs[0] = job_of(w->queue, VA_COMMANDS, bytes, &one, 1);
	jobs[1] = job_of(second, 0, 0, &two, 1);
	jobs[2] = job_of(second, 0, 0, wait, 2);
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	for (int i = 0; i < 3; i += in_one_call ? 3 : 1)
		EXPECT_EQ(0, submit(w->fd, &jobs[i], in_one_call ? 3 : 1, NULL));
	EXPECT_EQ(0, card_wait_holding("job.tile", 5000));
	EXPECT_EQ(-ETIME, syncobj_wait(w->fd, w->sync, 0, 300));
	EXPECT_EQ(0, card_release("job.tile"));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(0, syncobj_error(w->fd, line, 2));
}

TEST_F(sync, point_behind_another_queue)
{
	wait_behind_another(_metadata, &self->w, self->second, false);
}

TEST_F(sync, point_behind_another_queue_in_a_call)
{
	wait_behind_another(_metadata, &self->w, self->second, true);
}

/* Points beyond 32 bits are not cut: the high one is not the low one. */
TEST_F(sync, points_have_64_bits)
{
	struct work *w = &self->w;
	uint32_t sync;

	ASSERT_EQ(0, syncobj_create(w->fd, false, &sync));
	ASSERT_EQ(0, syncobj_signal(w->fd, sync, 1));
	self->in = sync_wait_on(sync, (1ULL << 32) + 1);
	struct drm_maru_job job = job_of(w->queue, 0, 0, &self->in, 1);

	EXPECT_EQ(-ENOENT, submit(w->fd, &job, 1, NULL));
	self->in.value = 1;
	EXPECT_EQ(0, submit(w->fd, &job, 1, NULL));
}

/* Within one call a job may wait for what an earlier one of it signals. */
TEST_F(sync, inside_a_call)
{
	struct work *w = &self->w;
	struct drm_maru_job jobs[3];
	uint32_t sync, line, slow, *data = w->data.map;
	struct drm_maru_sync a[1], b[3], c[2];
	char *at = w->commands.map;

	ASSERT_EQ(0, syncobj_create(w->fd, false, &sync));
	ASSERT_EQ(0, syncobj_create(w->fd, false, &line));
	slow = packet_busy(at, 100, VA_DATA + MIB, MIB);
	slow += packet_fill(at + slow, VA_DATA, MARU_TYPE_I32, 1, 5);
	a[0] = sync_signal_to(sync, 0);
	jobs[0] = job_of(w->queue, VA_COMMANDS, slow, a, 1);

	b[0] = sync_wait_on(sync, 0);
	b[1] = sync_signal_to(line, 2);
	b[2] = sync_signal_to(line, 3);
	jobs[1] = job_of(self->second, VA_COMMANDS + slow,
			 packet_copy(at + slow, VA_DATA + 4, VA_DATA, MARU_TYPE_I32, 1), b, 3);

	c[0] = sync_wait_on(line, 2);
	c[1] = sync_signal_to(w->sync, 0);
	slow += jobs[1].bytes;
	jobs[2] = job_of(w->queue, VA_COMMANDS + slow,
			 packet_copy(at + slow, VA_DATA + 8, VA_DATA + 4, MARU_TYPE_I32, 1), c, 2);

	ASSERT_EQ(0, submit(w->fd, jobs, 3, NULL));
	ASSERT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(5, data[2]);
	EXPECT_EQ(0, syncobj_result(w->fd, line, 3));
	/* a later job does not count */
	jobs[0].syncs = ARRAY(c, 1);
	c[0] = sync_wait_on(line, 9);
	b[1].value = 9;
	b[0] = sync_wait_on(line, 2);
	EXPECT_EQ(-ENOENT, submit(w->fd, jobs, 2, NULL));
}

/* A syncobj that another file shares. */
TEST_F(sync, across_files)
{
	struct work *w = &self->w, peer;
	struct drm_syncobj_handle handle = { .fd = -1 };
	struct drm_maru_job job;

	ASSERT_EQ(0, work_open(&peer, DRM_MARU_CLASS_COMPUTE, 0, PAGE, DRM_MARU_TIER_HBM));
	handle.handle = w->sync;
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	ASSERT_EQ(0, node_call(peer.fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, self->nop, 0, w->sync, 0));
	struct drm_maru_sync syncs[2] = {
		sync_wait_on(handle.handle, 0), sync_signal_to(peer.sync, 0),
	};
	job = job_of(peer.queue, 0, 0, syncs, 2);
	EXPECT_EQ(0, submit(peer.fd, &job, 1, NULL));
	EXPECT_EQ(0, syncobj_result(peer.fd, peer.sync, 0));
	work_close(&peer);
}

TEST_F(sync, many_signals)
{
	struct work *w = &self->w;
	struct drm_maru_sync syncs[64];
	struct drm_maru_job job = job_of(w->queue, VA_COMMANDS, self->nop, syncs, 64);

	for (int i = 0; i < 64; i++) {
		uint32_t handle;

		ASSERT_EQ(0, syncobj_create(w->fd, false, &handle));
		syncs[i] = sync_signal_to(handle, i % 2 ? i : 0);
	}
	ASSERT_EQ(0, submit(w->fd, &job, 1, NULL));
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(0, syncobj_result(w->fd, syncs[i].handle, syncs[i].value));
}

static int submit_with(struct work *w, struct drm_maru_sync sync)
{
	struct drm_maru_job jobs[2];
	struct drm_maru_sync out = sync_signal_to(w->sync, 0);
	uint32_t refused;
	int err;

	jobs[0] = job_of(w->queue, 0, 0, &out, 1);
	jobs[1] = job_of(w->queue, 0, 0, &sync, 1);
	err = submit(w->fd, jobs, 2, &refused);
	return err && refused != 1 ? -EPROTO : err;
}

TEST_F(sync, refused)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	struct drm_maru_sync sync;
	uint32_t empty;

	ASSERT_EQ(0, syncobj_create(w->fd, false, &empty));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_wait_on(empty, 0)));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_wait_on(empty, 1)));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_wait_on(0, 0)));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_wait_on(empty + 1000, 0)));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_signal_to(empty + 1000, 0)));
	EXPECT_EQ(-ENOENT, submit_with(w, sync_signal_to(~0U, 5)));

	sync = sync_signal_to(empty, 0);
	sync.type = DRM_MARU_SYNC_USER_FENCE;
	EXPECT_EQ(-EOPNOTSUPP, submit_with(w, sync));
	sync.type = 3;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));
	sync = sync_signal_to(empty, 0);
	sync.value = 1;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));
	sync.type = DRM_MARU_SYNC_TIMELINE;
	sync.value = 0;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));
	sync = sync_signal_to(empty, 0);
	sync.flags |= 2;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));
	sync = sync_signal_to(empty, 0);
	sync.mbz = 1;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));
	sync = sync_signal_to(empty, 0);
	sync.va = 4096;
	EXPECT_EQ(-EINVAL, submit_with(w, sync));

	/* neither job of any of these ran, and nothing was installed */
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(0, info.submitted);
	EXPECT_EQ(-EINVAL, syncobj_error(w->fd, w->sync, 0));
	EXPECT_EQ(0, submit_with(w, sync_signal_to(empty, 0)));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
}

TEST_F(sync, too_many)
{
	struct drm_maru_limits limits;
	struct drm_maru_sync *syncs;
	struct drm_maru_job job;

	ASSERT_EQ(0, query(self->w.fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	syncs = calloc(limits.syncs_per_call + 1, sizeof(*syncs));
	for (uint32_t i = 0; i <= limits.syncs_per_call; i++)
		syncs[i] = sync_signal_to(self->w.sync, 0);
	job = job_of(self->w.queue, 0, 0, syncs, limits.syncs_per_call + 1);
	EXPECT_EQ(-E2BIG, submit(self->w.fd, &job, 1, NULL));
	job.syncs.count--;
	EXPECT_EQ(0, submit(self->w.fd, &job, 1, NULL));
	free(syncs);
}

/* An error travels with the fence; who waited runs all the same, and can look. */
TEST_F(sync, error_in_a_point)
{
	struct work *w = &self->w;
	struct maru_packet *bad = w->commands.map;
	struct drm_maru_sync syncs[2];
	struct drm_maru_job job;
	uint32_t line;

	bad->flags = 1;
	ASSERT_EQ(0, syncobj_create(w->fd, false, &line));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, self->nop, 0, line, 1));
	syncs[0] = sync_wait_on(line, 1);
	syncs[1] = sync_signal_to(w->sync, 0);
	job = job_of(self->second, 0, 0, syncs, 2);
	ASSERT_EQ(0, submit(w->fd, &job, 1, NULL));
	EXPECT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	EXPECT_EQ(-EINVAL, syncobj_result(w->fd, line, 1));
}

TEST_HARNESS_MAIN
