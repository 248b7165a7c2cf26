// SPDX-License-Identifier: GPL-2.0-only
/* Buffer objects: every field, zeroed memory, tiers, over-commit. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define HBM	(1u << DRM_MARU_TIER_HBM)
#define SYSTEM	(1u << DRM_MARU_TIER_SYSTEM)

FIXTURE(bo) {
	int fd;
	uint64_t bos;
	struct drm_maru_bo_create good;
};

FIXTURE_SETUP(bo)
{
	self->bos = objects("bos");
	self->fd = node_open();
	ASSERT_GE(self->fd, 0);
	self->good = (struct drm_maru_bo_create){
		.size = 3 * PAGE, .tiers = HBM | SYSTEM, .preferred = DRM_MARU_TIER_HBM,
		.flags = DRM_MARU_BO_CPU,
	};
}

FIXTURE_TEARDOWN(bo)
{
	close(self->fd);
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
}

static void gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	node_call(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

TEST_F(bo, create_and_info)
{
	struct drm_maru_bo_create create = self->good;
	struct drm_maru_bo_info info = { };

	create.size = 2 * PAGE + 1;
	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	EXPECT_NE(0, create.handle);
	info.handle = create.handle;
	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_INFO, &info));
	EXPECT_EQ(3 * PAGE, info.size);
	EXPECT_EQ(HBM | SYSTEM, info.tiers);
	EXPECT_EQ(DRM_MARU_TIER_HBM, info.preferred);
	EXPECT_EQ(DRM_MARU_TIER_HBM, info.current_tier);
	EXPECT_EQ(DRM_MARU_BO_CPU, info.flags);
	EXPECT_EQ(0, info.heat);
	EXPECT_EQ(0, info.pins);
	gem_close(self->fd, create.handle);
	EXPECT_EQ(-ENOENT, node_call(self->fd, DRM_IOCTL_MARU_BO_INFO, &info));
}

#define REFUSED(err, change) do {							\
	struct drm_maru_bo_create create = self->good;					\
											\
	change;										\
	EXPECT_EQ(err, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create))		\
		TH_LOG(#change);							\
} while (0)

TEST_F(bo, create_refuses_bad_fields)
{
	REFUSED(-EINVAL, create.size = 0);
	REFUSED(-E2BIG, create.size = ~0ULL);
	REFUSED(-E2BIG, create.size = 1ULL << 63);
	REFUSED(-E2BIG, create.size = 1ULL << 46);
	REFUSED(-EINVAL, create.tiers = 0);
	REFUSED(-EINVAL, create.tiers = HBM | 1u << DRM_MARU_TIER_CXL);
	REFUSED(-EINVAL, create.tiers |= 8);
	REFUSED(-EINVAL, create.tiers |= 1u << 31);
	REFUSED(-EINVAL, create.preferred = DRM_MARU_TIER_CXL);
	REFUSED(-EINVAL, create.preferred = 3);
	REFUSED(-EINVAL, create.preferred = ~0u);
	REFUSED(-EINVAL, create.preferred = 33);
	REFUSED(-EINVAL, (create.tiers = HBM, create.preferred = DRM_MARU_TIER_SYSTEM));
	REFUSED(-EINVAL, create.flags = 4);
	REFUSED(-EINVAL, create.flags = 1u << 31);
	REFUSED(-EINVAL, create.align = 1);
	REFUSED(-EINVAL, create.align = 2048);
	REFUSED(-EINVAL, create.align = 3 * PAGE);
	REFUSED(-EINVAL, create.handle = 1);
	REFUSED(-ENOENT, create.vm = 4711);
	EXPECT_EQ(self->bos, objects("bos"));
}

TEST_F(bo, private_is_not_shared)
{
	struct drm_maru_bo_create create = self->good;

	ASSERT_EQ(0, vm_create(self->fd, &create.vm));
	create.flags |= DRM_MARU_BO_SHARE;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	create.flags &= ~DRM_MARU_BO_SHARE;
	EXPECT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
}

TEST_F(bo, larger_than_hbm)
{
	struct drm_maru_tier_info tiers[3] = { };
	struct drm_maru_bo_create create = self->good;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	create.tiers = HBM;
	create.size = tiers[0].bytes;
	EXPECT_EQ(-E2BIG, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
}

TEST_F(bo, aligned)
{
	struct drm_maru_bo_create create = self->good;

	create.align = 2 * MIB;
	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	gem_close(self->fd, create.handle);
}

TEST_F(bo, mmap_refuses_bad_fields)
{
	struct drm_maru_bo_create create = self->good;
	struct drm_maru_bo_mmap offset = { };

	EXPECT_EQ(-ENOENT, node_call(self->fd, DRM_IOCTL_MARU_BO_MMAP, &offset));
	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	offset.handle = create.handle;
	offset.flags = 1;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_BO_MMAP, &offset));
	offset.flags = 0;
	EXPECT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_MMAP, &offset));

	create = self->good;
	create.flags = 0;
	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	offset = (struct drm_maru_bo_mmap){ .handle = create.handle };
	EXPECT_EQ(-EACCES, node_call(self->fd, DRM_IOCTL_MARU_BO_MMAP, &offset));
	EXPECT_EQ(0, offset.offset);
}

TEST_F(bo, info_and_wait_refuse_bad_fields)
{
	struct drm_maru_bo_create create = self->good;
	struct drm_maru_bo_info info = { };
	struct drm_maru_bo_wait wait = { };

	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	info.handle = create.handle;
	info.mbz = 1;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_BO_INFO, &info));
	wait.handle = create.handle;
	wait.flags = 2;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_BO_WAIT, &wait));
	wait.flags = DRM_MARU_BO_WAIT_WRITE;
	wait.deadline_ns = now_ns() + 10000000000ULL;
	EXPECT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_WAIT, &wait));
	wait.deadline_ns = 0;
	EXPECT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_WAIT, &wait));
	wait.handle = 0;
	EXPECT_EQ(-ENOENT, node_call(self->fd, DRM_IOCTL_MARU_BO_WAIT, &wait));
}

/* Bytes of @bo that are not zero. */
static uint64_t dirty(const struct bo *bo)
{
	const uint64_t *word = bo->map;
	uint64_t count = 0;

	for (uint64_t i = 0; i < bo->size / sizeof(*word); i++)
		count += word[i] != 0;
	return count;
}

static void spoil(uint32_t tier, uint64_t bytes)
{
	struct bo bo;
	int fd = node_open();

	if (fd < 0 || bo_create(fd, &bo, bytes, tier, 0) || bo_map(fd, &bo))
		exit(1);
	memset(bo.map, 0xa5, bo.size);
	exit(0);				/* leaves it to the kernel */
}

TEST_F(bo, zero_after_others)
{
	static const uint32_t tiers[] = { DRM_MARU_TIER_HBM, DRM_MARU_TIER_SYSTEM };
	struct bo bo;
	int status;

	for (int i = 0; i < 6; i++) {
		uint64_t bytes = (i + 1) * MIB + 3 * PAGE;
		uint32_t tier = tiers[i & 1];
		pid_t child = fork();

		if (!child)
			spoil(tier, bytes);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(0, bo_create(self->fd, &bo, bytes, tier, 0));
		ASSERT_EQ(0, bo_map(self->fd, &bo));
		EXPECT_EQ(0, dirty(&bo));
		memset(bo.map, 0x5a, bo.size);
		bo_close(self->fd, &bo);
	}
}

/* Memory that counts as dirty: more BOs die at once than the driver has ways to scrub. */
static void leave_dirty(struct __test_metadata *_metadata)
{
	struct bo bo;
	int fd = node_open();

	for (int i = 0; i < 48; i++) {
		ASSERT_EQ(0, bo_create(fd, &bo, 4 * MIB, DRM_MARU_TIER_HBM, 0));
		ASSERT_EQ(0, bo_map(fd, &bo));
		for (uint64_t at = 0; at < bo.size; at += PAGE)
			*(volatile uint32_t *)(bo.map + at) = 0xa5a5a5a5;
		munmap(bo.map, bo.size);
	}
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	close(fd);
	ASSERT_EQ(0, card_release("job.tile"));
}

/* A small BO that is aligned has more memory than it shows: that is not handed on either. */
TEST_F_TIMEOUT(bo, zero_behind_aligned, 100)
{
	struct drm_maru_bo_create create = self->good;
	struct drm_maru_tier_info tiers[3] = { };
	uint64_t spoilt = 0, count, at, i;
	struct bo bo;
	int fd;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	count = tiers[0].bytes / (2 * MIB) * 15 / 16;	/* nearly all of it */
	leave_dirty(_metadata);
	fd = node_open();
	create.align = 2 * MIB;
	create.tiers = HBM;
	for (i = 0; i < count; i++) {
		create.handle = 0;
		ASSERT_EQ(0, node_call(fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	}
	close(fd);
	EXPECT_EQ(0, objects_wait("bos", self->bos, 10000));
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, bo_create(self->fd, &bo, 2 * MIB, DRM_MARU_TIER_HBM, 0));
		ASSERT_EQ(0, bo_map(self->fd, &bo));
		for (at = 0; at < bo.size; at += PAGE)
			spoilt += *(volatile uint32_t *)(bo.map + at) != 0;
		munmap(bo.map, bo.size);
	}
	EXPECT_EQ(0, spoilt);
}

/* All of HBM, twice over, in pieces: what does not fit goes to system memory and back. */
TEST_F(bo, over_commit_keeps_content)
{
	struct drm_maru_tier_info tiers[3] = { };
	uint64_t piece, count;
	struct bo *bos;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	piece = tiers[0].bytes / 8;
	count = 10;
	bos = calloc(count, sizeof(*bos));
	ASSERT_NE(NULL, bos);
	for (uint64_t i = 0; i < count; i++) {
		ASSERT_EQ(0, bo_create(self->fd, &bos[i], piece, DRM_MARU_TIER_HBM, 0));
		ASSERT_EQ(0, bo_map(self->fd, &bos[i]));
		for (uint64_t at = 0; at < piece; at += 16 * PAGE)
			*(uint64_t *)((char *)bos[i].map + at) = i << 32 | at | 1;
	}
	for (uint64_t i = 0; i < count; i++) {
		uint64_t wrong = 0;

		for (uint64_t at = 0; at < piece; at += 16 * PAGE)
			wrong += *(uint64_t *)((char *)bos[i].map + at) != (i << 32 | at | 1);
		EXPECT_EQ(0, wrong);
	}
	for (uint64_t i = 0; i < count; i++)
		bo_close(self->fd, &bos[i]);
	free(bos);
}

TEST_HARNESS_MAIN
