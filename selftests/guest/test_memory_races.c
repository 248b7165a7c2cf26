// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory under several hands: address spaces that go while others still use them, and a tenant
 * whose work does not end while others need memory.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define VA		(1024 * MIB)
#define OPS		256
#define FLOODERS	8

static uint64_t hbm_part(int fd, uint32_t tenths)
{
	struct drm_maru_tier_info tiers[3] = { 0 };

	query(fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers));
	return tiers[DRM_MARU_TIER_HBM].bytes / 10 * tenths & ~(MIB - 1);
}

static uint64_t system_used(int fd)
{
	struct drm_maru_tier_info tiers[3] = { 0 };

	query(fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers));
	return tiers[DRM_MARU_TIER_SYSTEM].used_bytes;
}

static void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

FIXTURE(races) {
	struct work w;
};

FIXTURE_SETUP(races)
{
	ASSERT_EQ(0, objects_wait("bos", 0, 10000));
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COPY, 60000, 4 * MIB, DRM_MARU_TIER_HBM));
}

FIXTURE_TEARDOWN(races)
{
	card_release("admin.invalidate");
	card_release("admin.complete");
	card_release("job.tile");
	work_close(&self->w);
	EXPECT_EQ(0, objects_wait("vms", 0, 10000));
	EXPECT_EQ(0, objects_wait("bos", 0, 10000));
}

/* ---- address spaces that go ------------------------------------------------------------- */

struct binder {
	int fd;
	uint32_t vm;
	uint32_t handle;
	bool stop;
	int err;
};

/* Mappings that share no table, so that a call needs many of them. */
static void *binder_main(void *arg)
{
	struct drm_maru_bind_op ops[OPS];
	struct binder *me = arg;

	for (uint32_t i = 0; i < OPS; i++)
		ops[i] = (struct drm_maru_bind_op){
			.op = DRM_MARU_BIND_MAP, .handle = me->handle, .bytes = PAGE,
			.va = VA + i * 2 * MIB,
		};
	while (!__atomic_load_n(&me->stop, __ATOMIC_ACQUIRE)) {
		struct drm_maru_vm_bind args = {
			.vm = __atomic_load_n(&me->vm, __ATOMIC_ACQUIRE), .ops = ARRAY(ops, OPS),
		};
		int err = node_call(me->fd, DRM_IOCTL_MARU_VM_BIND, &args);

		if (err && err != -ENOENT)
			me->err = err;
	}
	return NULL;
}

/* A bind finds a VM or finds none, and never one that is half gone. */
TEST_F_TIMEOUT(races, bind_while_the_vm_goes, 300)
{
	int rounds = getenv("MARU_FULL") ? 5000 : 200;
	struct binder binder = { .fd = self->w.fd };
	pthread_t thread;
	struct bo bo;

	ASSERT_EQ(0, bo_create(self->w.fd, &bo, PAGE, DRM_MARU_TIER_HBM, 0));
	binder.handle = bo.handle;
	ASSERT_EQ(0, vm_create(self->w.fd, &binder.vm));
	ASSERT_EQ(0, pthread_create(&thread, NULL, binder_main, &binder));
	for (int i = 0; i < rounds; i++) {
		uint32_t vm;

		usleep(rand() % 2000);
		EXPECT_EQ(0, vm_destroy(self->w.fd, binder.vm));
		ASSERT_EQ(0, vm_create(self->w.fd, &vm));
		__atomic_store_n(&binder.vm, vm, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&binder.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, binder.err);
	EXPECT_EQ(0, vm_destroy(self->w.fd, binder.vm));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
}

/* ---- a tenant whose work does not end ----------------------------------------------------- */

/* @count tenths of HBM, private to the VM. */
static int tenths_create(struct work *w, uint32_t count)
{
	uint64_t bytes = hbm_part(w->fd, 1);
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		struct bo bo;

		err = bo_create(w->fd, &bo, bytes, DRM_MARU_TIER_HBM, w->vm);
		if (!err)
			err = vm_map(w->fd, w->vm, &bo, VA + i * bytes);
	}
	return err;
}

/* The last job signals @tenant->sync. */
static int backlog_start(struct work *tenant)
{
	int jobs = getenv("MARU_FULL") ? 512 : 64;	/* of half a second, more or less */
	uint32_t bytes = packet_busy(tenant->commands.map, 2000, VA_DATA, 4 * MIB);
	int err = 0;

	for (int i = 1; i <= jobs && !err; i++)
		err = submit_one(tenant->fd, tenant->queue, VA_COMMANDS, bytes, i,
				 i == jobs ? tenant->sync : 0, 0);
	return err;
}

static bool backlog_is_on(struct work *tenant)
{
	return syncobj_error(tenant->fd, tenant->sync, 0) == -EBUSY;
}

/* What the tenant gives back is used by its jobs, for all that the kernel knows. */
TEST_F_TIMEOUT(races, the_memory_of_others_moves_under_a_backlog, 120)
{
	struct work *w = &self->w, other;
	struct bo given, bo;

	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, 4 * MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, bo_create_at(w->fd, &given, MIB, DRM_MARU_TIER_HBM, w->vm, VA));
	ASSERT_EQ(0, backlog_start(w));
	ASSERT_EQ(0, vm_unmap(w->fd, w->vm, VA, MIB));
	bo_close(w->fd, &given);

	for (int i = 0; i < 32; i++) {
		ASSERT_EQ(0, bo_create(other.fd, &bo, 4 * MIB, DRM_MARU_TIER_HBM, 0));
		ASSERT_EQ(0, bo_map(other.fd, &bo));
		EXPECT_EQ(0, *(uint64_t *)bo.map);
		*(uint64_t *)bo.map = 1;
		bo_close(other.fd, &bo);
	}
	EXPECT_TRUE(backlog_is_on(w));
	ASSERT_EQ(0, queue_destroy(w->fd, w->queue));
	work_close(&other);
}

struct creator {
	struct work *w;
	uint64_t bytes;
	struct bo bo;
	bool done;
	int err;
};

static void *creator_main(void *arg)
{
	struct creator *me = arg;

	me->err = bo_create(me->w->fd, &me->bo, me->bytes, DRM_MARU_TIER_HBM, 0);
	__atomic_store_n(&me->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Who needs what the tenant uses waits, for as long as it takes; who does not is not held up. */
TEST_F_TIMEOUT(races, memory_in_use_is_waited_for, 180)
{
	struct work *w = &self->w, other;
	struct creator creator = { .w = &other, .bytes = hbm_part(w->fd, 6) };
	int seconds = getenv("MARU_FULL") ? 40 : 3;
	pthread_t thread;
	struct bo large;

	ASSERT_EQ(0, bo_create(w->fd, &large, hbm_part(w->fd, 6), DRM_MARU_TIER_HBM, w->vm));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &large, VA));
	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, backlog_start(w));
	ASSERT_EQ(0, pthread_create(&thread, NULL, creator_main, &creator));
	for (int i = 0; i < seconds * 10; i++) {
		uint64_t start = now_ns();
		struct bo bo;

		ASSERT_EQ(0, bo_create_at(other.fd, &bo, MIB, DRM_MARU_TIER_HBM, other.vm, VA));
		ASSERT_EQ(0, submit_run(other.fd, other.queue, 0, 0));
		ASSERT_EQ(0, vm_unmap(other.fd, other.vm, VA, MIB));
		bo_close(other.fd, &bo);
		if (!i)
			EXPECT_GT(10000000000ULL, now_ns() - start);
		sleep_ms(100);
	}
	EXPECT_TRUE(backlog_is_on(w));
	EXPECT_FALSE(__atomic_load_n(&creator.done, __ATOMIC_ACQUIRE)) TH_LOG("%d", creator.err);
	ASSERT_EQ(0, queue_destroy(w->fd, w->queue));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, creator.err);
	work_close(&other);
}

struct submitter {
	int fd;
	uint32_t queues[2];
	int err;
};

static void *submitter_main(void *arg)
{
	struct submitter *me = arg;
	struct drm_maru_job jobs[2] = { { .queue = me->queues[0] }, { .queue = me->queues[1] } };

	me->err = submit(me->fd, jobs, 2, NULL);
	return NULL;
}

struct destroyer {
	int fd;
	uint32_t vm;
	int err;
};

static void *destroyer_main(void *arg)
{
	struct destroyer *me = arg;

	me->err = vm_destroy(me->fd, me->vm);
	return NULL;
}

static uint32_t tier_of(int fd, const struct bo *bo)
{
	struct drm_maru_bo_info info = { .handle = bo->handle };

	return node_call(fd, DRM_IOCTL_MARU_BO_INFO, &info) ? ~1u : info.current_tier;
}

/*
 * A SUBMIT waits for memory of its first VM while its second one goes, whose mapping would have to
 * be written anew. The card does not let it go until the SUBMIT has been there.
 */
TEST_F_TIMEOUT(races, submit_while_its_second_vm_goes, 120)
{
	struct submitter submitter;
	struct destroyer destroyer;
	pthread_t threads[2];
	struct work other;
	struct bo bo[2];
	uint32_t bytes;

	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_SYSTEM));
	ASSERT_EQ(0, vm_create(other.fd, &destroyer.vm));
	submitter.fd = destroyer.fd = other.fd;
	submitter.queues[0] = other.queue;
	ASSERT_EQ(0, queue_create(other.fd, destroyer.vm, DRM_MARU_CLASS_COPY, 0,
				  &submitter.queues[1]));
	ASSERT_EQ(0, bo_create(other.fd, &bo[0], MIB, DRM_MARU_TIER_HBM, destroyer.vm));
	ASSERT_EQ(0, vm_map(other.fd, destroyer.vm, &bo[0], VA));
	ASSERT_EQ(0, bo_create(other.fd, &bo[1], hbm_part(other.fd, 1), DRM_MARU_TIER_HBM,
			       other.vm));
	ASSERT_EQ(0, vm_map(other.fd, other.vm, &bo[1], VA));
	/* these take the place of those */
	ASSERT_EQ(0, tenths_create(&self->w, 9));
	ASSERT_EQ(DRM_MARU_TIER_SYSTEM, tier_of(other.fd, &bo[0]));
	ASSERT_EQ(DRM_MARU_TIER_SYSTEM, tier_of(other.fd, &bo[1]));
	bytes = packet_fill(self->w.commands.map, VA_DATA, MARU_TYPE_U64, 1, 1);
	/* what it needs is back before the job that is held */
	ASSERT_EQ(0, submit_run(self->w.fd, self->w.queue, VA_COMMANDS, bytes));
	ASSERT_EQ(0, card_arm("job.tile", "hold", 0));
	ASSERT_EQ(0, submit_one(self->w.fd, self->w.queue, VA_COMMANDS, bytes, 0, 0, 0));
	ASSERT_EQ(0, card_wait_holding("job.tile", 10000));
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, submitter_main, &submitter));
	sleep_ms(300);
	EXPECT_EQ(0, queue_destroy(other.fd, submitter.queues[1]));
	ASSERT_EQ(0, card_arm("admin.complete", "hold", 0));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, destroyer_main, &destroyer));
	ASSERT_EQ(0, card_wait_holding("admin.complete", 10000));
	ASSERT_EQ(0, card_release("job.tile"));
	pthread_join(threads[0], NULL);
	EXPECT_EQ(-ECANCELED, submitter.err);
	ASSERT_EQ(0, card_release("admin.complete"));
	pthread_join(threads[1], NULL);
	EXPECT_EQ(0, destroyer.err);
	work_close(&other);
}

/* ---- binds ------------------------------------------------------------------------------- */

static void on_signal(int number)
{
	(void)number;
}

/* Signals for a second; then what holds the bind lets it go. */
static void *interrupter_main(void *arg)
{
	pthread_t *thread = arg;

	card_wait_holding("admin.invalidate", 10000);
	for (int i = 0; i < 20; i++) {
		pthread_kill(*thread, SIGUSR1);
		sleep_ms(50);
	}
	card_release("admin.invalidate");
	return NULL;
}

/* A signal that does not kill does not end the wait for what has been changed already. */
TEST_F_TIMEOUT(races, a_bind_is_not_interrupted, 60)
{
	struct drm_maru_bind_op op = { .op = DRM_MARU_BIND_UNMAP, .va = VA_DATA, .bytes = 4 * MIB };
	struct drm_maru_vm_bind args = { .vm = self->w.vm, .ops = ARRAY(&op, 1) };
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t me = pthread_self(), thread;
	uint64_t start = now_ns();

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, card_arm("admin.invalidate", "hold", 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupter_main, &me));
	EXPECT_EQ(0, ioctl(self->w.fd, DRM_IOCTL_MARU_VM_BIND, &args)) TH_LOG("%d", errno);
	EXPECT_LT(1000000000ULL, now_ns() - start);
	pthread_join(thread, NULL);
}

/* Unmaps a page and maps it again, in tables that are there: the limit does not stop it. */
static void *flood_main(void *arg)
{
	struct binder *me = arg;
	struct bo bo = { .handle = me->handle, .size = PAGE };

	while (!__atomic_load_n(&me->stop, __ATOMIC_ACQUIRE)) {
		int err = vm_unmap(me->fd, me->vm, VA, PAGE);

		if (!err)
			err = vm_map(me->fd, me->vm, &bo, VA);
		/* who is refused holds what is left of the quota until he is */
		if (err && err != -EDQUOT)
			me->err = err;
	}
	return NULL;
}

/* A full quota is told in the end, whatever other threads of the file do. */
TEST_F_TIMEOUT(races, a_full_quota_in_a_flood_of_binds, 180)
{
	struct drm_maru_limits limits = { 0 };
	struct binder binders[FLOODERS] = { 0 };
	struct drm_maru_bind_op ops[OPS];
	struct drm_maru_vm_bind args = { .vm = self->w.vm, .ops = ARRAY(ops, OPS) };
	int rounds = getenv("MARU_FULL") ? 200 : 10, err = 0;
	pthread_t threads[FLOODERS];
	uint64_t at = 0;
	struct bo bo;

	ASSERT_EQ(0, bo_create(self->w.fd, &bo, PAGE, DRM_MARU_TIER_HBM, 0));
	ASSERT_EQ(0, query(self->w.fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	for (int i = 0; i < FLOODERS; i++) {
		binders[i] = (struct binder){ .fd = self->w.fd, .handle = bo.handle };
		ASSERT_EQ(0, vm_create(self->w.fd, &binders[i].vm));
		ASSERT_EQ(0, vm_map(self->w.fd, binders[i].vm, &bo, VA));
	}
	while (!err && at * PAGE <= limits.pinned_bytes) {
		for (uint64_t i = 0; i < OPS; i++)
			ops[i] = (struct drm_maru_bind_op){
				.op = DRM_MARU_BIND_MAP, .handle = bo.handle,
				.bytes = PAGE, .va = VA + (at + i) * 2 * MIB,
			};
		err = node_call(self->w.fd, DRM_IOCTL_MARU_VM_BIND, &args);
		at += OPS;
	}
	ASSERT_EQ(-EDQUOT, err);
	for (int i = 0; i < FLOODERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, flood_main, &binders[i]));
	for (int i = 0; i < rounds; i++)	/* each as long as the test's own limit allows */
		EXPECT_EQ(-EDQUOT, node_call(self->w.fd, DRM_IOCTL_MARU_VM_BIND, &args));
	for (int i = 0; i < FLOODERS; i++) {
		__atomic_store_n(&binders[i].stop, true, __ATOMIC_RELEASE);
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, binders[i].err);
	}
}

/* ---- what is counted ----------------------------------------------------------------------- */

/* System memory counts by itself, whatever a BO takes of another tier. */
TEST_F(races, system_memory_is_counted)
{
	uint64_t before = system_used(self->w.fd);
	struct drm_maru_bo_create aligned = {
		.size = PAGE, .tiers = 1 << DRM_MARU_TIER_HBM, .align = 64 * MIB,
	};
	struct drm_gem_close close = { 0 };
	struct bo bo;

	ASSERT_EQ(0, bo_create(self->w.fd, &bo, 64 * MIB, DRM_MARU_TIER_SYSTEM, 0));
	EXPECT_EQ(before + 64 * MIB, system_used(self->w.fd));
	ASSERT_EQ(0, node_call(self->w.fd, DRM_IOCTL_MARU_BO_CREATE, &aligned));
	EXPECT_EQ(before + 64 * MIB, system_used(self->w.fd));
	bo_close(self->w.fd, &bo);
	EXPECT_EQ(before, system_used(self->w.fd));
	close.handle = aligned.handle;
	ASSERT_EQ(0, node_call(self->w.fd, DRM_IOCTL_GEM_CLOSE, &close));
}

TEST_HARNESS_MAIN
