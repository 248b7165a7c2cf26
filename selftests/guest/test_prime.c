// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-bufs from and to other devices: vgem, which gives and takes, and udmabuf, which gives
 * memory of a process. The card reads and writes what it was given and nothing beside it, and
 * either side may go first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm/drm_mode.h>
#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

#define WORDS		(MIB / 4)
#define VA_SHARED	(512 * MIB)

static int vgem_open(void)
{
	for (int i = 0; i < 8; i++) {
		char name[16] = "", node[32];
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(node, sizeof(node), "/dev/dri/card%d", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!node_call(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static bool vgem_is_module(void)
{
	return !access("/sys/module/vgem/refcnt", F_OK);
}

/* Nothing of ours keeps it, once the kernel has closed what we let go. */
static int vgem_unload(void)
{
	if (!vgem_is_module())
		return 0;
	for (int i = 0; i < 200; i++) {
		if (!syscall(SYS_delete_module, "vgem", O_NONBLOCK))
			return 0;
		usleep(20000);
	}
	return -errno;
}

FIXTURE(prime) {
	struct work w;
	int vgem;
};

FIXTURE_SETUP(prime)
{
	/* fails where it is built in */
	(void)!system("modprobe -q vgem 2>/dev/null");
	self->vgem = vgem_open();
	ASSERT_LE(0, self->vgem);
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(prime)
{
	if (self->vgem >= 0)
		close(self->vgem);
	work_close(&self->w);
	if (!bus_is_bound())
		bus_bind();
	EXPECT_EQ(0, objects_wait("bos", 0, 10000));
	EXPECT_EQ(0, objects_wait("pinned_bytes", 0, 10000));
	EXPECT_EQ(0, bus_module_wait_unused(10000));
	EXPECT_EQ(0, vgem_unload());
}

static int handle_to_fd(int node, uint32_t handle)
{
	struct drm_prime_handle args = {
		.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1,
	};
	int err = node_call(node, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return err ?: args.fd;
}

static int fd_to_handle(int node, int fd, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = fd };
	int err = node_call(node, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return err;
}

static int import(struct work *w, int fd, struct bo *bo)
{
	memset(bo, 0, sizeof(*bo));
	bo->size = MIB;
	return fd_to_handle(w->fd, fd, &bo->handle);
}

static void close_handle(int node, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	node_call(node, DRM_IOCTL_GEM_CLOSE, &args);
}

/* A buffer of vgem, mapped. Returns its dma-buf. */
static int vgem_create(int vgem, uint32_t **map)
{
	struct drm_mode_create_dumb create = { .width = 512, .height = 512, .bpp = 32 };
	struct drm_mode_map_dumb offset = { 0 };
	int err = node_call(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &create);

	if (err)
		return err;
	offset.handle = create.handle;
	err = node_call(vgem, DRM_IOCTL_MODE_MAP_DUMB, &offset);
	if (err)
		return err;
	*map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, offset.offset);
	if (*map == MAP_FAILED)
		return -errno;
	return handle_to_fd(vgem, create.handle);
}

/* Memory of this process. Returns its dma-buf. */
static int udmabuf_create(uint32_t **map)
{
	struct udmabuf_create create = { .size = MIB };
	int node = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	create.memfd = memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (node < 0 || ftruncate(create.memfd, MIB) ||
	    fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	*map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, create.memfd, 0);
	fd = ioctl(node, UDMABUF_CREATE, &create);
	if (fd < 0)
		fd = -errno;
	close(create.memfd);
	close(node);
	return fd;
}

static int shared_create(struct work *w, struct bo *bo, uint32_t tiers)
{
	struct drm_maru_bo_create create = {
		.size = MIB, .tiers = tiers, .preferred = DRM_MARU_TIER_HBM,
		.flags = DRM_MARU_BO_CPU | DRM_MARU_BO_SHARE,
	};
	int err = node_call(w->fd, DRM_IOCTL_MARU_BO_CREATE, &create);

	memset(bo, 0, sizeof(*bo));
	bo->handle = create.handle;
	bo->size = MIB;
	return err ?: vm_map(w->fd, w->vm, bo, VA_SHARED);
}

static int fill(struct work *w, uint64_t va, uint32_t count, uint32_t value)
{
	return submit_run(w->fd, w->queue, VA_COMMANDS,
			  packet_fill(w->commands.map, va, MARU_TYPE_I32, count, value));
}

static int copy(struct work *w, uint64_t dst, uint64_t src)
{
	return submit_run(w->fd, w->queue, VA_COMMANDS,
			  packet_copy(w->commands.map, dst, src, MARU_TYPE_I32, WORDS));
}

static void write_pattern(uint32_t *map, uint32_t seed)
{
	for (uint32_t i = 0; i < WORDS; i++)
		map[i] = i * 2654435761u + seed;
}

static uint32_t count_wrong(const volatile uint32_t *map, uint32_t seed)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < WORDS; i++)
		wrong += map[i] != i * 2654435761u + seed;
	return wrong;
}

/* The card reads and writes memory of others. */
static void exchange(struct __test_metadata *_metadata, struct work *w, int fd, uint32_t *map)
{
	struct drm_maru_bo_mmap offset = { 0 };
	struct drm_maru_bo_info info = { 0 };
	struct bo bo, again;

	ASSERT_EQ(0, import(w, fd, &bo));
	ASSERT_EQ(0, import(w, fd, &again));
	EXPECT_EQ(bo.handle, again.handle);
	info.handle = bo.handle;
	offset.handle = bo.handle;
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_MARU_BO_INFO, &info));
	EXPECT_EQ(MIB, info.size);
	EXPECT_EQ(1u << DRM_MARU_TIER_SYSTEM, info.tiers);
	EXPECT_EQ(DRM_MARU_TIER_SYSTEM, info.current_tier);
	EXPECT_EQ(-EACCES, node_call(w->fd, DRM_IOCTL_MARU_BO_MMAP, &offset));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &bo, VA_SHARED));

	write_pattern(map, 1);
	EXPECT_EQ(0, copy(w, VA_DATA, VA_SHARED));
	EXPECT_EQ(0, count_wrong(w->data.map, 1));
	write_pattern(w->data.map, 2);
	EXPECT_EQ(0, copy(w, VA_SHARED, VA_DATA));
	EXPECT_EQ(0, count_wrong(map, 2));
	/* what comes back is the buffer that came */
	EXPECT_EQ(0, fill(w, VA_SHARED, WORDS, 3));
	EXPECT_EQ(3, map[WORDS - 1]);
	/* and the next byte is nobody's */
	EXPECT_EQ(-EFAULT, fill(w, VA_SHARED, WORDS + 1, 4));
}

TEST_F(prime, vgem_to_card)
{
	uint32_t *map;
	int fd = vgem_create(self->vgem, &map);

	ASSERT_LE(0, fd);
	exchange(_metadata, &self->w, fd, map);
	close(fd);
	munmap(map, MIB);
}

TEST_F(prime, udmabuf_to_card)
{
	uint32_t *map;
	int fd = udmabuf_create(&map);

	ASSERT_LE(0, fd);
	exchange(_metadata, &self->w, fd, map);
	close(fd);
	munmap(map, MIB);
}

static uint32_t pins(struct work *w, struct bo *bo)
{
	struct drm_maru_bo_info info = { .handle = bo->handle };

	return node_call(w->fd, DRM_IOCTL_MARU_BO_INFO, &info) ? ~0U : info.pins;
}

static uint32_t tier(struct work *w, struct bo *bo)
{
	struct drm_maru_bo_info info = { .handle = bo->handle };

	return node_call(w->fd, DRM_IOCTL_MARU_BO_INFO, &info) ? ~0U : info.current_tier;
}

/* Ours moves to system memory with what is in it, stays there, and the card goes on with it. */
TEST_F(prime, card_to_vgem)
{
	struct work *w = &self->w;
	uint32_t *map, handle;
	struct bo bo;
	int fd;

	ASSERT_EQ(0, shared_create(w, &bo, 1u << DRM_MARU_TIER_HBM | 1u << DRM_MARU_TIER_SYSTEM));
	write_pattern(w->data.map, 5);
	ASSERT_EQ(0, copy(w, VA_SHARED, VA_DATA));
	EXPECT_EQ(DRM_MARU_TIER_HBM, tier(w, &bo));
	fd = handle_to_fd(w->fd, bo.handle);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fd_to_handle(self->vgem, fd, &handle));
	EXPECT_EQ(1, pins(w, &bo));
	EXPECT_EQ(DRM_MARU_TIER_SYSTEM, tier(w, &bo));

	map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, count_wrong(map, 5));
	write_pattern(map, 6);
	ASSERT_EQ(0, copy(w, VA_DATA, VA_SHARED));
	EXPECT_EQ(0, count_wrong(w->data.map, 6));
	EXPECT_EQ(0, fill(w, VA_SHARED, WORDS, 7));
	EXPECT_EQ(7, map[WORDS - 1]);

	close_handle(self->vgem, handle);
	close(fd);
	munmap(map, MIB);
	EXPECT_EQ(0, pins(w, &bo));
	EXPECT_EQ(0, fill(w, VA_SHARED, WORDS, 8));
}

/* What may live in HBM only is not for others, and what was not made for it neither. */
TEST_F(prime, refused)
{
	struct work *w = &self->w;
	uint32_t handle;
	struct bo bo;
	int fd;

	EXPECT_EQ(-EPERM, handle_to_fd(w->fd, w->data.handle));
	ASSERT_EQ(0, shared_create(w, &bo, 1u << DRM_MARU_TIER_HBM));
	fd = handle_to_fd(w->fd, bo.handle);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, fd_to_handle(self->vgem, fd, &handle));
	EXPECT_EQ(0, pins(w, &bo));
	close(fd);
}

/* An import is the importing file's alone. */
TEST_F(prime, isolated)
{
	struct work other;
	uint32_t *map;
	struct bo bo;
	int fd = vgem_create(self->vgem, &map);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, import(&self->w, fd, &bo));
	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_HBM));
	EXPECT_EQ(~0U, pins(&other, &(struct bo){ .handle = bo.handle + 1000 }));
	ASSERT_EQ(0, vm_map(self->w.fd, self->w.vm, &bo, VA_SHARED));
	EXPECT_EQ(-EFAULT, fill(&other, VA_SHARED, 16, 9));
	EXPECT_EQ(0, map[0]);
	work_close(&other);
	close(fd);
	munmap(map, MIB);
}

/* The giver lets go of everything; the card's user does not notice. */
TEST_F(prime, giver_goes_first)
{
	struct work *w = &self->w;
	uint32_t *map;
	struct bo bo;
	int fd = vgem_create(self->vgem, &map);

	ASSERT_LE(0, fd);
	write_pattern(map, 11);
	ASSERT_EQ(0, import(w, fd, &bo));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &bo, VA_SHARED));
	munmap(map, MIB);
	close(fd);
	close(self->vgem);
	self->vgem = -1;
	EXPECT_EQ(-1, syscall(SYS_delete_module, "vgem", O_NONBLOCK));
	EXPECT_EQ(0, copy(w, VA_DATA, VA_SHARED));
	EXPECT_EQ(0, count_wrong(w->data.map, 11));
}

/* The file goes with both kinds of buffer in it, in mid-job; what was exported lives on. */
TEST_F(prime, user_goes_first)
{
	struct work *w = &self->w;
	uint32_t *map, *ours, handle;
	struct bo import_bo, export_bo;
	int fd = vgem_create(self->vgem, &map), out;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, shared_create(w, &export_bo, 1u << DRM_MARU_TIER_HBM |
				   1u << DRM_MARU_TIER_SYSTEM));
	ASSERT_EQ(0, fill(w, VA_SHARED, WORDS, 12));
	out = handle_to_fd(w->fd, export_bo.handle);
	ASSERT_LE(0, out);
	ASSERT_EQ(0, fd_to_handle(self->vgem, out, &handle));
	ASSERT_EQ(0, import(w, fd, &import_bo));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &import_bo, VA_SHARED + MIB));
	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS,
				packet_copy(w->commands.map, VA_SHARED + MIB, VA_SHARED,
					    MARU_TYPE_I32, WORDS), 1, 0, 0));
	work_close(w);
	EXPECT_LT(0, bus_module_refs());
	ours = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
	ASSERT_NE(MAP_FAILED, ours);
	EXPECT_EQ(12, ours[WORDS - 1]);
	EXPECT_TRUE(map[WORDS - 1] == 0 || map[WORDS - 1] == 12);
	munmap(ours, MIB);
	close(out);
	close_handle(self->vgem, handle);
	close(fd);
	munmap(map, MIB);
}

/* The card is unbound under both; all of it can be touched, and be let go in any order. */
TEST_F(prime, card_goes_first)
{
	struct work *w = &self->w;
	uint32_t *map, *ours, handle, late;
	struct bo import_bo, export_bo;
	int fd = vgem_create(self->vgem, &map), out;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, shared_create(w, &export_bo, 1u << DRM_MARU_TIER_HBM |
				   1u << DRM_MARU_TIER_SYSTEM));
	ASSERT_EQ(0, fill(w, VA_SHARED, WORDS, 13));
	out = handle_to_fd(w->fd, export_bo.handle);
	ASSERT_LE(0, out);
	ASSERT_EQ(0, fd_to_handle(self->vgem, out, &handle));
	ASSERT_EQ(0, import(w, fd, &import_bo));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &import_bo, VA_SHARED + MIB));
	ours = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
	ASSERT_NE(MAP_FAILED, ours);
	EXPECT_EQ(13, ours[0]);

	ASSERT_EQ(0, bus_unbind());
	map[0] = ours[0];
	ours[0] = map[1];
	EXPECT_EQ(-ENODEV, fd_to_handle(w->fd, fd, &late));
	close_handle(self->vgem, handle);
	close(fd);
	munmap(map, MIB);
	work_close(w);
	munmap(ours, MIB);
	close(out);
}

TEST_HARNESS_MAIN
