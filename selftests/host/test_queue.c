// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mock_way.h"

static struct accel_device *device;
static struct accel_queue *queue;
static struct accel_cmd *cmd;
static struct accel_tensor x;

#define SHAPE(...) ((const uint32_t[]){ __VA_ARGS__ })
#define TEXT(part) assert_non_null(strstr(accel_error_text(), part))
#define OK(call) assert_int_equal(call, 0)
#define BAD(error, call) assert_int_equal(call, error)

static int setup(void **state)
{
	static const float one = 1;

	(void)state;
	device = mock_open();
	return !device || accel_queue_create(device, NULL, &queue) ||
	       accel_cmd_create(device, 0, &cmd) ||
	       accel_tensor_create(device, ACCEL_TIER_HBM, ACCEL_TYPE_F32, 1, SHAPE(16), &x) ||
	       accel_cmd_fill(cmd, x, &one) || accel_cmd_fill(cmd, x, &one);
}

static int teardown(void **state)
{
	(void)state;
	accel_device_close(device);
	return mock.memories || mock.timelines || mock.queues ? -1 : 0;
}

static void test_fences(void **state)
{
	struct accel_fence first, second, none = { NULL, 0 };

	(void)state;
	OK(accel_queue_submit(queue, cmd, &first));
	OK(accel_queue_submit(queue, cmd, &second));
	assert_ptr_equal(first.timeline, accel_queue_timeline(queue));
	assert_int_equal(second.value, first.value + 1);
	BAD(0, accel_fence_is_signalled(first));
	BAD(-ETIME, accel_fence_wait(first, 0));
	TEXT("deadline");
	mock_finish_to(queue, first.value);
	OK(accel_fence_wait(first, ACCEL_FOREVER));
	BAD(1, accel_fence_is_signalled(first));
	BAD(0, accel_fence_is_signalled(second));
	mock_finish(queue);
	OK(accel_fence_wait(second, 0));
	OK(accel_fence_wait(none, 0));
	BAD(1, accel_fence_is_signalled(none));
	second.value++;
	BAD(-EINVAL, accel_fence_wait(second, 0));
	TEXT("only 2 was submitted");
	second.value = 0;
	BAD(-EINVAL, accel_fence_wait(second, 0));
	assert_int_equal(mock.jobs[0].id, first.value);
}

static void test_batch(void **state)
{
	struct accel_cmd *cmds[65], *other;
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_timeline *timeline;
	struct accel_fence fence, waits[2], signal;

	(void)state;
	OK(accel_timeline_create(device, &timeline));
	OK(accel_cmd_create(device, 0, &other));
	OK(accel_cmd_nop(other));
	for (int i = 0; i < 65; i++)
		cmds[i] = i % 2 ? other : cmd;
	waits[0] = (struct accel_fence){ timeline, 3 };
	waits[1] = (struct accel_fence){ NULL, 0 };
	signal = (struct accel_fence){ timeline, 9 };
	submit.cmds = cmds;
	submit.cmd_count = 3;
	submit.waits = waits;
	submit.wait_count = 2;
	submit.signals = &signal;
	submit.signal_count = 1;
	OK(accel_queue_submit_all(queue, &submit, &fence));
	assert_int_equal(mock.job_count, 3);
	assert_int_equal(mock.submits, 1);
	assert_int_equal(mock.jobs[0].waits, 2);
	assert_int_equal(mock.jobs[2].signals, 1);
	assert_int_equal(mock.jobs[2].id, fence.value);
	assert_int_equal(fence.value, 3);
	submit.cmd_count = 0;			/* only waits and signals */
	OK(accel_queue_submit_all(queue, &submit, &fence));
	assert_int_equal(mock.jobs[3].bytes, 0);
	assert_true(mock.jobs[3].is_idempotent);
	submit.cmd_count = 65;
	BAD(-E2BIG, accel_queue_submit_all(queue, &submit, &fence));
	submit.cmd_count = 64;
	OK(accel_queue_submit_all(queue, &submit, &fence));
	signal.timeline = accel_queue_timeline(queue);
	BAD(-EINVAL, accel_queue_submit_all(queue, &submit, &fence));
	TEXT("signal 0: a queue's timeline");
	signal.timeline = timeline;
	waits[0].value = 0;
	BAD(-EINVAL, accel_queue_submit_all(queue, &submit, &fence));
	TEXT("wait 0: its value is 0");
	submit.wait_count = 63;
	BAD(-E2BIG, accel_queue_submit_all(queue, &submit, &fence));
	submit.size = 4;
	BAD(-EINVAL, accel_queue_submit_all(queue, &submit, &fence));
	BAD(-EINVAL, accel_timeline_signal(accel_queue_timeline(queue), 100));
	OK(accel_timeline_signal(timeline, 4));
	OK(accel_fence_wait((struct accel_fence){ timeline, 4 }, 0));
}

static void test_classes(void **state)
{
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	struct accel_queue *copies;
	struct accel_tensor half;

	(void)state;
	desc.cls = ACCEL_CLASS_COPY;
	OK(accel_queue_create(device, &desc, &copies));
	OK(accel_queue_submit(copies, cmd, NULL));
	mock_finish(copies);
	OK(accel_tensor_create(device, ACCEL_TIER_HBM, ACCEL_TYPE_F16, 1, SHAPE(16), &half));
	OK(accel_cmd_copy(cmd, half, x));
	BAD(-EOPNOTSUPP, accel_queue_submit(copies, cmd, NULL));
	TEXT("class 1");
	OK(accel_queue_submit(queue, cmd, NULL));
	desc.cls = (enum accel_class)7;
	BAD(-EOPNOTSUPP, accel_queue_create(device, &desc, &copies));
	desc.size = 1;
	BAD(-EINVAL, accel_queue_create(device, &desc, &copies));
}

/* A packet error: named to its own waiter; earlier work is right, later work is cancelled. */
static void test_packet_error(void **state)
{
	struct accel_fence fences[3];
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	char text[256];

	(void)state;
	for (int i = 0; i < 3; i++)
		OK(accel_queue_submit(queue, cmd, &fences[i]));
	mock.bad_job = 2;
	mock.bad_error = mock.after_error = -ECANCELED;
	mock.info = (struct drm_maru_queue_info){
		.state = DRM_MARU_QUEUE_STATE_BANNED, .error_job = 2, .packet_offset = 128,
		.error = MARU_ERROR(MARU_ERR_FAULT_WRITE, 0, MARU_FIELD_VA),
		.error_va = 0x123450000,
	};
	mock_finish(queue);
	OK(accel_fence_wait(fences[0], 0));
	BAD(-EFAULT, accel_fence_wait(fences[1], 0));
	TEXT("packet 1 (+0x80) FILL: operand dst at address 0x123450000: FAULT_WRITE");
	BAD(-ECANCELED, accel_fence_wait(fences[2], 0));
	BAD(-EFAULT, accel_fence_wait(fences[1], 0));	/* asked again: the same */
	BAD(-EFAULT, accel_queue_error(queue, text, sizeof(text)));
	assert_non_null(strstr(text, "packet 1 (+0x80) FILL"));
	BAD(-EFAULT, accel_queue_error(queue, text, 5));
	assert_string_equal(text, "pack");
	BAD(-ECANCELED, accel_queue_submit(queue, cmd, NULL));
	TEXT("stopped by packet 1");
	OK(accel_queue_info(queue, &info));
	assert_int_equal(info.state, ACCEL_QUEUE_BANNED);
	assert_int_equal(info.error, -EFAULT);
	OK(accel_cmd_reset(cmd));			/* nothing of it is pending any more */
}

/* The error's own job is inside a batch: its waiter gets the cause, not the consequence. */
static void test_batch_error(void **state)
{
	struct accel_cmd *cmds[3] = { cmd, cmd, cmd };
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_fence fence;

	(void)state;
	submit.cmds = cmds;
	submit.cmd_count = 3;
	OK(accel_queue_submit_all(queue, &submit, &fence));
	mock.bad_job = 2;
	mock.after_error = -ECANCELED;
	mock.info = (struct drm_maru_queue_info){
		.state = DRM_MARU_QUEUE_STATE_BANNED, .error_job = 2,
		.error = MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0),
	};
	mock_finish(queue);
	BAD(-ETIME, accel_fence_wait(fence, 0));
	TEXT("packet 0 (+0x0) FILL: TIMEOUT");
	BAD(1, accel_fence_is_signalled(fence));	/* so it was not the deadline */
}

static void test_innocent(void **state)
{
	struct accel_fence fences[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		OK(accel_queue_submit(queue, cmd, &fences[i]));
	mock.info.innocent_resets = 1;
	mock.bad_job = 2;
	mock.bad_error = -ECANCELED;
	mock_finish(queue);
	OK(accel_fence_wait(fences[2], 0));
	BAD(-ECANCELED, accel_fence_wait(fences[1], 0));
	OK(accel_fence_wait(fences[0], 0));
	mock.bad_job = 0;
	OK(accel_queue_submit(queue, cmd, &fences[0]));	/* the queue goes on */
	mock_finish(queue);
	OK(accel_fence_wait(fences[0], 0));
}

static void test_gone(void **state)
{
	struct accel_fence fence;
	struct accel_memory *memory;
	struct accel_usage usage;
	char text[128];

	(void)state;
	OK(accel_queue_submit(queue, cmd, &fence));
	mock.is_gone = true;
	BAD(-ENODEV, accel_fence_wait(fence, ACCEL_FOREVER));
	TEXT("gone");
	BAD(-ENODEV, accel_fence_is_signalled(fence));
	BAD(-ENODEV, accel_queue_error(queue, text, sizeof(text)));
	BAD(-ENODEV, accel_queue_submit(queue, cmd, NULL));
	BAD(-ENODEV, accel_memory_create(device, ACCEL_TIER_HBM, 1, 0, &memory));
	BAD(-ENODEV, accel_device_usage(device, &usage));
	OK(accel_cmd_reset(cmd));
}

/* Handles may go in any order; bytes stay until the last user is done. */
static void test_lifetimes(void **state)
{
	struct accel_fence fence;

	(void)state;
	OK(accel_queue_submit(queue, cmd, &fence));
	accel_tensor_destroy(&x);
	accel_cmd_destroy(cmd);
	assert_int_equal(mock.memories, 2);		/* x and the buffer */
	mock_finish(queue);
	OK(accel_fence_wait(fence, 0));
	assert_int_equal(mock.memories, 0);
}

static void test_failing_calls(void **state)
{
	struct accel_queue *other;
	struct accel_memory *memory;
	struct accel_fence fence;
	uint64_t free_before = LIST_FIRST(&device->va.high)->start;

	(void)state;
	mock.fail_next = -ENOMEM;
	BAD(-ENOMEM, accel_queue_create(device, NULL, &other));
	mock.fail_next = -ENOMEM;
	BAD(-ENOMEM, accel_memory_create(device, ACCEL_TIER_HBM, 4096, 0, &memory));
	assert_int_equal(LIST_FIRST(&device->va.high)->start, free_before);
	BAD(-EOPNOTSUPP, accel_memory_create(device, ACCEL_TIER_CXL, 4096, 0, &memory));
	BAD(-EINVAL, accel_memory_create(device, (enum accel_tier)3, 4096, 0, &memory));
	BAD(-EINVAL, accel_memory_create(device, ACCEL_TIER_HBM, 0, 0, &memory));
	BAD(-EINVAL, accel_memory_create(device, ACCEL_TIER_HBM, 1, 1, &memory));
	OK(accel_queue_submit(queue, cmd, &fence));
	mock.fail_next = -ENOMEM;
	BAD(-ENOMEM, accel_queue_submit(queue, cmd, &fence));
	OK(accel_queue_submit(queue, cmd, &fence));
	assert_int_equal(fence.value, 2);		/* a refused one took no value */
	assert_int_equal(atomic_load(&x.memory->refs), 3);
}

#ifdef __SANITIZE_THREAD__
#define ROUNDS	40000	/* until each thread met each other one everywhere */
#else
#define ROUNDS	2000
#endif

static void *submitter(void *argument)
{
	struct accel_cmd *own;
	struct accel_fence fence = { NULL, 0 };
	float one = 1;

	(void)argument;
	if (accel_cmd_create(device, 0, &own) || accel_cmd_fill(own, x, &one))
		return "record";
	for (int i = 0; i < ROUNDS; i++) {
		struct accel_memory *memory;

		if (accel_queue_submit(queue, own, &fence))
			return "submit";
		if (i % 16)
			continue;
		mock_finish_to(queue, fence.value);
		if (accel_fence_wait(fence, 0))
			return "wait";
		if (accel_memory_create(device, ACCEL_TIER_HBM, 4096, 0, &memory))
			return "memory";
		accel_memory_destroy(memory);
	}
	accel_cmd_destroy(own);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];
	void *wrong;

	(void)state;
	for (int i = 0; i < 4; i++)
		OK(pthread_create(&threads[i], NULL, submitter, NULL));
	for (int i = 0; i < 4; i++) {
		OK(pthread_join(threads[i], &wrong));
		assert_null(wrong);
	}
	assert_int_equal(mock.job_count, 4 * ROUNDS);
	assert_int_equal(queue->value, 4 * ROUNDS);
	mock_finish(queue);
	accel_queue_retire(queue);
	assert_int_equal(mock.memories, 1);
}

static sem_t inside, leave;

/* As a SUBMIT that has to wait for memory: until it is let go, at most for 30 s. */
static void block(void)
{
	struct timespec until;

	sem_post(&inside);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	sem_timedwait(&leave, &until);
}

static void *blocked_submitter(void *argument)
{
	return accel_queue_submit(queue, cmd, argument) ? "submit" : NULL;
}

/* A submission that takes long keeps nobody from waiting for earlier ones. */
static void test_wait_beside_submit(void **state)
{
	struct accel_fence fences[3];
	char text[ACCEL_TEXT_BYTES];
	pthread_t thread;
	void *wrong;

	(void)state;
	OK(accel_queue_submit(queue, cmd, &fences[0]));
	OK(accel_queue_submit(queue, cmd, &fences[1]));
	mock_finish_to(queue, fences[0].value);
	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	mock.in_submit = block;
	OK(pthread_create(&thread, NULL, blocked_submitter, &fences[2]));
	sem_wait(&inside);
	OK(accel_fence_wait(fences[0], ACCEL_FOREVER));
	BAD(-ETIME, accel_fence_wait(fences[1], accel_deadline(0)));
	OK(accel_queue_error(queue, text, sizeof(text)));
	BAD(-EINVAL, accel_fence_wait((struct accel_fence){ fences[1].timeline, 3 }, 0));
	assert_int_equal(mock.submits, 2);		/* it is inside still */

	/* Its job may end, and stop the queue, before the call has returned. */
	mock.info = (struct drm_maru_queue_info){
		.state = DRM_MARU_QUEUE_STATE_BANNED, .error_job = 3,
		.error = MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0),
	};
	mock.bad_job = 3;
	mock.bad_error = -ECANCELED;
	mock_finish_to(queue, 3);
	OK(accel_fence_wait(fences[1], 0));
	BAD(-ETIME, accel_queue_error(queue, text, sizeof(text)));
	assert_non_null(strstr(text, "packet 0 (+0x0) FILL: TIMEOUT"));
	assert_int_equal(mock.submits, 2);
	sem_post(&leave);
	OK(pthread_join(thread, &wrong));
	assert_null(wrong);
	BAD(-ETIME, accel_fence_wait(fences[2], 0));
	OK(accel_cmd_reset(cmd));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_fences), TEST(test_batch), TEST(test_classes), TEST(test_packet_error),
		TEST(test_batch_error), TEST(test_innocent), TEST(test_gone), TEST(test_lifetimes),
		TEST(test_failing_calls), TEST(test_wait_beside_submit), TEST(test_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
