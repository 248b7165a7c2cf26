// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory anywhere: the first, second, third … allocation of a call fails, until one call
 * meets none that does. A call that is refused says -ENOMEM and leaves all as it was. For kernels
 * with CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"
#include "lib_bus.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define VA		(1024 * MIB)
#define MOST		2000	/* allocations of a call */

/** struct step - A call, what it needs before, and what is left to do after it. */
struct step {
	const char *name;
	int (*ready)(struct work *w);
	int (*call)(struct work *w);
	void (*undo)(struct work *w, bool done);
};

/* What a step works on. */
static struct bo bo;
static uint32_t vm, queue;
static int fd = -1;
static uint64_t point;

/*
 * The kernel's own buddy allocator is left out: when it can not split a block for want of memory
 * it puts it among the free ones twice (alloc_from_freetree(), seen in 6.12).
 */
static int leave_out(const char *function)
{
	static const char *const files[] = {
		DEBUGFS "failslab/reject-start", DEBUGFS "failslab/reject-end",
		DEBUGFS "fail_page_alloc/reject-start", DEBUGFS "fail_page_alloc/reject-end",
	};
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[256], name[128], range[2][32] = { "", "" };
	unsigned long long address;
	int err = -ENOENT;

	while (symbols && !range[1][0] && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%llx %*c %127s", &address, name) != 2)
			continue;
		if (range[0][0] || !strcmp(name, function))
			snprintf(range[!!range[0][0]], sizeof(range[0]), "0x%llx", address);
	}
	if (symbols)
		fclose(symbols);
	for (int i = 0; i < 4 && range[1][0]; i++) {
		err = bus_write(files[i], range[i % 2]);
		if (err)
			break;
	}
	return err;
}

/* Memory alone. A copy to user space that fails comes after the deed. */
static int faults_set_up(void)
{
	static const char *const lines[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_usercopy/stacktrace-depth", "0" },
		{ DEBUGFS "fail_usercopy/require-start", "1" },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && !err; i++)
		err = bus_write(lines[i][0], lines[i][1]);
	return err ? err : leave_out("gpu_buddy_alloc_blocks");
}

static void nth_set(int nth, unsigned int n)
{
	char text[16];
	int bytes = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(nth, text, bytes, 0) != bytes)
		abort();
}

/* Did it fail? It counts down to nought. */
static bool nth_was_met(int nth)
{
	char text[16] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) <= 0)
		abort();
	return !atoi(text);
}

/* ---- steps ------------------------------------------------------------------------------ */

static int create_hbm(struct work *w)
{
	return bo_create(w->fd, &bo, 2 * MIB, DRM_MARU_TIER_HBM, w->vm);
}

static int create_system(struct work *w)
{
	return bo_create(w->fd, &bo, 64 * PAGE, DRM_MARU_TIER_SYSTEM, 0);
}

static void close_bo(struct work *w, bool done)
{
	(void)done;
	vm_unmap(w->fd, w->vm, VA, 2 * MIB);
	bo_close(w->fd, &bo);
}

static int create_shared(struct work *w)
{
	struct drm_maru_bo_create create = {
		.size = 64 * PAGE, .tiers = 1u << DRM_MARU_TIER_SYSTEM,
		.preferred = DRM_MARU_TIER_SYSTEM, .flags = DRM_MARU_BO_SHARE,
	};
	int err = node_call(w->fd, DRM_IOCTL_MARU_BO_CREATE, &create);

	bo = (struct bo){ .handle = err ? 0 : create.handle };
	return err;
}

static int export_bo(struct work *w)
{
	struct drm_prime_handle prime = { .handle = bo.handle, .flags = DRM_CLOEXEC };
	int err = node_call(w->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	fd = err ? -1 : prime.fd;
	return err;
}

static void close_export(struct work *w, bool done)
{
	if (done)
		close(fd);
	close_bo(w, done);
}

/* A dma-buf of system memory by way of udmabuf. */
static int create_foreign(struct work *w)
{
	struct udmabuf_create create = { .size = 64 * PAGE };
	int node = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	(void)w;
	create.memfd = memfd_create("fail-nth", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fd = -1;
	if (!ftruncate(create.memfd, create.size) &&
	    !fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		fd = ioctl(node, UDMABUF_CREATE, &create);
	close(create.memfd);
	close(node);
	return fd < 0 ? -errno : 0;
}

static int import_bo(struct work *w)
{
	struct drm_prime_handle prime = { .fd = fd };
	int err = node_call(w->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	bo = (struct bo){ .handle = err ? 0 : prime.handle };
	return err;
}

static void close_foreign(struct work *w, bool done)
{
	close(fd);
	close_bo(w, done);
}

static int map_bo(struct work *w)
{
	return bo_map(w->fd, &bo);
}

static int bind_bo(struct work *w)
{
	return vm_map(w->fd, w->vm, &bo, VA);
}

static int create_bound(struct work *w)
{
	int err = create_hbm(w);

	return err ? err : bind_bo(w);
}

/* Both ends are kept. */
static int unbind_middle(struct work *w)
{
	return vm_unmap(w->fd, w->vm, VA + PAGE, PAGE);
}

static int bind_async(struct work *w)
{
	struct drm_maru_bind_op ops[] = {
		{ .op = DRM_MARU_BIND_MAP, .handle = bo.handle, .va = VA, .bytes = PAGE },
		{ .op = DRM_MARU_BIND_MAP, .handle = bo.handle, .va = VA + MIB, .bytes = PAGE },
		{ .op = DRM_MARU_BIND_UNMAP_ALL, .handle = bo.handle },
	};
	struct drm_maru_sync signal = sync_signal_to(w->sync, ++point);
	struct drm_maru_vm_bind args = {
		.vm = w->vm, .flags = DRM_MARU_VM_BIND_ASYNC,
		.ops = ARRAY(ops, 3), .syncs = ARRAY(&signal, 1),
	};

	return node_call(w->fd, DRM_IOCTL_MARU_VM_BIND, &args);
}

static void wait_point_and_close(struct work *w, bool done)
{
	if (done && syncobj_result(w->fd, w->sync, point))
		abort();
	close_bo(w, done);
}

static int create_vm(struct work *w)
{
	return vm_create(w->fd, &vm);
}

static int destroy_vm(struct work *w)
{
	return vm_destroy(w->fd, vm);
}

static void undo_vm(struct work *w, bool done)
{
	if (done && vm_destroy(w->fd, vm))
		abort();
}

static void redo_vm(struct work *w, bool done)
{
	undo_vm(w, !done);
}

static int create_vm_bound(struct work *w)
{
	int err = create_vm(w);

	if (!err)
		err = bo_create(w->fd, &bo, 2 * MIB, DRM_MARU_TIER_HBM, 0);
	return err ? err : vm_map(w->fd, vm, &bo, VA);
}

static void redo_vm_bound(struct work *w, bool done)
{
	redo_vm(w, done);
	bo_close(w->fd, &bo);
}

static int create_queue(struct work *w)
{
	return queue_create(w->fd, w->vm, DRM_MARU_CLASS_COMPUTE, 0, &queue);
}

static int destroy_queue(struct work *w)
{
	return queue_destroy(w->fd, queue);
}

static void undo_queue(struct work *w, bool done)
{
	if (done && queue_destroy(w->fd, queue))
		abort();
}

static void redo_queue(struct work *w, bool done)
{
	undo_queue(w, !done);
}

static uint32_t packet_bytes;

static int write_packet(struct work *w)
{
	packet_bytes = packet_fill(w->commands.map, VA_DATA, MARU_TYPE_U8, 4096, 0x5a);
	return 0;
}

static int submit_two(struct work *w)
{
	struct drm_maru_sync first = sync_signal_to(w->sync, point + 1);
	struct drm_maru_sync second[] = {
		sync_wait_on(w->sync, point + 1), sync_signal_to(w->sync, point + 2),
	};
	struct drm_maru_job jobs[] = {
		{ .queue = w->queue, .va = VA_COMMANDS, .bytes = packet_bytes,
		  .syncs = ARRAY(&first, 1) },
		{ .queue = w->queue, .va = VA_COMMANDS, .bytes = packet_bytes,
		  .syncs = ARRAY(second, 2) },
	};
	int err = submit(w->fd, jobs, 2, NULL);

	if (!err)
		point += 2;
	return err;
}

static void wait_point(struct work *w, bool done)
{
	if (done && syncobj_result(w->fd, w->sync, point))
		abort();
}

static int open_node(struct work *w)
{
	(void)w;
	fd = open(getenv("MARU_NODE") ?: "/dev/accel/accel0", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static void close_node(struct work *w, bool done)
{
	(void)w;
	if (done)
		close(fd);
}

static int open_whole(struct work *w)
{
	int err = open_node(w);

	if (!err)
		err = vm_create(fd, &vm);
	if (!err)
		err = queue_create(fd, vm, DRM_MARU_CLASS_COPY, 0, &queue);
	if (!err)
		err = bo_create_at(fd, &bo, 2 * MIB, DRM_MARU_TIER_HBM, vm, VA);
	if (!err)
		err = submit_one(fd, queue, 0, 0, 0, 0, 0);
	munmap(bo.map, bo.size);
	return err;
}

/* It can not fail, whatever does. */
static int close_whole(struct work *w)
{
	(void)w;
	close(fd);
	return 0;
}

static int ask(struct work *w)
{
	struct drm_maru_tier_info tiers[3];
	struct drm_maru_queue_info info;
	int err = query(w->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers));

	if (!err)
		err = queue_info(w->fd, w->queue, &info);
	if (!err)
		err = queue_set(w->fd, w->queue, DRM_MARU_PROPERTY_WEIGHT, 7);
	return err;
}

static int nothing(struct work *w)
{
	(void)w;
	return 0;
}

static void no_more(struct work *w, bool done)
{
	(void)w;
	(void)done;
}

static const struct step steps[] = {
	{ "open", nothing, open_node, close_node },
	{ "close", open_whole, close_whole, no_more },
	{ "QUERY, QUEUE_INFO and QUEUE_SET", nothing, ask, no_more },
	{ "BO_CREATE in HBM", nothing, create_hbm, close_bo },
	{ "BO_CREATE in system memory", nothing, create_system, close_bo },
	{ "BO_MMAP and mmap", create_system, map_bo, close_bo },
	{ "PRIME_HANDLE_TO_FD", create_shared, export_bo, close_export },
	{ "PRIME_FD_TO_HANDLE", create_foreign, import_bo, close_foreign },
	{ "VM_CREATE", nothing, create_vm, undo_vm },
	{ "VM_DESTROY", create_vm_bound, destroy_vm, redo_vm_bound },
	{ "VM_BIND", create_hbm, bind_bo, close_bo },
	{ "VM_BIND that cuts", create_bound, unbind_middle, close_bo },
	{ "VM_BIND ASYNC", create_hbm, bind_async, wait_point_and_close },
	{ "QUEUE_CREATE", nothing, create_queue, undo_queue },
	{ "QUEUE_DESTROY", create_queue, destroy_queue, redo_queue },
	{ "SUBMIT", write_packet, submit_two, wait_point },
};

/* Jobs are freed by a worker. */
static int objects_settled(struct objects *all)
{
	int err = objects_wait("jobs", 0, 20000);

	return err ? err : objects_read(all);
}

FIXTURE(nth) {
	struct work w;
	struct objects as;
	int nth;
};

FIXTURE_SETUP(nth)
{
	self->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (self->nth < 0 || faults_set_up())
		SKIP(return, "this kernel lets no allocation fail on demand");
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COPY, 60000, 4 * MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	ASSERT_EQ(0, objects_settled(&self->as));
}

FIXTURE_TEARDOWN(nth)
{
	work_close(&self->w);
	close(self->nth);
}

/* Returns the error of the call, or 0; *met: an allocation failed. */
static int call_with_fault(const struct step *step, struct work *w, int nth, unsigned int n,
			   bool *met)
{
	int err;

	nth_set(nth, n);
	err = step->call(w);
	*met = nth_was_met(nth);
	nth_set(nth, 0);
	return err;
}

/* Returns allocations that failed in turn, or -1. */
static int run_step(const struct step *step, struct work *w, int nth, const struct objects *before)
{
	struct objects ready;
	bool met = true;
	int err = 0, n;

	for (n = 1; met && n <= MOST; n++) {
		if (step->ready(w) || objects_settled(&ready))
			goto bad;
		err = call_with_fault(step, w, nth, n, &met);
		if (err && (err != -ENOMEM || !met))
			goto bad;
		if (err && objects_wait_same(&ready, 20000))
			goto bad;
		step->undo(w, !err);
		if (objects_wait_same(before, 20000) || submit_run(w->fd, w->queue, 0, 0))
			goto bad;
	}
	if (!met)
		return n - 2;
bad:
	fprintf(stderr, "# %s, allocation %d: %d\n", step->name, n, err);
	return -1;
}

TEST_F_TIMEOUT(nth, each_allocation_of_each_call, 600)
{
	int total = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int failed = run_step(&steps[i], &self->w, self->nth, &self->as);

		EXPECT_LE(0, failed) TH_LOG("%s", steps[i].name);
		TH_LOG("%s: each of %d allocations failed in turn", steps[i].name, failed);
		total += failed;
	}
	EXPECT_LT(100, total);		/* a kernel that lets none fail shows nothing */
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
}

TEST_HARNESS_MAIN
