// SPDX-License-Identifier: GPL-2.0-only
/*
 * SUBMIT: packets run and their data is right, jobs of a queue keep order, a call takes all of
 * its jobs or none, and an error of a packet is told precisely and stops its queue only.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib.h"
#include "kselftest_harness.h"

FIXTURE(submit) {
	struct work w;
	struct work other;
};

FIXTURE_VARIANT(submit) {
	uint32_t cls;
	uint32_t tier;
};

FIXTURE_VARIANT_ADD(submit, compute_hbm) {
	.cls = DRM_MARU_CLASS_COMPUTE, .tier = DRM_MARU_TIER_HBM,
};

FIXTURE_VARIANT_ADD(submit, copy_system) {
	.cls = DRM_MARU_CLASS_COPY, .tier = DRM_MARU_TIER_SYSTEM,
};

FIXTURE_SETUP(submit)
{
	ASSERT_EQ(0, work_open(&self->w, variant->cls, 0, MIB, variant->tier));
	self->other.fd = -1;
}

FIXTURE_TEARDOWN(submit)
{
	work_close(&self->w);
	work_close(&self->other);
}

static bool all_are(const void *at, uint32_t words, uint32_t value)
{
	const uint32_t *word = at;

	for (uint32_t i = 0; i < words; i++) {
		if (word[i] != value)
			return false;
	}
	return true;
}

TEST_F(submit, empty_job)
{
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
}

TEST_F(submit, nop)
{
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, VA_COMMANDS,
				packet_nop(self->w.commands.map)));
}

TEST_F(submit, fill)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 65536, 0x12345678);

	ASSERT_TRUE(all_are(w->data.map, MIB / 4, 0));
	ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	EXPECT_TRUE(all_are(w->data.map, 65536, 0x12345678));
	/* not a byte more */
	EXPECT_TRUE(all_are((char *)w->data.map + 65536 * 4, MIB / 4 - 65536, 0));
}

TEST_F(submit, copy)
{
	struct work *w = &self->w;
	uint32_t *data = w->data.map, bytes;

	for (uint32_t i = 0; i < 1000; i++)
		data[i] = i * 2654435761u;
	bytes = packet_copy(w->commands.map, VA_DATA + 65536 + 4, VA_DATA, MARU_TYPE_I32, 1000);
	ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	EXPECT_EQ(0, memcmp(data, data + 16385, 4000));
	EXPECT_EQ(0, data[16384]);
	EXPECT_EQ(0, data[17385]);
}

TEST_F(submit, timestamps_rise)
{
	struct work *w = &self->w;
	uint64_t *data = w->data.map;
	uint32_t bytes = packet_timestamp(w->commands.map, VA_DATA);

	bytes += packet_timestamp((char *)w->commands.map + bytes, VA_DATA + 64);
	ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	EXPECT_NE(0, data[0]);
	EXPECT_GE(data[8], data[0]);
}

/* A chain of read-modify-writes that comes out right in one order only. */
TEST_F(submit, order)
{
	struct work *w = &self->w;
	struct drm_maru_job jobs[16] = { 0 };
	struct drm_maru_sync out = sync_signal_to(w->sync, 0);
	uint32_t *data = w->data.map, at = 0;

	for (uint32_t i = 0; i < 16; i++) {
		/* cell i + 1 gets cell i, then cell i is overwritten */
		uint32_t bytes = packet_copy((char *)w->commands.map + at, VA_DATA + 4 * (i + 1),
					     VA_DATA + 4 * i, MARU_TYPE_I32, 1);

		bytes += packet_fill((char *)w->commands.map + at + bytes, VA_DATA + 4 * i,
				     MARU_TYPE_I32, 1, i);
		jobs[i].queue = w->queue;
		jobs[i].va = VA_COMMANDS + at;
		jobs[i].bytes = bytes;
		jobs[i].id = i;
		at += bytes;
	}
	jobs[15].syncs = ARRAY(&out, 1);
	data[0] = 0xabcd;
	ASSERT_EQ(0, submit(w->fd, jobs, 16, NULL));
	ASSERT_EQ(0, syncobj_result(w->fd, w->sync, 0));
	for (uint32_t i = 0; i < 16; i++)
		EXPECT_EQ(i, data[i]);
	EXPECT_EQ(0xabcd, data[16]);
}

TEST_F(submit, more_jobs_than_the_ring_holds)
{
	struct work *w = &self->w;
	struct drm_maru_job jobs[64] = { 0 };
	struct drm_maru_queue_info info;
	uint32_t bytes = packet_nop(w->commands.map);

	for (int i = 0; i < 64; i++) {
		jobs[i].queue = w->queue;
		jobs[i].va = VA_COMMANDS;
		jobs[i].bytes = bytes;
	}
	for (int i = 0; i < 8; i++)
		ASSERT_EQ(0, submit(w->fd, jobs, 64, NULL));
	ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(8 * 64 + 1, info.submitted);
	EXPECT_EQ(info.submitted, info.done);
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_OK, info.state);
	EXPECT_LT(0, info.active_ns);
}

/* One bad job at each place: nothing runs, and the place is told. */
TEST_F(submit, all_or_nothing)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint32_t bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 16, 1), refused;

	for (uint32_t bad = 0; bad < 3; bad++) {
		struct drm_maru_job jobs[3] = { 0 };

		for (int i = 0; i < 3; i++) {
			jobs[i].queue = w->queue;
			jobs[i].va = VA_COMMANDS;
			jobs[i].bytes = bytes;
		}
		jobs[bad].queue = w->queue + 1000;
		EXPECT_EQ(-ENOENT, submit(w->fd, jobs, 3, &refused));
		EXPECT_EQ(bad, refused);
	}
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(0, info.submitted);
	EXPECT_TRUE(all_are(w->data.map, 16, 0));
}

TEST_F(submit, queue_of_another_file)
{
	struct work *w = &self->w;

	ASSERT_EQ(0, work_open(&self->other, variant->cls, 0, PAGE, variant->tier));
	ASSERT_EQ(0, queue_destroy(self->other.fd, self->other.queue));
	EXPECT_EQ(-ENOENT, submit_run(self->other.fd, w->queue, 0, 0));
}

/* The packets before the bad one have taken effect, none after; only this queue stops. */
TEST_F(submit, packet_error)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint32_t first = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_I32, 16, 7), bytes;
	struct maru_packet *bad = (struct maru_packet *)((char *)w->commands.map + first);
	uint32_t second;

	bytes = first + packet_fill(bad, VA_DATA + 64, MARU_TYPE_I32, 16, 8);
	bad->flags = 1;
	bad->tag = 0x7a67;
	bytes += packet_fill((char *)w->commands.map + bytes, VA_DATA + 128, MARU_TYPE_I32, 16, 9);
	ASSERT_EQ(0, queue_create(w->fd, w->vm, variant->cls, 0, &second));

	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, bytes, 4711, w->sync, 0));
	EXPECT_EQ(-EINVAL, syncobj_result(w->fd, w->sync, 0));
	EXPECT_TRUE(all_are(w->data.map, 16, 7));
	EXPECT_TRUE(all_are((char *)w->data.map + 64, 32, 0));

	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_BANNED, info.state);
	EXPECT_EQ(MARU_ERR_BAD_FLAG, MARU_ERROR_CODE(info.error));
	EXPECT_EQ(MARU_ROLE_NONE, MARU_ERROR_ROLE(info.error));
	EXPECT_EQ(first, info.packet_offset);
	EXPECT_EQ(0x7a67, info.tag);
	EXPECT_EQ(4711, info.error_job);
	EXPECT_EQ(0, info.guilty_resets);

	EXPECT_EQ(-ECANCELED, submit_one(w->fd, w->queue, VA_COMMANDS, first, 0, 0, 0));
	EXPECT_EQ(0, submit_run(w->fd, second, VA_COMMANDS, first));
	EXPECT_EQ(0, queue_destroy(w->fd, w->queue));
}

TEST_F(submit, fault_names_the_address)
{
	struct work *w = &self->w;
	struct drm_maru_queue_info info;
	uint64_t hole = VA_DATA + MIB;
	uint32_t bytes = packet_fill(w->commands.map, hole, MARU_TYPE_I32, 16, 7);

	EXPECT_EQ(-EFAULT, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(DRM_MARU_QUEUE_STATE_BANNED, info.state);
	EXPECT_EQ(MARU_ERR_FAULT_WRITE, MARU_ERROR_CODE(info.error));
	EXPECT_EQ(hole, info.error_va & ~(PAGE - 1));
}

/* A conversion on a queue that does none; a row that the table has not. */
TEST_F(submit, not_supported_and_out_of_range)
{
	struct work *w = &self->w;
	struct maru_packet *packet = w->commands.map;
	struct maru_operand *operand = (struct maru_operand *)(packet + 1);
	uint32_t bytes = packet_copy(packet, VA_DATA + PAGE, VA_DATA, MARU_TYPE_I32, 16);
	bool is_copy = variant->cls == DRM_MARU_CLASS_COPY;

	if (is_copy) {
		operand[MARU_ROLE_SRC].type = MARU_TYPE_F32;
	} else {
		packet->op = MARU_OP_GATHER;
		packet->roles |= 1 << MARU_ROLE_IDX;
		bytes += sizeof(*operand);
		packet->bytes = bytes;
		operand[MARU_ROLE_IDX] = operand[MARU_ROLE_SRC];
		operand[MARU_ROLE_IDX].dim[0] = 1;
		*(uint32_t *)w->data.map = 1;
	}
	EXPECT_EQ(is_copy ? -EOPNOTSUPP : -ERANGE, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
}

TEST_F(submit, the_card_breaks_its_contract)
{
	struct work *w = &self->w;
	uint32_t bytes = packet_nop(w->commands.map);

	ASSERT_EQ(0, card_arm("job.decode", "fail", 0));
	EXPECT_EQ(-EIO, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	ASSERT_EQ(0, card_release("job.decode"));
}

TEST_F(submit, commands_that_are_not_mapped)
{
	struct work *w = &self->w;

	EXPECT_EQ(-EFAULT, submit_run(w->fd, w->queue, VA_COMMANDS - 64 * PAGE, 64));
}

/* The first error ends its job; those behind it in the ring are cancelled, in order. */
TEST_F(submit, jobs_behind_an_error_are_cancelled)
{
	struct work *w = &self->w;
	struct drm_maru_job jobs[8] = { 0 };
	struct drm_maru_sync outs[8];
	struct drm_maru_queue_info info;
	uint32_t good = packet_nop(w->commands.map), bad;

	bad = packet_nop((char *)w->commands.map + good);
	((struct maru_packet *)((char *)w->commands.map + good))->mbz = 1;
	for (int i = 0; i < 8; i++) {
		uint32_t sync;

		ASSERT_EQ(0, syncobj_create(w->fd, false, &sync));
		outs[i] = sync_signal_to(sync, 0);
		jobs[i].queue = w->queue;
		jobs[i].va = VA_COMMANDS + (i == 3 ? good : 0);
		jobs[i].bytes = i == 3 ? bad : good;
		jobs[i].id = i;
		jobs[i].syncs = ARRAY(&outs[i], 1);
	}
	ASSERT_EQ(0, submit(w->fd, jobs, 8, NULL));
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(i < 3 ? 0 : i == 3 ? -EINVAL : -ECANCELED,
			  syncobj_result(w->fd, outs[i].handle, 0));
	ASSERT_EQ(0, queue_info(w->fd, w->queue, &info));
	EXPECT_EQ(3, info.error_job);
	EXPECT_EQ(8, info.done);
}

/* Whoever is woken by the last job finds all counted, those that the scheduler refused too. */
TEST_F_TIMEOUT(submit, done_counts_what_ended, 300)
{
	int rounds = getenv("MARU_FULL") ? 2000 : 20;
	struct work *w = &self->w;
	uint32_t bytes = packet_nop(w->commands.map), queue;
	struct drm_maru_sync out = sync_signal_to(w->sync, 0);
	struct drm_maru_queue_info info;

	((struct maru_packet *)w->commands.map)->mbz = 1;
	for (int i = 0; i < rounds; i++) {
		struct drm_maru_job jobs[8] = { 0 };

		ASSERT_EQ(0, queue_create(w->fd, w->vm, variant->cls, 0, &queue));
		for (int j = 0; j < 8; j++) {
			jobs[j].queue = queue;
			jobs[j].va = VA_COMMANDS;
			jobs[j].bytes = bytes;
		}
		jobs[7].syncs = ARRAY(&out, 1);
		ASSERT_EQ(0, submit(w->fd, jobs, 8, NULL));
		ASSERT_EQ(0, syncobj_wait(w->fd, w->sync, 0, WAIT_MS));
		ASSERT_EQ(0, queue_info(w->fd, queue, &info));
		ASSERT_EQ(8, info.done);
		ASSERT_EQ(0, queue_destroy(w->fd, queue));
	}
}

/* An element may be larger than the kernel knows, as long as the rest is zero. */
TEST_F(submit, array_stride)
{
	struct work *w = &self->w;
	struct {
		struct drm_maru_job job;
		uint64_t more[2];
	} jobs[2] = { 0 };
	struct drm_maru_submit call = {
		.jobs = { .stride = sizeof(jobs[0]), .count = 2, .ptr = (uintptr_t)jobs },
	};

	jobs[0].job.queue = w->queue;
	jobs[1].job.queue = w->queue;
	EXPECT_EQ(0, node_call(w->fd, DRM_IOCTL_MARU_SUBMIT, &call));
	jobs[1].more[1] = 1;
	EXPECT_EQ(-EINVAL, node_call(w->fd, DRM_IOCTL_MARU_SUBMIT, &call));
	jobs[1].more[1] = 0;
	call.jobs.stride = sizeof(struct drm_maru_job) - 8;
	EXPECT_EQ(-EINVAL, node_call(w->fd, DRM_IOCTL_MARU_SUBMIT, &call));
	call.jobs.stride = sizeof(jobs[0]) - 4;
	EXPECT_EQ(-EINVAL, node_call(w->fd, DRM_IOCTL_MARU_SUBMIT, &call));
	call.jobs.stride = 8192;
	EXPECT_EQ(-EINVAL, node_call(w->fd, DRM_IOCTL_MARU_SUBMIT, &call));
}

TEST_F(submit, limits)
{
	struct work *w = &self->w;
	struct drm_maru_limits limits;
	struct drm_maru_job *jobs;
	uint32_t refused;

	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	jobs = calloc(limits.jobs_per_submit + 1, sizeof(*jobs));
	for (uint32_t i = 0; i <= limits.jobs_per_submit; i++)
		jobs[i].queue = w->queue;
	EXPECT_EQ(-E2BIG, submit(w->fd, jobs, limits.jobs_per_submit + 1, &refused));
	EXPECT_EQ(~0U, refused);
	EXPECT_EQ(0, submit(w->fd, jobs, limits.jobs_per_submit, NULL));
	jobs[0].va = VA_COMMANDS;
	jobs[0].bytes = limits.command_bytes + 64;
	EXPECT_EQ(-E2BIG, submit(w->fd, jobs, 1, &refused));
	EXPECT_EQ(0, refused);
	free(jobs);
}

TEST_F(submit, bad_pointer)
{
	struct drm_maru_submit call = {
		.jobs = { .stride = sizeof(struct drm_maru_job), .count = 2, .ptr = 8 },
	};

	EXPECT_EQ(-EFAULT, node_call(self->w.fd, DRM_IOCTL_MARU_SUBMIT, &call));
	call.jobs.ptr = ~0ULL - 63;
	EXPECT_EQ(-EFAULT, node_call(self->w.fd, DRM_IOCTL_MARU_SUBMIT, &call));
}

TEST_F(submit, a_fence_outlives_queue_and_file)
{
	struct work *w = &self->w;
	struct drm_syncobj_handle export = {
		.handle = w->sync, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};

	ASSERT_EQ(0, submit_one(w->fd, w->queue, 0, 0, 0, w->sync, 0));
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	EXPECT_EQ(0, sync_file_wait(export.fd, WAIT_MS));
	work_close(w);
	usleep(200000);
	/* looks at the names of the fence, whose makers are long gone */
	EXPECT_EQ(0, sync_file_error(export.fd));
	close(export.fd);
}

TEST_HARNESS_MAIN
