// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every field of every struct is wrong once, in a call that is right otherwise: it is refused
 * with the errno that the header promises, and nothing has changed: no object more or less, and
 * no field of the caller's struct.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib.h"
#include "kselftest_harness.h"

FIXTURE(fields) {
	struct work w;
	struct bo bo;
	uint64_t counts[4];
};

static const char *const counted[4] = { "bos", "vms", "queues", "bo_bytes" };

FIXTURE_SETUP(fields)
{
	ASSERT_EQ(0, work_open(&self->w, DRM_MARU_CLASS_COMPUTE, 0, MIB, DRM_MARU_TIER_HBM));
	ASSERT_EQ(0, bo_create(self->w.fd, &self->bo, MIB, DRM_MARU_TIER_HBM, self->w.vm));
	for (int i = 0; i < 4; i++)
		self->counts[i] = objects(counted[i]);
}

FIXTURE_TEARDOWN(fields)
{
	/* nothing changed, and all still works */
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(self->counts[i], objects(counted[i]));
	EXPECT_EQ(0, submit_run(self->w.fd, self->w.queue, 0, 0));
	work_close(&self->w);
}

/* A field of a struct, a value it must not have, and what that gives. */
struct field {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t value;
	int err;
};

#define FIELD(type, name, value, err) \
	{ #name, offsetof(struct type, name), sizeof(((struct type *)0)->name), value, err }

static void field_set(void *at, const struct field *field)
{
	memcpy((char *)at + field->offset, &field->value, field->size);
}

/* Returns a text that says what went wrong, or NULL. */
static const char *try_field(int fd, unsigned long request, const void *good, size_t size,
			     const struct field *field, size_t out, size_t out_size)
{
	static char text[160];
	char bad[256], sent[256];
	int err;

	memcpy(bad, good, size);
	field_set(bad, field);
	memcpy(sent, bad, size);
	err = node_call(fd, request, bad);
	memset(bad + out, 0, out_size);
	memset(sent + out, 0, out_size);
	if (err == field->err && !memcmp(bad, sent, size))
		return NULL;
	snprintf(text, sizeof(text), "%s = 0x%llx: %d, expected %d%s", field->name,
		 (unsigned long long)field->value, err, field->err,
		 memcmp(bad, sent, size) ? ", the struct has changed" : "");
	return text;
}

/* For all of a table; the last two name a field that is an answer also when refused. */
#define TRY_OUT(request, good, table, out, out_size) do { \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++) { \
		const char *wrong_ = try_field(self->w.fd, request, &(good), sizeof(good), \
					       &(table)[i_], out, out_size); \
		EXPECT_EQ(NULL, wrong_) \
			TH_LOG("%s: %s", #request, wrong_); \
	} \
} while (0)

#define TRY(request, good, table) TRY_OUT(request, good, table, 0, 0)

TEST_F(fields, query)
{
	uint64_t answer[64];
	struct drm_maru_query good = {
		.id = DRM_MARU_QUERY_DEVICE, .size = sizeof(answer), .ptr = (uintptr_t)answer,
	};
	static const struct field bad[] = {
		FIELD(drm_maru_query, id, 11, -EINVAL),
		FIELD(drm_maru_query, id, ~0U, -EINVAL),
		FIELD(drm_maru_query, id, DRM_MARU_QUERY_NAMESPACES, -EOPNOTSUPP),
		FIELD(drm_maru_query, ptr, 8, -EFAULT),
		FIELD(drm_maru_query, ptr, ~7ULL, -EFAULT),
	};

	TRY(DRM_IOCTL_MARU_QUERY, good, bad);
}

TEST_F(fields, bo_create)
{
	struct drm_maru_bo_create good = {
		.size = PAGE, .tiers = 1 << DRM_MARU_TIER_HBM, .vm = self->w.vm, .align = PAGE,
	};
	static const struct field bad[] = {
		FIELD(drm_maru_bo_create, size, 0, -EINVAL),
		FIELD(drm_maru_bo_create, size, ~0ULL, -E2BIG),
		FIELD(drm_maru_bo_create, size, 1ULL << 62, -E2BIG),
		FIELD(drm_maru_bo_create, tiers, 0, -EINVAL),
		FIELD(drm_maru_bo_create, tiers, 1 << DRM_MARU_TIER_CXL, -EINVAL),
		FIELD(drm_maru_bo_create, tiers, 8 | 1, -EINVAL),
		FIELD(drm_maru_bo_create, preferred, DRM_MARU_TIER_SYSTEM, -EINVAL),
		FIELD(drm_maru_bo_create, preferred, 32, -EINVAL),
		FIELD(drm_maru_bo_create, flags, DRM_MARU_BO_UNIT_LAYOUT, -EINVAL),
		FIELD(drm_maru_bo_create, flags, 8, -EINVAL),
		FIELD(drm_maru_bo_create, flags, DRM_MARU_BO_SHARE, -EINVAL),
		FIELD(drm_maru_bo_create, vm, 0xffff, -ENOENT),
		FIELD(drm_maru_bo_create, handle, 1, -EINVAL),
		FIELD(drm_maru_bo_create, align, PAGE + 1, -EINVAL),
		FIELD(drm_maru_bo_create, align, 2048, -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_BO_CREATE, good, bad);
}

TEST_F(fields, bo_mmap_info_wait)
{
	struct drm_maru_bo_mmap mmap = { .handle = self->bo.handle };
	struct drm_maru_bo_info info = { .handle = self->bo.handle };
	struct drm_maru_bo_wait wait = { .handle = self->bo.handle };
	static const struct field bad_mmap[] = {
		FIELD(drm_maru_bo_mmap, handle, 0, -ENOENT),
		FIELD(drm_maru_bo_mmap, handle, ~0U, -ENOENT),
		FIELD(drm_maru_bo_mmap, flags, 1, -EINVAL),
		FIELD(drm_maru_bo_mmap, offset, 1, -EINVAL),
	};
	static const struct field bad_info[] = {
		FIELD(drm_maru_bo_info, handle, 0, -ENOENT),
		FIELD(drm_maru_bo_info, mbz, 1, -EINVAL),
	};
	static const struct field bad_wait[] = {
		FIELD(drm_maru_bo_wait, handle, 0, -ENOENT),
		FIELD(drm_maru_bo_wait, flags, 2, -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_BO_MMAP, mmap, bad_mmap);
	TRY(DRM_IOCTL_MARU_BO_INFO, info, bad_info);
	TRY(DRM_IOCTL_MARU_BO_WAIT, wait, bad_wait);
}

TEST_F(fields, vm_create_destroy)
{
	struct drm_maru_vm_create create = { .va_start = 2 * MIB, .va_bytes = 2 * MIB };
	struct drm_maru_vm_destroy destroy = { .id = self->w.vm };
	static const struct field bad_create[] = {
		FIELD(drm_maru_vm_create, flags, DRM_MARU_VM_USER_QUEUES, -EINVAL),
		FIELD(drm_maru_vm_create, flags, DRM_MARU_VM_FAULTS, -EINVAL),
		FIELD(drm_maru_vm_create, flags, 4, -EINVAL),
		FIELD(drm_maru_vm_create, id, 1, -EINVAL),
		FIELD(drm_maru_vm_create, va_start, 0, -EINVAL),
		FIELD(drm_maru_vm_create, va_start, 2 * MIB + PAGE, -EINVAL),
		FIELD(drm_maru_vm_create, va_start, 1ULL << 47, -EINVAL),
		FIELD(drm_maru_vm_create, va_start, ~0ULL << 21, -EINVAL),
		FIELD(drm_maru_vm_create, va_bytes, 0, -EINVAL),
		FIELD(drm_maru_vm_create, va_bytes, 1ULL << 47, -EINVAL),
		FIELD(drm_maru_vm_create, va_bytes, ~0ULL, -EINVAL),
	};
	static const struct field bad_destroy[] = {
		FIELD(drm_maru_vm_destroy, id, 0, -ENOENT),
		FIELD(drm_maru_vm_destroy, id, ~0U, -ENOENT),
		FIELD(drm_maru_vm_destroy, mbz, 1, -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_VM_CREATE, create, bad_create);
	TRY(DRM_IOCTL_MARU_VM_DESTROY, destroy, bad_destroy);
	EXPECT_EQ(-EBUSY, vm_destroy(self->w.fd, self->w.vm));
}

TEST_F(fields, vm_bind)
{
	struct drm_maru_bind_op op = {
		.op = DRM_MARU_BIND_MAP, .handle = self->bo.handle, .va = 512 * MIB, .bytes = MIB,
	};
	struct drm_maru_vm_bind good = { .vm = self->w.vm, .ops = ARRAY(&op, 1) };
	static const struct field bad[] = {
		FIELD(drm_maru_vm_bind, vm, 0, -ENOENT),
		FIELD(drm_maru_vm_bind, flags, 2, -EINVAL),
		FIELD(drm_maru_vm_bind, ops.stride, 32, -EINVAL),
		FIELD(drm_maru_vm_bind, ops.count, 1025, -E2BIG),
		FIELD(drm_maru_vm_bind, ops.ptr, 8, -EFAULT),
		FIELD(drm_maru_vm_bind, syncs.count, 1, -EINVAL),
	};
	static const struct field bad_op[] = {
		FIELD(drm_maru_bind_op, op, 5, -EINVAL),
		FIELD(drm_maru_bind_op, op, DRM_MARU_BIND_MAP_USERPTR, -EOPNOTSUPP),
		FIELD(drm_maru_bind_op, op, DRM_MARU_BIND_PREFETCH, -EOPNOTSUPP),
		FIELD(drm_maru_bind_op, flags, DRM_MARU_BIND_DUMP, -EINVAL),
		FIELD(drm_maru_bind_op, flags, 4, -EINVAL),
		FIELD(drm_maru_bind_op, handle, 0, -ENOENT),
		FIELD(drm_maru_bind_op, handle, ~0U, -ENOENT),
		FIELD(drm_maru_bind_op, tier, 1, -EINVAL),
		FIELD(drm_maru_bind_op, offset, 1, -EINVAL),
		FIELD(drm_maru_bind_op, offset, PAGE, -EINVAL),
		FIELD(drm_maru_bind_op, offset, ~(PAGE - 1), -EINVAL),
		FIELD(drm_maru_bind_op, va, 512 * MIB + 1, -EINVAL),
		FIELD(drm_maru_bind_op, va, 0, -EINVAL),
		FIELD(drm_maru_bind_op, va, 1ULL << 47, -EINVAL),
		FIELD(drm_maru_bind_op, va, ~(PAGE - 1), -EINVAL),
		FIELD(drm_maru_bind_op, bytes, 0, -EINVAL),
		FIELD(drm_maru_bind_op, bytes, MIB - 1, -EINVAL),
		FIELD(drm_maru_bind_op, bytes, 2 * MIB, -EINVAL),
		FIELD(drm_maru_bind_op, bytes, ~(PAGE - 1), -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_VM_BIND, good, bad);
	for (size_t i = 0; i < sizeof(bad_op) / sizeof(bad_op[0]); i++) {
		struct drm_maru_bind_op right = op;

		field_set(&op, &bad_op[i]);
		EXPECT_EQ(bad_op[i].err, node_call(self->w.fd, DRM_IOCTL_MARU_VM_BIND, &good))
			TH_LOG("%s = 0x%llx", bad_op[i].name,
			       (unsigned long long)bad_op[i].value);
		op = right;
	}
}

TEST_F(fields, queue_create)
{
	struct drm_maru_queue_create good = { .vm = self->w.vm };
	static const struct field bad[] = {
		FIELD(drm_maru_queue_create, id, 1, -EINVAL),
		FIELD(drm_maru_queue_create, vm, 0, -ENOENT),
		FIELD(drm_maru_queue_create, vm, ~0U, -ENOENT),
		FIELD(drm_maru_queue_create, cls, 3, -EINVAL),
		FIELD(drm_maru_queue_create, cls, DRM_MARU_CLASS_STORAGE, -EOPNOTSUPP),
		FIELD(drm_maru_queue_create, mode, 2, -EINVAL),
		FIELD(drm_maru_queue_create, mode, DRM_MARU_QUEUE_USER, -EOPNOTSUPP),
		FIELD(drm_maru_queue_create, priority, 4, -EINVAL),
		FIELD(drm_maru_queue_create, weight, 1001, -EINVAL),
		FIELD(drm_maru_queue_create, group, 1, -EINVAL),
		FIELD(drm_maru_queue_create, ns, 1, -EINVAL),
		FIELD(drm_maru_queue_create, flags, DRM_MARU_QUEUE_WRITE, -EINVAL),
		FIELD(drm_maru_queue_create, flags, 2, -EINVAL),
		FIELD(drm_maru_queue_create, time_limit_ms, ~0U, -EINVAL),
		FIELD(drm_maru_queue_create, ring_handle, 1, -EINVAL),
		FIELD(drm_maru_queue_create, ring_offset, 1, -EINVAL),
		FIELD(drm_maru_queue_create, ring_va, 1, -EINVAL),
		FIELD(drm_maru_queue_create, ring_log2, 6, -EINVAL),
		FIELD(drm_maru_queue_create, mbz, 1, -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_QUEUE_CREATE, good, bad);
}

TEST_F(fields, queue_destroy_set_info)
{
	struct drm_maru_queue_destroy destroy = { .id = self->w.queue };
	struct drm_maru_queue_info info = { .id = self->w.queue };
	struct drm_maru_queue_set set = {
		.id = self->w.queue, .property = DRM_MARU_PROPERTY_WEIGHT, .value = 10,
	};
	static const struct field bad_destroy[] = {
		FIELD(drm_maru_queue_destroy, id, 0, -ENOENT),
		FIELD(drm_maru_queue_destroy, mbz, 1, -EINVAL),
	};
	static const struct field bad_info[] = {
		FIELD(drm_maru_queue_info, id, 0, -ENOENT),
		FIELD(drm_maru_queue_info, mbz, 1, -EINVAL),
	};
	static const struct field bad_set[] = {
		FIELD(drm_maru_queue_set, id, 0, -ENOENT),
		FIELD(drm_maru_queue_set, property, 9, -EINVAL),
		FIELD(drm_maru_queue_set, value, 1001, -EINVAL),
	};

	TRY(DRM_IOCTL_MARU_QUEUE_DESTROY, destroy, bad_destroy);
	TRY(DRM_IOCTL_MARU_QUEUE_INFO, info, bad_info);
	TRY(DRM_IOCTL_MARU_QUEUE_SET, set, bad_set);
}

TEST_F(fields, submit)
{
	struct drm_maru_job job = { .queue = self->w.queue, .va = VA_COMMANDS, .bytes = 64 };
	struct drm_maru_submit good = { .jobs = ARRAY(&job, 1) };
	static const struct field bad[] = {
		FIELD(drm_maru_submit, flags, 1, -EINVAL),
		FIELD(drm_maru_submit, jobs.count, 0, -EINVAL),
		FIELD(drm_maru_submit, jobs.count, 65, -E2BIG),
		FIELD(drm_maru_submit, jobs.count, ~0U, -E2BIG),
		FIELD(drm_maru_submit, jobs.stride, 0, -EINVAL),
		FIELD(drm_maru_submit, jobs.stride, 40, -EINVAL),
		FIELD(drm_maru_submit, jobs.stride, ~7U, -EINVAL),
		FIELD(drm_maru_submit, jobs.ptr, 8, -EFAULT),
	};
	static const struct field bad_job[] = {
		FIELD(drm_maru_job, queue, 0, -ENOENT),
		FIELD(drm_maru_job, queue, ~0U, -ENOENT),
		FIELD(drm_maru_job, flags, 2, -EINVAL),
		FIELD(drm_maru_job, va, 0, -EINVAL),
		FIELD(drm_maru_job, va, VA_COMMANDS + 8, -EINVAL),
		FIELD(drm_maru_job, va, 1ULL << 48, -EINVAL),
		FIELD(drm_maru_job, va, ~63ULL, -EINVAL),
		FIELD(drm_maru_job, bytes, 0, -EINVAL),
		FIELD(drm_maru_job, bytes, 63, -EINVAL),
		FIELD(drm_maru_job, bytes, 1U << 31, -E2BIG),
		FIELD(drm_maru_job, mbz, 1, -EINVAL),
		FIELD(drm_maru_job, syncs.count, 257, -EINVAL),
	};
	struct drm_maru_queue_info info;

	packet_nop(self->w.commands.map);
	TRY_OUT(DRM_IOCTL_MARU_SUBMIT, good, bad, offsetof(struct drm_maru_submit, refused), 4);
	for (size_t i = 0; i < sizeof(bad_job) / sizeof(bad_job[0]); i++) {
		struct drm_maru_job right = job;

		field_set(&job, &bad_job[i]);
		good.refused = 9;
		EXPECT_EQ(bad_job[i].err, node_call(self->w.fd, DRM_IOCTL_MARU_SUBMIT, &good))
			TH_LOG("%s = 0x%llx", bad_job[i].name,
			       (unsigned long long)bad_job[i].value);
		EXPECT_EQ(0, good.refused);
		job = right;
	}
	ASSERT_EQ(0, queue_info(self->w.fd, self->w.queue, &info));
	EXPECT_EQ(0, info.submitted);
}

/* Numbers that are kept for later. */
TEST_F(fields, kept_ioctls)
{
	static const unsigned int kept[] = {
		DRM_MARU_BO_HINT, DRM_MARU_WAIT_FENCE, DRM_MARU_GROUP,
	};
	char any[256] = { 0 };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		EXPECT_EQ(-ENOTTY, node_call(self->w.fd,
					     _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE,
						  DRM_COMMAND_BASE + kept[i], 32), any));
}

TEST_HARNESS_MAIN
