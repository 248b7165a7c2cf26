// SPDX-License-Identifier: GPL-2.0-only
/* CPU mappings: never SIGBUS, whatever happens to the card. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

static sigjmp_buf escape;

static void on_bus(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

/* Reads all pages, then writes all. Returns pages that did not read @was; -1 on SIGBUS. */
static long touch(struct bo *bo, uint64_t was, uint64_t now)
{
	const uint64_t step = PAGE / sizeof(now), end = bo->size / sizeof(now);
	volatile uint64_t *word = bo->map;
	long wrong = 0;

	if (sigsetjmp(escape, 1))
		return -1;
	for (uint64_t at = 0; at < end; at += step)
		wrong += word[at] != was;
	for (uint64_t at = 0; at < end; at += step)
		word[at] = now;
	return wrong;
}

FIXTURE(map) {
	int fd;
	struct bo hbm;
	struct bo system;
};

FIXTURE_SETUP(map)
{
	signal(SIGBUS, on_bus);
	self->fd = node_open_wait(10000);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, bo_create(self->fd, &self->hbm, MIB, DRM_MARU_TIER_HBM, 0));
	ASSERT_EQ(0, bo_create(self->fd, &self->system, MIB, DRM_MARU_TIER_SYSTEM, 0));
	ASSERT_EQ(0, bo_map(self->fd, &self->hbm));
	ASSERT_EQ(0, bo_map(self->fd, &self->system));
	ASSERT_EQ(0, touch(&self->hbm, 0, 11));
	ASSERT_EQ(0, touch(&self->system, 0, 22));
}

FIXTURE_TEARDOWN(map)
{
	bo_close(self->fd, &self->hbm);
	bo_close(self->fd, &self->system);
	close(self->fd);
}

static uint64_t offset_of(int fd, struct bo *bo)
{
	struct drm_maru_bo_mmap args = { .handle = bo->handle };

	return node_call(fd, DRM_IOCTL_MARU_BO_MMAP, &args) ? ~0ULL : args.offset;
}

TEST_F(map, ways_to_map)
{
	uint64_t offset = offset_of(self->fd, &self->hbm);
	uint64_t *part;
	int other = node_open();

	ASSERT_GE(other, 0);
	part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, offset + 3 * PAGE);
	ASSERT_NE(MAP_FAILED, part);
	EXPECT_EQ(11, *part);
	munmap(part, PAGE);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other, offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * MIB, PROT_READ, MAP_SHARED, self->fd, offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
				   offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, 0));
	close(other);
}

/* BOs that were made without CPU can not be mapped by who guesses their offset either. */
TEST_F(map, guessed_offset)
{
	struct drm_maru_bo_create create = {
		.size = MIB, .tiers = 1 << DRM_MARU_TIER_HBM, .preferred = DRM_MARU_TIER_HBM,
	};
	uint64_t offset = offset_of(self->fd, &self->hbm);

	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	for (uint64_t i = 0; i < 4096; i++) {
		uint64_t at = offset - 8 * MIB + i * PAGE;

		if ((at >= offset && at < offset + MIB) ||
		    at == offset_of(self->fd, &self->system))
			continue;
		if (at >= offset_of(self->fd, &self->system) &&
		    at < offset_of(self->fd, &self->system) + MIB)
			continue;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->fd, at));
	}
}

TEST_F(map, outlives_handle_and_file)
{
	struct bo *bo = &self->hbm;
	struct drm_gem_close handle = { .handle = bo->handle };

	ASSERT_EQ(0, node_call(self->fd, DRM_IOCTL_GEM_CLOSE, &handle));
	bo->handle = 0;
	EXPECT_EQ(0, touch(bo, 11, 12));
	close(self->fd);
	EXPECT_EQ(0, touch(bo, 12, 13));
	EXPECT_EQ(0, touch(&self->system, 22, 23));
	munmap(self->system.map, self->system.size);
	self->system = (struct bo){ };
	self->fd = node_open();
}

/* Content stays, and so does what is written meanwhile. */
TEST_F(map, core_kill)
{
	uint32_t before = 0, now = 0;
	uint64_t value = 11;

	ASSERT_EQ(0, boot_id(self->fd, &before));
	ASSERT_EQ(0, card_control("{'cmd':'kill'}"));
	for (; value < 200 && now <= before; value++) {
		EXPECT_EQ(0, touch(&self->hbm, value, value + 1));
		EXPECT_EQ(0, touch(&self->system, value + 11, value + 12));
		usleep(50000);
		boot_id(self->fd, &now);
	}
	EXPECT_GT(now, before);
	EXPECT_EQ(0, touch(&self->hbm, value, 0));
	EXPECT_EQ(0, touch(&self->system, value + 11, 0));
}

static int write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int err;

	if (!file)
		return -errno;
	err = fputs(text, file) < 0;
	return fclose(file) || err ? -EIO : 0;
}

static int bdf_of(int fd, char *path, size_t size, const char *file)
{
	struct drm_maru_topology t;
	int err = query(fd, DRM_MARU_QUERY_TOPOLOGY, &t, sizeof(t));

	if (!err)
		snprintf(path, size, "/sys/bus/pci/devices/%04x:%02x:%02x.%x/%s", t.domain, t.bus,
			 t.slot, t.function, file);
	return err;
}

/* Content stays, and so does what is written meanwhile. */
TEST_F(map, function_level_reset)
{
	volatile bool *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t value = 0;
	int status = -1;
	uint32_t boot;
	char path[128];
	pid_t child;

	ASSERT_NE(MAP_FAILED, (void *)stop);
	ASSERT_EQ(0, bdf_of(self->fd, path, sizeof(path), "reset"));
	child = fork();
	if (!child) {
		for (value = 11; !*stop; value++) {
			if (touch(&self->hbm, value, value + 1) ||
			    touch(&self->system, value + 11, value + 12))
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, boot_id(self->fd, &boot));
		EXPECT_EQ(0, write_file(path, "1"));
		EXPECT_EQ(0, boot_wait(self->fd, boot, WAIT_MS));
	}
	*stop = true;
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	value = *(uint64_t *)self->hbm.map;
	EXPECT_LT(11, value);
	EXPECT_EQ(0, touch(&self->hbm, value, value));
	EXPECT_EQ(0, touch(&self->system, value + 11, value));
}

TEST_F(map, unbind)
{
	char unbind[128], bdf[64], bind[128];
	struct drm_maru_topology t;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TOPOLOGY, &t, sizeof(t)));
	snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%x", t.domain, t.bus, t.slot, t.function);
	snprintf(unbind, sizeof(unbind), "/sys/bus/pci/drivers/maru/unbind");
	snprintf(bind, sizeof(bind), "/sys/bus/pci/drivers/maru/bind");
	ASSERT_EQ(0, write_file(unbind, bdf));
	/* a zero page for each mapping, the same all over it, that keeps what is written to it */
	EXPECT_EQ(0, touch(&self->hbm, 0, 33));
	EXPECT_EQ(0, touch(&self->system, 0, 44));
	EXPECT_EQ(0, touch(&self->hbm, 33, 33));
	EXPECT_EQ(0, touch(&self->system, 44, 44));
	((volatile uint64_t *)self->hbm.map)[7] = 55;
	EXPECT_EQ(55, ((volatile uint64_t *)(self->hbm.map + MIB - PAGE))[7]);
	EXPECT_EQ(-ENODEV, query(self->fd, DRM_MARU_QUERY_TOPOLOGY, &t, sizeof(t)));
	EXPECT_EQ(0, write_file(bind, bdf));
}

TEST_HARNESS_MAIN
