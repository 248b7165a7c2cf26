// SPDX-License-Identifier: GPL-2.0-only
/* VMs and VM_BIND: every field, all or nothing, what the card sees, and when a fence says so. */
#include <errno.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define VA	(1024 * MIB)

FIXTURE(bind) {
	int fd;
	uint32_t vm;
	struct bo bo;
	struct drm_maru_bind_op map;
	uint64_t vms;
};

FIXTURE_SETUP(bind)
{
	self->vms = objects("vms");
	self->fd = node_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, vm_create(self->fd, &self->vm));
	ASSERT_EQ(0, bo_create(self->fd, &self->bo, 4 * MIB, DRM_MARU_TIER_HBM, 0));
	self->map = (struct drm_maru_bind_op){
		.op = DRM_MARU_BIND_MAP, .handle = self->bo.handle, .va = VA, .bytes = 4 * MIB,
	};
}

FIXTURE_TEARDOWN(bind)
{
	card_release("admin.invalidate");
	close(self->fd);
	EXPECT_EQ(0, objects_wait("vms", self->vms, 10000));
}

static int bind(int fd, uint32_t vm, const struct drm_maru_bind_op *ops, uint32_t count)
{
	struct drm_maru_vm_bind args = { .vm = vm, .ops = ARRAY(ops, count) };

	return node_call(fd, DRM_IOCTL_MARU_VM_BIND, &args);
}

static int bind_async(int fd, uint32_t vm, const struct drm_maru_bind_op *ops, uint32_t count,
		      const struct drm_maru_sync *syncs, uint32_t sync_count)
{
	struct drm_maru_vm_bind args = {
		.vm = vm, .flags = DRM_MARU_VM_BIND_ASYNC,
		.ops = ARRAY(ops, count), .syncs = ARRAY(syncs, sync_count),
	};

	return node_call(fd, DRM_IOCTL_MARU_VM_BIND, &args);
}

TEST_F(bind, vm_create_refuses_bad_fields)
{
	static const struct drm_maru_vm_create bad[] = {
		{ .flags = 1 },
		{ .id = 1 },
		{ .va_bytes = 2 * MIB },
		{ .va_start = 2 * MIB },
		{ .va_start = 2 * MIB, .va_bytes = 1 },
		{ .va_start = 2 * MIB + PAGE, .va_bytes = 2 * MIB },
		{ .va_start = 1ULL << 47, .va_bytes = 2 * MIB },
		{ .va_start = 2 * MIB, .va_bytes = 1ULL << 47 },
		{ .va_start = 2 * MIB, .va_bytes = ~0ULL - PAGE + 1 },
		{ .va_start = ~0ULL << 21, .va_bytes = 4 * MIB },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct drm_maru_vm_create args = bad[i];

		EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_CREATE, &args))
			TH_LOG("case %zu", i);
	}
	EXPECT_EQ(self->vms + 1, objects("vms"));
}

TEST_F(bind, vm_destroy)
{
	struct drm_maru_vm_destroy args = { .id = self->vm, .mbz = 1 };
	uint32_t queue;

	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_DESTROY, &args));
	EXPECT_EQ(-ENOENT, vm_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, vm_destroy(self->fd, self->vm + 100));
	ASSERT_EQ(0, queue_create(self->fd, self->vm, DRM_MARU_CLASS_COPY, 0, &queue));
	EXPECT_EQ(-EBUSY, vm_destroy(self->fd, self->vm));
	ASSERT_EQ(0, queue_destroy(self->fd, queue));
	ASSERT_EQ(0, bind(self->fd, self->vm, &self->map, 1));
	EXPECT_EQ(0, vm_destroy(self->fd, self->vm));
	EXPECT_EQ(-ENOENT, vm_destroy(self->fd, self->vm));
	EXPECT_EQ(-ENOENT, bind(self->fd, self->vm, &self->map, 1));
}

#define REFUSED(err, change) do {							\
	struct drm_maru_bind_op op = self->map;						\
											\
	change;										\
	EXPECT_EQ(err, bind(self->fd, self->vm, &op, 1)) TH_LOG(#change);		\
} while (0)

TEST_F(bind, op_refuses_bad_fields)
{
	REFUSED(-EINVAL, op.op = 5);
	REFUSED(-EINVAL, op.op = ~0u);
	REFUSED(-EOPNOTSUPP, op.op = DRM_MARU_BIND_MAP_USERPTR);
	REFUSED(-EOPNOTSUPP, op.op = DRM_MARU_BIND_PREFETCH);
	REFUSED(-EINVAL, op.flags = 2);
	REFUSED(-EINVAL, op.tier = 1);
	REFUSED(-ENOENT, op.handle = 0);
	REFUSED(-ENOENT, op.handle = 4711);
	REFUSED(-EINVAL, op.offset = 1);
	REFUSED(-EINVAL, op.offset = PAGE);
	REFUSED(-EINVAL, op.offset = ~0ULL - PAGE + 1);
	REFUSED(-EINVAL, op.bytes = 0);
	REFUSED(-EINVAL, op.bytes = PAGE - 1);
	REFUSED(-EINVAL, op.bytes = 4 * MIB + PAGE);
	REFUSED(-EINVAL, op.bytes = ~0ULL - PAGE + 1);
	REFUSED(-EINVAL, op.va = 0);
	REFUSED(-EINVAL, op.va = VA + 1);
	REFUSED(-EINVAL, op.va = 2 * MIB - PAGE);
	REFUSED(-EINVAL, op.va = (1ULL << 47) - PAGE);
	REFUSED(-EINVAL, op.va = ~0ULL - PAGE + 1);
}

TEST_F(bind, unmap_refuses_bad_fields)
{
	REFUSED(-EINVAL, op.op = DRM_MARU_BIND_UNMAP);
	REFUSED(-EINVAL, (op.op = DRM_MARU_BIND_UNMAP, op.handle = 0, op.flags = 1));
	REFUSED(-EINVAL, (op.op = DRM_MARU_BIND_UNMAP, op.handle = 0, op.offset = PAGE));
	REFUSED(-EINVAL, (op.op = DRM_MARU_BIND_UNMAP, op.handle = 0, op.bytes = 0));
	REFUSED(-EINVAL, op.op = DRM_MARU_BIND_UNMAP_ALL);
	REFUSED(-EINVAL, (op.op = DRM_MARU_BIND_UNMAP_ALL, op.va = 0));
	REFUSED(-EINVAL, (op.op = DRM_MARU_BIND_UNMAP_ALL, op.bytes = 0));
	REFUSED(-ENOENT, (op.op = DRM_MARU_BIND_UNMAP_ALL, op.va = 0, op.bytes = 0,
			  op.handle = 0));
	REFUSED(0, (op.op = DRM_MARU_BIND_UNMAP_ALL, op.va = 0, op.bytes = 0));
	REFUSED(0, (op.op = DRM_MARU_BIND_UNMAP, op.handle = 0));
}

TEST_F(bind, call_refuses_bad_fields)
{
	struct drm_maru_vm_bind args = { .vm = self->vm, .ops = ARRAY(&self->map, 1) };
	struct { struct drm_maru_bind_op op; uint64_t more; } large = { .op = self->map };
	struct drm_maru_limits limits = { 0 };

	args.flags = 2;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.flags = 0;
	args.vm = 4711;
	EXPECT_EQ(-ENOENT, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.vm = self->vm;
	args.syncs.count = 1;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.syncs.count = 0;
	args.ops.stride = sizeof(self->map) - 8;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.ops.stride = sizeof(self->map);
	args.ops.count = 1025;
	EXPECT_EQ(-E2BIG, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.ops = ARRAY(&large, 1);
	EXPECT_EQ(0, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	large.more = 1;
	EXPECT_EQ(-EINVAL, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	args.ops.ptr = 8;
	EXPECT_EQ(-EFAULT, node_call(self->fd, DRM_IOCTL_MARU_VM_BIND, &args));
	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	EXPECT_EQ(-E2BIG, bind_async(self->fd, self->vm, &self->map, 1, NULL,
				     limits.syncs_per_call + 1));
}

TEST_F(bind, private_to_another_vm)
{
	uint32_t other;
	struct bo bo;

	ASSERT_EQ(0, vm_create(self->fd, &other));
	ASSERT_EQ(0, bo_create(self->fd, &bo, PAGE, DRM_MARU_TIER_HBM, other));
	EXPECT_EQ(-EACCES, vm_map(self->fd, self->vm, &bo, VA));
	EXPECT_EQ(0, vm_map(self->fd, other, &bo, VA));
}

/* What the card finds at each page of a range: the page's number in a BO that says so. */
FIXTURE(seen) {
	struct work w;
	struct bo bo;
	uint64_t *out;
};

FIXTURE_SETUP(seen)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_SYSTEM));
	ASSERT_EQ(0, bo_create(self->w.fd, &self->bo, 8 * MIB, DRM_MARU_TIER_HBM, 0));
	ASSERT_EQ(0, bo_map(self->w.fd, &self->bo));
	for (uint64_t i = 0; i < self->bo.size / PAGE; i++)
		((uint64_t *)self->bo.map)[i * PAGE / 8] = i + 1;
	self->out = self->w.data.map;
}

FIXTURE_TEARDOWN(seen)
{
	bo_close(self->w.fd, &self->bo);
	work_close(&self->w);
}

/* The u64 that the card reads at @va; ~0 when the job failed, ~1 when by a fault. */
static uint64_t card_read(struct work *w, uint64_t *out, uint64_t va)
{
	uint32_t bytes = packet_copy(w->commands.map, VA_DATA, va, MARU_TYPE_U64, 1);
	int err;

	*out = 0;
	err = submit_run(w->fd, w->queue, VA_COMMANDS, bytes);
	if (err == -EFAULT) {
		queue_destroy(w->fd, w->queue);
		queue_create(w->fd, w->vm, DRM_MARU_CLASS_COPY, 0, &w->queue);
		return ~1ULL;
	}
	return err ? ~0ULL : *out;
}

TEST_F(seen, map_replace_and_cut)
{
	struct work *w = &self->w;
	struct drm_maru_bind_op ops[] = {
		{ .op = DRM_MARU_BIND_MAP, .handle = self->bo.handle, .va = VA, .bytes = 8 * MIB },
		{ .op = DRM_MARU_BIND_MAP, .handle = self->bo.handle, .va = VA + 2 * MIB + PAGE,
		  .offset = 7 * MIB, .bytes = 2 * PAGE },
		{ .op = DRM_MARU_BIND_UNMAP, .va = VA + 4 * MIB - PAGE, .bytes = 2 * PAGE },
	};

	ASSERT_EQ(0, bind(w->fd, w->vm, ops, 3));
	EXPECT_EQ(1, card_read(w, self->out, VA));
	EXPECT_EQ(513, card_read(w, self->out, VA + 2 * MIB));
	EXPECT_EQ(7 * 256 + 1, card_read(w, self->out, VA + 2 * MIB + PAGE));
	EXPECT_EQ(7 * 256 + 2, card_read(w, self->out, VA + 2 * MIB + 2 * PAGE));
	EXPECT_EQ(516, card_read(w, self->out, VA + 2 * MIB + 3 * PAGE));
	EXPECT_EQ(1023, card_read(w, self->out, VA + 4 * MIB - 2 * PAGE));
	EXPECT_EQ(~1ULL, card_read(w, self->out, VA + 4 * MIB - PAGE));
	EXPECT_EQ(~1ULL, card_read(w, self->out, VA + 4 * MIB));
	EXPECT_EQ(1026, card_read(w, self->out, VA + 4 * MIB + PAGE));
	EXPECT_EQ(2048, card_read(w, self->out, VA + 8 * MIB - PAGE));
}

TEST_F(seen, unmap_all)
{
	struct drm_maru_bind_op all = {
		.op = DRM_MARU_BIND_UNMAP_ALL, .handle = self->bo.handle,
	};
	struct work *w = &self->w;

	ASSERT_EQ(0, vm_map(w->fd, w->vm, &self->bo, VA));
	ASSERT_EQ(0, vm_map(w->fd, w->vm, &self->bo, VA + 64 * MIB));
	EXPECT_EQ(1, card_read(w, self->out, VA + 64 * MIB));
	ASSERT_EQ(0, bind(w->fd, w->vm, &all, 1));
	EXPECT_EQ(~1ULL, card_read(w, self->out, VA));
	EXPECT_EQ(~1ULL, card_read(w, self->out, VA + 64 * MIB));
}

TEST_F(seen, all_or_nothing)
{
	struct drm_maru_bind_op ops[] = {
		{ .op = DRM_MARU_BIND_UNMAP, .va = VA, .bytes = 8 * MIB },
		{ .op = DRM_MARU_BIND_MAP, .handle = 4711, .va = VA, .bytes = PAGE },
	};
	struct work *w = &self->w;

	ASSERT_EQ(0, vm_map(w->fd, w->vm, &self->bo, VA));
	EXPECT_EQ(-ENOENT, bind(w->fd, w->vm, ops, 2));
	EXPECT_EQ(2, card_read(w, self->out, VA + PAGE));
}

TEST_F(seen, read_only)
{
	struct drm_maru_bind_op op = {
		.op = DRM_MARU_BIND_MAP, .flags = DRM_MARU_BIND_READ_ONLY,
		.handle = self->bo.handle, .va = VA, .bytes = PAGE,
	};
	struct work *w = &self->w;
	uint32_t bytes;

	ASSERT_EQ(0, bind(w->fd, w->vm, &op, 1));
	EXPECT_EQ(1, card_read(w, self->out, VA));
	bytes = packet_fill(w->commands.map, VA, MARU_TYPE_U64, 1, 7);
	EXPECT_EQ(-EFAULT, submit_run(w->fd, w->queue, VA_COMMANDS, bytes));
	EXPECT_EQ(1, *(uint64_t *)self->bo.map);
}

/* The bytes stay reachable to the card as long as they are mapped, not as long as the handle. */
TEST_F(seen, closed_handle)
{
	struct work *w = &self->w;
	struct drm_gem_close handle = { .handle = self->bo.handle };

	ASSERT_EQ(0, vm_map(w->fd, w->vm, &self->bo, VA));
	ASSERT_EQ(0, node_call(w->fd, DRM_IOCTL_GEM_CLOSE, &handle));
	EXPECT_EQ(3, card_read(w, self->out, VA + 2 * PAGE));
	self->bo.handle = 0;
}

#define SET	5		/* BOs of an eighth of HBM each: two sets do not fit */

static int set_create(struct work *w, struct bo *set, uint64_t bytes, uint64_t pattern)
{
	int err = 0;

	for (uint64_t i = 0; i < SET && !err; i++) {
		err = bo_create(w->fd, &set[i], bytes, DRM_MARU_TIER_HBM, i % 2 ? w->vm : 0);
		if (!err)
			err = vm_map(w->fd, w->vm, &set[i], VA + i * bytes);
		if (!err)
			err = submit_run(w->fd, w->queue, VA_COMMANDS,
					 packet_fill(w->commands.map, set[i].va, MARU_TYPE_U64,
						     bytes / 8, pattern + i));
	}
	return err;
}

/* First and last word of each, as the card sees them; how many are wrong. */
static int set_check(struct work *w, struct bo *set, uint64_t bytes, uint64_t pattern)
{
	uint64_t *out = w->data.map;
	int wrong = 0;

	for (uint64_t i = 0; i < SET; i++) {
		wrong += card_read(w, out, set[i].va) != pattern + i;
		wrong += card_read(w, out, set[i].va + bytes - 8) != pattern + i;
	}
	return wrong;
}

static int count_in(int fd, struct bo *set, uint32_t tier)
{
	int count = 0;

	for (int i = 0; i < SET; i++) {
		struct drm_maru_bo_info info = { .handle = set[i].handle };

		if (!node_call(fd, DRM_IOCTL_MARU_BO_INFO, &info))
			count += info.current_tier == tier;
	}
	return count;
}

/* Two VMs that fit one at a time: each finds its own memory, where and as it left it. */
TEST_F(seen, over_commit_by_two_vms)
{
	struct drm_maru_tier_info tiers[3] = { };
	struct bo mine[SET], theirs[SET];
	struct work *w = &self->w, other;
	uint64_t bytes;

	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	bytes = tiers[0].bytes / 8;
	ASSERT_EQ(0, work_open(&other, DRM_MARU_CLASS_COPY, 0, MIB, DRM_MARU_TIER_SYSTEM));
	ASSERT_EQ(0, set_create(w, mine, bytes, 1000));
	ASSERT_EQ(0, set_create(&other, theirs, bytes, 2000));
	EXPECT_LT(0, count_in(w->fd, mine, DRM_MARU_TIER_SYSTEM));
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(0, set_check(w, mine, bytes, 1000));
		EXPECT_EQ(SET, count_in(w->fd, mine, DRM_MARU_TIER_HBM));
		EXPECT_EQ(0, set_check(&other, theirs, bytes, 2000));
		EXPECT_EQ(SET, count_in(other.fd, theirs, DRM_MARU_TIER_HBM));
	}
	work_close(&other);
}

/* What no eviction can make fit is refused, and the VM goes on with less. */
TEST_F(seen, more_than_hbm_in_one_vm)
{
	struct drm_maru_tier_info tiers[3] = { };
	struct drm_maru_bind_op ops[2];
	struct work *w = &self->w;
	struct bo half[2];

	ASSERT_EQ(0, query(w->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, bo_create(w->fd, &half[i], tiers[0].bytes * 5 / 8,
				       DRM_MARU_TIER_HBM, 0));
		ops[i] = (struct drm_maru_bind_op){
			.op = DRM_MARU_BIND_MAP, .handle = half[i].handle,
			.va = VA + i * 4096 * MIB, .bytes = half[i].size,
		};
	}
	EXPECT_EQ(-ENOMEM, bind(w->fd, w->vm, ops, 2));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, vm_map(w->fd, w->vm, &half[i], ops[i].va));
	EXPECT_EQ(-ENOMEM, submit_run(w->fd, w->queue, VA_COMMANDS,
				      packet_nop(w->commands.map)));
	ASSERT_EQ(0, vm_unmap(w->fd, w->vm, VA, half[0].size));
	EXPECT_EQ(0, card_read(w, self->out, half[1].va));
}

TEST_F(bind, async_in_order)
{
	struct drm_maru_bind_op unmap = { .op = DRM_MARU_BIND_UNMAP, .va = VA, .bytes = 4 * MIB };
	struct drm_maru_sync out[2];
	uint32_t first, second;

	ASSERT_EQ(0, syncobj_create(self->fd, false, &first));
	ASSERT_EQ(0, syncobj_create(self->fd, false, &second));
	out[0] = sync_signal_to(first, 5);
	out[1] = sync_signal_to(second, 0);
	ASSERT_EQ(0, bind_async(self->fd, self->vm, &self->map, 1, &out[0], 1));
	ASSERT_EQ(0, bind_async(self->fd, self->vm, &unmap, 1, &out[1], 1));
	EXPECT_EQ(0, syncobj_result(self->fd, second, 0));
	EXPECT_EQ(0, syncobj_error(self->fd, first, 5));
}

TEST_F(bind, async_refuses_what_never_comes)
{
	struct drm_maru_sync in;
	uint32_t never;

	ASSERT_EQ(0, syncobj_create(self->fd, false, &never));
	in = sync_wait_on(never, 0);
	EXPECT_EQ(-ENOENT, bind_async(self->fd, self->vm, &self->map, 1, &in, 1));
	in = sync_wait_on(4711, 0);
	EXPECT_EQ(-ENOENT, bind_async(self->fd, self->vm, &self->map, 1, &in, 1));
	in.type = DRM_MARU_SYNC_USER_FENCE;
	EXPECT_EQ(-EOPNOTSUPP, bind_async(self->fd, self->vm, &self->map, 1, &in, 1));
}

/* An unmap is done when the card says that it forgot, not before. */
TEST_F(bind, fence_waits_for_invalidate)
{
	struct drm_maru_bind_op unmap = { .op = DRM_MARU_BIND_UNMAP, .va = VA, .bytes = 4 * MIB };
	struct drm_maru_sync out;
	uint32_t done;

	ASSERT_EQ(0, bind(self->fd, self->vm, &self->map, 1));
	ASSERT_EQ(0, syncobj_create(self->fd, false, &done));
	out = sync_signal_to(done, 0);
	ASSERT_EQ(0, card_arm("admin.invalidate", "hold", 0));
	ASSERT_EQ(0, bind_async(self->fd, self->vm, &unmap, 1, &out, 1));
	ASSERT_EQ(0, card_wait_holding("admin.invalidate", 10000));
	EXPECT_EQ(-ETIME, syncobj_wait(self->fd, done, 0, 300));
	EXPECT_EQ(-EBUSY, syncobj_error(self->fd, done, 0));
	ASSERT_EQ(0, card_release("admin.invalidate"));
	EXPECT_EQ(0, syncobj_result(self->fd, done, 0));
}

/* Mappings that share no table, each of a page, from @at on. */
static int bind_sparse(int fd, uint32_t vm, uint32_t handle, uint32_t *at, uint32_t count)
{
	static struct drm_maru_bind_op ops[1024];
	int err;

	for (uint32_t i = 0; i < count; i++)
		ops[i] = (struct drm_maru_bind_op){
			.op = DRM_MARU_BIND_MAP, .handle = handle, .bytes = PAGE,
			.va = VA + (*at + i) * 2 * MIB,
		};
	err = bind(fd, vm, ops, count);
	*at += err ? 0 : count;
	return err;
}

/* Tables and rings are pinned: a file gets a share of HBM for them, and has it back. */
TEST_F_TIMEOUT(bind, pinned_limit, 120)
{
	struct drm_maru_bind_op all = { .op = DRM_MARU_BIND_UNMAP_ALL, .handle = self->bo.handle };
	struct drm_maru_limits limits = { 0 };
	uint32_t at = 0, sizes[] = { 1024, 64, 1 }, queue, other;
	int fd, err = 0;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	/* what a bind did not need comes back behind it, and is not missed by the next */
	for (int i = 0; i < 3; i++) {
		err = 0;
		while (!err && at * PAGE <= limits.pinned_bytes)
			err = bind_sparse(self->fd, self->vm, self->bo.handle, &at, sizes[i]);
		EXPECT_EQ(-EDQUOT, err);
		EXPECT_EQ(-EDQUOT, bind_sparse(self->fd, self->vm, self->bo.handle, &at, sizes[i]));
	}
	/* three quarters at least: a call has to have what it may need at worst */
	EXPECT_LE(limits.pinned_bytes * 3 / 4, at * PAGE);
	for (int i = 0; i < 8 && (!err || i == 0); i++)
		err = queue_create(self->fd, self->vm, 0, 0, &queue);
	EXPECT_EQ(-EDQUOT, err);
	EXPECT_EQ(-EDQUOT, vm_create(self->fd, &other));
	/* others have their own */
	fd = node_open();
	ASSERT_EQ(0, vm_create(fd, &other));
	EXPECT_EQ(0, queue_create(fd, other, 0, 0, &queue));
	close(fd);

	ASSERT_EQ(0, bind(self->fd, self->vm, &all, 1));
	EXPECT_EQ(0, queue_create(self->fd, self->vm, 0, 0, &queue));
	EXPECT_EQ(0, vm_create(self->fd, &other));
}

/* As many as LIMITS says, all files together, and no more; half of HBM is pinned for them. */
TEST_F_TIMEOUT(bind, as_many_vms_as_there_are, 240)
{
	struct drm_maru_tier_info tiers[3] = { };
	struct drm_maru_limits limits = { 0 };
	int fds[32], files = 0, err = 0;
	uint32_t made = 1, id;		/* the fixture's */
	struct bo large;

	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)));
	ASSERT_EQ(0, query(self->fd, DRM_MARU_QUERY_LIMITS, &limits, sizeof(limits)));
	while (made <= limits.vms && !err) {
		err = files ? vm_create(fds[files - 1], &id) : -EDQUOT;
		made += !err;
		if (err == -EDQUOT && files < 32) {
			fds[files] = node_open();
			ASSERT_LE(0, fds[files++]);
			err = 0;
		}
	}
	EXPECT_EQ(-ENOSPC, err);
	EXPECT_EQ(limits.vms, made);
	ASSERT_EQ(0, vm_destroy(self->fd, self->vm));
	EXPECT_EQ(0, vm_create(self->fd, &self->vm));
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, &large, tiers[0].bytes * 3 / 4, DRM_MARU_TIER_HBM,
				     0));
	while (files)
		close(fds[--files]);
	EXPECT_EQ(0, bo_create(self->fd, &large, tiers[0].bytes * 3 / 4, DRM_MARU_TIER_HBM, 0));
}

TEST_HARNESS_MAIN
