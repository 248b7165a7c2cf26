// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <drm/maru_cmd_ops.h>

#include "mock_way.h"

struct mock mock;

#define TIMELINES	512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t values[TIMELINES];
static void *bytes_of[4096];
static uint32_t next_timeline, next_memory, next_queue;

static int fails(void)
{
	int error = mock.is_gone ? -ENODEV : mock.fail_next;

	if (mock.fail_next)	/* only tests of one thread set it */
		mock.fail_next = 0;
	return error;
}

static int mock_open_way(struct accel_device *device, const char *place)
{
	strcpy(device->path, place ? place : "mock");
	return fails();
}

static void mock_close(struct accel_device *device)
{
	(void)device;
}

/* Records of QUERY OPS out of the contract's own table. */
static uint32_t list_ops(uint8_t *out)
{
#define OP(name, revision, classes, required, optional) \
	{ MARU_OP_##name, revision, classes, required, optional, 1, 0 },
	static const struct maru_op_info ops[] = { MARU_OPS_TABLE(OP) };
#define ROLE(op, role, name, types, layouts, rule, flags) \
	{ MARU_OP_##op, types, layouts },
	static const struct {
		uint32_t op;
		uint64_t types[2];
		uint32_t layouts;
	} roles[] = { MARU_ROLES_TABLE(ROLE) };
	uint8_t *at = out;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].op == mock.drop_op)
			continue;
		memcpy(at, &ops[i], sizeof(ops[i]));
		at += sizeof(ops[i]);
		for (size_t j = 0; j < sizeof(roles) / sizeof(roles[0]); j++) {
			struct maru_role_info info = { .layouts = roles[j].layouts };

			if (roles[j].op != ops[i].op)
				continue;
			info.types[0] = roles[j].types[0] & ~mock.drop_type;
			info.types[2] = roles[j].types[1];
			memcpy(at, &info, sizeof(info));
			at += sizeof(info);
		}
	}
	return (uint32_t)(at - out) - mock.damage_ops;
}

static int mock_query(struct accel_device *device, uint32_t id, void *answer, uint32_t *bytes)
{
	static const struct drm_maru_limits limits = {
		.jobs_per_submit = 64, .syncs_per_call = 64, .command_bytes = 16 << 20,
		.va_start = 2 << 20, .va_end = 1ull << 47,
	};
	static const struct drm_maru_tier_info tiers[] = {
		{ 0, 1, 512 << 20, 4096 }, { 1, 0, 1 << 30, 0 }, { 2, 1, 1ull << 34, 0 },
	};
	uint8_t ops[4096], zeros[512] = { 0 };
	const void *from = zeros;
	uint32_t size = 256;

	(void)device;
	if (mock.is_gone)
		return -ENODEV;
	if (id == DRM_MARU_QUERY_LIMITS) {
		from = &limits;
		size = sizeof(limits);
	} else if (id == DRM_MARU_QUERY_TIERS) {
		from = tiers;
		size = sizeof(tiers);
	} else if (id == DRM_MARU_QUERY_OPS) {
		from = ops;
		size = list_ops(ops);
	}
	if (*bytes)
		memcpy(answer, from, *bytes < size ? *bytes : size);
	*bytes = size;
	return 0;
}

static int mock_memory_create(struct accel_memory *memory)
{
	int error = fails();

	if (!error && memory->tier == ACCEL_TIER_CXL)
		error = -EINVAL;
	if (error)
		return error;
	pthread_mutex_lock(&lock);
	memory->handle = ++next_memory;
	bytes_of[memory->handle % 4096] = calloc(1, memory->bytes);
	mock.memories++;
	mock.binds++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void mock_memory_destroy(struct accel_memory *memory)
{
	pthread_mutex_lock(&lock);
	free(bytes_of[memory->handle % 4096]);
	bytes_of[memory->handle % 4096] = NULL;
	mock.memories--;
	pthread_mutex_unlock(&lock);
}

static int mock_memory_map(struct accel_memory *memory, void **pointer)
{
	if (mock.is_gone)
		return -ENODEV;
	mock.maps++;
	*pointer = bytes_of[memory->handle % 4096];
	return 0;
}

static int mock_memory_wait(struct accel_memory *memory, int64_t deadline_ns)
{
	(void)memory;
	return mock.is_gone ? -ENODEV : deadline_ns ? 0 : -ETIME;
}

static int mock_queue_create(struct accel_queue *queue, const struct accel_queue_desc *desc)
{
	int error = fails();

	if (!error && (unsigned int)desc->cls > 1)
		error = -EOPNOTSUPP;
	if (error)
		return error;
	queue->id = ++next_queue;
	mock.queues++;
	return 0;
}

static void mock_queue_destroy(struct accel_queue *queue)
{
	(void)queue;
	mock.queues--;
}

static int mock_queue_info(struct accel_queue *queue, struct drm_maru_queue_info *info)
{
	*info = mock.info;
	info->id = queue->id;
	return mock.is_gone ? -ENODEV : 0;
}

static int mock_queue_submit(struct accel_queue *queue, const struct accel_jobs *batch)
{
	int error = fails();

	if (mock.in_submit)
		mock.in_submit();
	if (error)
		return error;
	pthread_mutex_lock(&lock);
	for (uint32_t i = 0; i < batch->count; i++) {
		mock.jobs[mock.job_count++ % MOCK_JOBS] = (struct mock_job){
			.id = batch->jobs[i].id, .address = batch->jobs[i].address,
			.bytes = batch->jobs[i].bytes,
			.is_idempotent = batch->jobs[i].is_idempotent,
			.waits = i ? 0 : batch->wait_count,
			.signals = i + 1 < batch->count ? 0 : batch->signal_count,
			.queue = queue->id,
		};
	}
	batch->pending->status = (uint32_t)batch->pending->last;
	mock.submits++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int mock_job_status(struct accel_queue *queue, struct accel_pending *pending)
{
	(void)queue;
	if (mock.is_gone)
		return -ENODEV;
	if (!mock.bad_job || pending->status < mock.bad_job)
		return 0;
	return pending->status == mock.bad_job ? mock.bad_error : mock.after_error;
}

static void mock_job_free(struct accel_queue *queue, struct accel_pending *pending)
{
	(void)queue;
	pending->status = 0;
}

static int mock_timeline_create(struct accel_timeline *timeline)
{
	int error = fails();

	if (error)
		return error;
	pthread_mutex_lock(&lock);
	timeline->handle = ++next_timeline % TIMELINES;
	values[timeline->handle] = 0;
	mock.timelines++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void mock_timeline_destroy(struct accel_timeline *timeline)
{
	(void)timeline;
	mock.timelines--;
}

static int mock_timeline_value(struct accel_timeline *timeline, uint64_t *value)
{
	pthread_mutex_lock(&lock);
	*value = values[timeline->handle];
	pthread_mutex_unlock(&lock);
	return mock.is_gone ? -ENODEV : 0;
}

static int mock_timeline_wait(struct accel_timeline *timeline, uint64_t value,
			      int64_t deadline_ns)
{
	uint64_t reached;
	int error = mock_timeline_value(timeline, &reached);

	(void)deadline_ns;	/* nothing ends by itself */
	return error ? error : reached >= value ? 0 : -ETIME;
}

static int mock_timeline_signal(struct accel_timeline *timeline, uint64_t value)
{
	values[timeline->handle] = value;
	return mock.is_gone ? -ENODEV : 0;
}

const struct accel_backend_ops mock_ops = {
	.way = "mock",
	.open = mock_open_way, .close = mock_close, .query = mock_query,
	.memory_create = mock_memory_create, .memory_destroy = mock_memory_destroy,
	.memory_map = mock_memory_map, .memory_wait = mock_memory_wait,
	.queue_create = mock_queue_create, .queue_destroy = mock_queue_destroy,
	.queue_info = mock_queue_info, .queue_submit = mock_queue_submit,
	.job_status = mock_job_status, .job_free = mock_job_free,
	.timeline_create = mock_timeline_create, .timeline_destroy = mock_timeline_destroy,
	.timeline_value = mock_timeline_value, .timeline_wait = mock_timeline_wait,
	.timeline_signal = mock_timeline_signal,
};

struct accel_device *mock_open(void)
{
	struct accel_device *device = NULL;

	memset(&mock, 0, sizeof(mock));
	mock.drop_op = UINT32_MAX;
	return accel_device_open_way(&mock_ops, NULL, &device) ? NULL : device;
}

void mock_finish_to(struct accel_queue *queue, uint64_t value)
{
	pthread_mutex_lock(&lock);
	if (values[queue->timeline.handle] < value)
		values[queue->timeline.handle] = value;
	pthread_mutex_unlock(&lock);
}

void mock_finish(struct accel_queue *queue)
{
	mock_finish_to(queue, queue->value);
}
