// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module goes when nothing of it can be called any more, and not before: fences outlive
 * their queue, BO, file and card, in sync files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

static int module_unload(void)
{
	return syscall(SYS_delete_module, "maru", O_NONBLOCK) ? -errno : 0;
}

static int module_load(void)
{
	FILE *shell = popen(". /maru/tools/box/guest.sh && driver_ko", "re");
	char path[256] = "";
	int fd, err = 0;

	if (!shell)
		return -errno;
	if (!fgets(path, sizeof(path), shell))
		err = -ENOENT;
	pclose(shell);
	path[strcspn(path, "\n")] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err ?: -errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

FIXTURE(module) {
	struct work w;
};

FIXTURE_SETUP(module)
{
	/* all of HBM is dirty after a bind, so that what is allocated is cleared */
	ASSERT_EQ(0, bus_unbind());
	ASSERT_EQ(0, bus_bind());
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, PAGE, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(module)
{
	card_release("job.tile");
	work_close(&self->w);
	if (bus_module_refs() < 0)
		EXPECT_EQ(0, module_load());
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, PAGE, DRM_MARU_TIER_HBM));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	work_close(&self->w);
	EXPECT_EQ(0, bus_module_wait_unused(10000));
}

/* Unloads with @file as all that is left, or finds that it may not. Then without it. */
static void unload_under(struct __test_metadata *_metadata, struct work *w, int file)
{
	int err;

	EXPECT_EQ(0, sync_file_wait(file, WAIT_MS));
	work_close(w);
	EXPECT_EQ(0, objects_wait("files", 0, 10000));
	EXPECT_EQ(0, objects_wait("bos", 0, 10000));
	EXPECT_EQ(0, objects_wait("queues", 1, 10000));
	usleep(200000);
	err = module_unload();
	TH_LOG("unload: %d", err);
	EXPECT_EQ(err ? -EWOULDBLOCK : 0, err);
	EXPECT_EQ(!!err, bus_module_refs() > 0);
	/* reads the names of the fences too, if there are any left */
	EXPECT_EQ(0, sync_file_error(file));
	close(file);
	if (err) {
		EXPECT_EQ(0, bus_module_wait_unused(10000));
		EXPECT_EQ(0, module_unload());
	}
	EXPECT_EQ(-1, bus_module_refs());
}

/* Returns a sync file of all that a dma-buf has to be waited for. */
static int export_fences(int buf)
{
	struct dma_buf_export_sync_file args = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };

	return ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args) ? -errno : args.fd;
}

/* The clear of a shared BO. */
TEST_F_TIMEOUT(module, outlived_by_a_clear, 120)
{
	struct drm_maru_bo_create create = {
		.size = MIB, .tiers = 1u << DRM_MARU_TIER_HBM, .preferred = DRM_MARU_TIER_HBM,
		.flags = DRM_MARU_BO_SHARE,
	};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC };
	struct work *w = &self->w;
	int file;

	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_MARU_BO_CREATE, &create));
	ASSERT_EQ(0, card_wait_holding("job.tile", 5000));
	prime.handle = create.handle;
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime));
	file = export_fences(prime.fd);
	ASSERT_LE(0, file);
	EXPECT_EQ(-EBUSY, sync_file_error(file));
	ASSERT_EQ(0, card_release("job.tile"));
	close(prime.fd);
	unload_under(_metadata, w, file);
}

/* A job, and a bind. */
TEST_F_TIMEOUT(module, outlived_by_a_job, 120)
{
	struct drm_syncobj_handle handle = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, .fd = -1,
	};
	struct work *w = &self->w;

	ASSERT_EQ(0, submit_one(w->fd, w->queue, VA_COMMANDS, packet_nop(w->commands.map), 1,
				w->sync, 0));
	handle.handle = w->sync;
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	unload_under(_metadata, w, handle.fd);
}

TEST_F_TIMEOUT(module, outlived_by_a_bind, 120)
{
	struct drm_syncobj_handle handle = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, .fd = -1,
	};
	struct work *w = &self->w;
	struct drm_maru_bind_op op = {
		.op = DRM_MARU_BIND_UNMAP, .va = VA_DATA, .bytes = PAGE,
	};
	struct drm_maru_sync sync = sync_signal_to(w->sync, 0);
	struct drm_maru_vm_bind bind = {
		.vm = w->vm, .flags = DRM_MARU_VM_BIND_ASYNC,
		.ops = ARRAY(&op, 1), .syncs = ARRAY(&sync, 1),
	};

	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_MARU_VM_BIND, &bind));
	handle.handle = w->sync;
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle));
	unload_under(_metadata, w, handle.fd);
}

/* Again and again, with work in between: all counters start at zero and end there. */
TEST_F_TIMEOUT(module, reload, 180)
{
	/* the queue is the kernel's */
	static const struct objects none = {
		"files 0\nbos 0\nvms 0\nqueues 1\njobs 0\nfences 0\nbo_bytes 0\npinned_bytes 0\n"
	};

	work_close(&self->w);
	for (int i = 0; i < (getenv("MARU_FULL") ? 100 : 5); i++) {
		struct work w;

		EXPECT_EQ(0, bus_module_wait_unused(10000));
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load());
		EXPECT_EQ(0, objects_wait_same(&none, 10000));
		ASSERT_EQ(0, work_open(&w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
		EXPECT_EQ(0, submit_run(w.fd, w.queue, VA_COMMANDS,
					packet_fill(w.commands.map, VA_DATA, MARU_TYPE_I32, 16,
						    7)));
		work_close(&w);
		EXPECT_EQ(0, objects_wait_same(&none, 10000));
	}
}

TEST_HARNESS_MAIN
