// SPDX-License-Identifier: GPL-2.0-only
/* Two processes, one card: neither sees the other's memory or objects. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define SECRET	0x5ec4e75ec4e75ec4ULL

FIXTURE(pair) {
	struct work mine;
	uint64_t offset;	/* of its data */
	int buf;		/* a dma-buf that the other process gets */
};

FIXTURE_SETUP(pair)
{
	struct drm_maru_bo_mmap where = { };

	ASSERT_EQ(0, work_open(&self->mine, DRM_MARU_CLASS_COPY, 0, 4 * MIB, DRM_MARU_TIER_HBM));
	where.handle = self->mine.data.handle;
	ASSERT_EQ(0, node_call(self->mine.fd, DRM_IOCTL_MARU_BO_MMAP, &where));
	self->offset = where.offset;
}

FIXTURE_TEARDOWN(pair)
{
	work_close(&self->mine);
}

typedef void other_fn(struct __test_metadata *_metadata, const FIXTURE_DATA(pair) *self);

/* Runs @other in a process that has nothing of this one's but the numbers. */
static void run_other(struct __test_metadata *_metadata, FIXTURE_DATA(pair) *self, other_fn *other)
{
	struct work *w = &self->mine;
	pid_t child = fork();
	int status = -1;

	if (!child) {
		munmap(w->data.map, w->data.size);
		munmap(w->commands.map, w->commands.size);
		close(w->fd);
		other(_metadata, self);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

static void use_foreign_ids(struct __test_metadata *_metadata, const FIXTURE_DATA(pair) *self)
{
	const struct work *mine = &self->mine;
	struct drm_maru_bo_info info = { .handle = mine->data.handle };
	struct drm_maru_bo_mmap where = { .handle = mine->data.handle };
	struct drm_maru_bo_create create = {
		.size = PAGE, .tiers = 1 << DRM_MARU_TIER_HBM, .vm = mine->vm,
	};
	struct drm_maru_queue_info queue;
	int fd = node_open();

	EXPECT_EQ(-ENOENT, node_call(fd, DRM_IOCTL_MARU_BO_INFO, &info));
	EXPECT_EQ(-ENOENT, node_call(fd, DRM_IOCTL_MARU_BO_MMAP, &where));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, self->offset));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-ENOENT, node_call(fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	EXPECT_EQ(-ENOENT, vm_destroy(fd, mine->vm));
	EXPECT_EQ(-ENOENT, vm_unmap(fd, mine->vm, VA_DATA, PAGE));
	EXPECT_EQ(-ENOENT, queue_info(fd, mine->queue, &queue));
	EXPECT_EQ(-ENOENT, submit_one(fd, mine->queue, 0, 0, 0, 0, 0));
	EXPECT_EQ(-ENOENT, queue_destroy(fd, mine->queue));
	EXPECT_EQ(-ENOENT, syncobj_signal(fd, mine->sync, 0));
}

TEST_F(pair, foreign_ids)
{
	struct work *w = &self->mine;

	run_other(_metadata, self, use_foreign_ids);
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, packet_nop(w->commands.map)));
}

/* The same address in another VM is another's memory, or nothing. */
static void use_foreign_addresses(struct __test_metadata *_metadata,
				  const FIXTURE_DATA(pair) *self)
{
	struct work w;
	uint32_t bytes;

	(void)self;
	EXPECT_EQ(0, work_open(&w, DRM_MARU_CLASS_COPY, 0, PAGE, DRM_MARU_TIER_HBM));
	bytes = packet_fill(w.commands.map, VA_DATA, MARU_TYPE_U64, PAGE / 8, 6);
	EXPECT_EQ(0, submit_run(w.fd, w.queue, VA_COMMANDS, bytes));
	bytes = packet_copy(w.commands.map, VA_DATA, VA_DATA + MIB, MARU_TYPE_U64, 1);
	EXPECT_EQ(-EFAULT, submit_run(w.fd, w.queue, VA_COMMANDS, bytes));
	EXPECT_EQ(6, *(uint64_t *)w.data.map);
	EXPECT_EQ(0, queue_destroy(w.fd, w.queue));
	EXPECT_EQ(0, queue_create(w.fd, w.vm, DRM_MARU_CLASS_COPY, 0, &w.queue));
	bytes = packet_fill(w.commands.map, VA_DATA + MIB, MARU_TYPE_U64, 1, 6);
	EXPECT_EQ(-EFAULT, submit_run(w.fd, w.queue, VA_COMMANDS, bytes));
	work_close(&w);
}

TEST_F(pair, foreign_addresses)
{
	struct work *w = &self->mine;
	uint64_t wrong = 0;

	memset(w->data.map, 0x77, 4 * MIB);
	run_other(_metadata, self, use_foreign_addresses);
	for (uint64_t at = 0; at < 4 * MIB / 8; at++)
		wrong += ((uint64_t *)w->data.map)[at] != 0x7777777777777777;
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS,
				packet_fill(w->commands.map, VA_DATA, MARU_TYPE_U64, 1, 5)));
	EXPECT_EQ(5, *(uint64_t *)w->data.map);
}

/* A bind of one file maps nothing for the other, and VM 0's addresses are no way around. */
TEST_F(pair, kernel_addresses)
{
	static const uint64_t bad[] = {
		0, PAGE, MARU_DIM_MAX, 1ULL << 47, 1ULL << 48, 1ULL << 60, 2ULL << 60, 1ULL << 63,
		~0ULL & ~63ULL,
	};
	struct work *w = &self->mine;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t bytes = packet_copy(w->commands.map, VA_DATA, bad[i] & ~63ULL,
					     MARU_TYPE_U64, 1);
		int err = submit_run(w->fd, w->queue, VA_COMMANDS, bytes);

		EXPECT_TRUE(err == -EFAULT || err == -EINVAL) TH_LOG("%zu: %d", i, err);
		ASSERT_EQ(0, queue_destroy(w->fd, w->queue));
		ASSERT_EQ(0, queue_create(w->fd, w->vm, DRM_MARU_CLASS_COPY, 0, &w->queue));
	}
}

static void keep_secret(uint64_t bytes, uint32_t tier)
{
	struct bo bo;
	int fd = node_open();
	uint64_t *word;

	if (fd < 0 || bo_create(fd, &bo, bytes, tier, 0) || bo_map(fd, &bo))
		exit(1);
	word = bo.map;
	for (uint64_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = SECRET;
	raise(SIGKILL);
	exit(1);
}

/* What the card reads of fresh memory is as zero as what the CPU reads. */
TEST_F(pair, fresh_memory_by_the_card)
{
	struct work *w = &self->mine;

	for (int i = 0; i < 4; i++) {
		uint64_t seen = 0;
		uint32_t bytes;
		struct bo bo;
		pid_t child = fork();
		int status;

		if (!child)
			keep_secret(4 * MIB, DRM_MARU_TIER_HBM);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		memset(w->data.map, 0xff, 4 * MIB);
		ASSERT_EQ(0, bo_create(w->fd, &bo, 4 * MIB, DRM_MARU_TIER_HBM, 0));
		ASSERT_EQ(0, vm_map(w->fd, w->vm, &bo, 1024 * MIB));
		bytes = packet_copy(w->commands.map, VA_DATA, 1024 * MIB, MARU_TYPE_U64,
				    4 * MIB / 8);
		ASSERT_EQ(0, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
		for (uint64_t at = 0; at < 4 * MIB / 8; at++)
			seen += ((uint64_t *)w->data.map)[at] != 0;
		EXPECT_EQ(0, seen);
		ASSERT_EQ(0, vm_unmap(w->fd, w->vm, 1024 * MIB, 4 * MIB));
		bo_close(w->fd, &bo);
	}
}

static int import(int fd, int buf, struct bo *bo)
{
	struct drm_prime_handle prime = { .fd = buf };
	int err = node_call(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*bo = (struct bo){ .handle = prime.handle, .size = MIB };
	return err ?: bo_map(fd, bo);
}

static void use_shared(struct __test_metadata *_metadata, const FIXTURE_DATA(pair) *self)
{
	int fd = node_open();
	struct bo theirs;

	EXPECT_EQ(0, import(fd, self->buf, &theirs));
	EXPECT_EQ(SECRET, *(uint64_t *)theirs.map);
	*(uint64_t *)theirs.map = SECRET + 1;
	bo_close(fd, &theirs);
}

/* A dma-buf: only of BOs made for it; who was given it gets the same memory, as long as it is. */
TEST_F(pair, sharing)
{
	struct drm_maru_bo_create create = {
		.size = MIB, .tiers = 1 << DRM_MARU_TIER_HBM | 1 << DRM_MARU_TIER_SYSTEM,
		.flags = DRM_MARU_BO_CPU | DRM_MARU_BO_SHARE,
	};
	struct drm_prime_handle prime = { .handle = self->mine.data.handle, .flags = O_CLOEXEC };
	struct bo mine = { .size = MIB };
	int fd = self->mine.fd;

	EXPECT_EQ(-EPERM, node_call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	ASSERT_EQ(0, node_call(fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	mine.handle = create.handle;
	prime.handle = create.handle;
	prime.flags = O_CLOEXEC | O_RDWR;
	ASSERT_EQ(0, node_call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	ASSERT_EQ(0, bo_map(fd, &mine));
	*(uint64_t *)mine.map = SECRET;
	bo_close(fd, &mine);
	self->buf = prime.fd;
	run_other(_metadata, self, use_shared);
	ASSERT_EQ(0, import(fd, prime.fd, &mine));
	EXPECT_EQ(SECRET + 1, *(uint64_t *)mine.map);
	bo_close(fd, &mine);
	close(prime.fd);
}

TEST_HARNESS_MAIN
