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
	int other;
};

FIXTURE_SETUP(pair)
{
	ASSERT_EQ(0, work_open(&self->mine, DRM_MARU_CLASS_COPY, 0, 4 * MIB, DRM_MARU_TIER_HBM));
	self->other = node_open();
	ASSERT_GE(self->other, 0);
}

FIXTURE_TEARDOWN(pair)
{
	close(self->other);
	work_close(&self->mine);
}

TEST_F(pair, foreign_ids)
{
	struct drm_maru_bo_info info = { .handle = self->mine.data.handle };
	struct drm_maru_bo_mmap offset = { .handle = self->mine.data.handle };
	struct drm_maru_bo_create create = {
		.size = PAGE, .tiers = 1 << DRM_MARU_TIER_HBM, .vm = self->mine.vm,
	};
	struct drm_maru_queue_info queue;

	EXPECT_EQ(-ENOENT, node_call(self->other, DRM_IOCTL_MARU_BO_INFO, &info));
	EXPECT_EQ(-ENOENT, node_call(self->other, DRM_IOCTL_MARU_BO_MMAP, &offset));
	EXPECT_EQ(-ENOENT, node_call(self->other, DRM_IOCTL_MARU_BO_CREATE, &create));
	EXPECT_EQ(-ENOENT, vm_destroy(self->other, self->mine.vm));
	EXPECT_EQ(-ENOENT, queue_info(self->other, self->mine.queue, &queue));
	EXPECT_EQ(-ENOENT, queue_destroy(self->other, self->mine.queue));
	EXPECT_EQ(-ENOENT, vm_unmap(self->other, self->mine.vm, VA_DATA, PAGE));
}

/* The same address in another VM is another's memory, or nothing. */
TEST_F(pair, foreign_addresses)
{
	struct work other;
	uint32_t bytes;

	memset(self->mine.data.map, 0x77, 4 * MIB);
	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, PAGE, DRM_MARU_TIER_HBM));
	bytes = packet_copy(other.commands.map, VA_DATA, VA_DATA + MIB, MARU_TYPE_U64, 1);
	EXPECT_EQ(-EFAULT, submit_run(other.fd, other.queue, VA_COMMANDS, bytes));
	EXPECT_EQ(0, *(uint64_t *)other.data.map);
	work_close(&other);

	bytes = packet_fill(self->mine.commands.map, VA_DATA, MARU_TYPE_U64, 1, 5);
	EXPECT_EQ(0, submit_run(self->mine.fd, self->mine.queue, VA_COMMANDS, bytes));
	EXPECT_EQ(5, *(uint64_t *)self->mine.data.map);
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

/* A dma-buf: only of BOs made for it; the importer gets the same memory. */
TEST_F(pair, sharing)
{
	struct drm_maru_bo_create create = {
		.size = MIB, .tiers = 1 << DRM_MARU_TIER_HBM | 1 << DRM_MARU_TIER_SYSTEM,
		.flags = DRM_MARU_BO_CPU | DRM_MARU_BO_SHARE,
	};
	struct drm_prime_handle prime = { .handle = self->mine.data.handle, .flags = O_CLOEXEC };
	struct bo mine = { .size = MIB }, theirs = { .size = MIB };

	EXPECT_EQ(-EPERM, node_call(self->mine.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	ASSERT_EQ(0, node_call(self->mine.fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	mine.handle = create.handle;
	prime.handle = create.handle;
	prime.flags = O_CLOEXEC | O_RDWR;
	ASSERT_EQ(0, node_call(self->mine.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	ASSERT_EQ(0, node_call(self->other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	close(prime.fd);
	theirs.handle = prime.handle;
	ASSERT_EQ(0, bo_map(self->mine.fd, &mine));
	ASSERT_EQ(0, bo_map(self->other, &theirs));
	*(uint64_t *)mine.map = SECRET;
	EXPECT_EQ(SECRET, *(uint64_t *)theirs.map);
	bo_close(self->mine.fd, &mine);
	EXPECT_EQ(SECRET, *(uint64_t *)theirs.map);
	bo_close(self->other, &theirs);
}

TEST_HARNESS_MAIN
