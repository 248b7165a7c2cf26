// SPDX-License-Identifier: GPL-2.0-only
/* What an application does, by the direct way: memory, products, queues, fences, errors. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "libaccel/src/direct/direct.h"
#include "selftests/host/direct_case.h"

static void test_info(void **state)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	struct accel_resets resets;
	struct accel_tier_info tier;
	struct accel_clock a, b;
	struct direct_case c;

	(void)state;
	case_open(&c);
	OK(accel_device_info(c.card, &info));
	assert_string_equal(info.way, "direct");
	assert_non_null(strstr(info.path, "maru-card"));
	assert_int_equal(info.vendor, 0x1234);
	assert_int_equal(info.device, 0x4d52);
	assert_int_equal(info.threads, 2);
	assert_int_equal(info.classes & 3, 3);
	OK(accel_device_tier(c.card, ACCEL_TIER_HBM, &tier));
	assert_int_equal(tier.bytes, 64 << 20);
	OK(accel_device_tier(c.card, ACCEL_TIER_CXL, &tier));
	assert_int_equal(tier.bytes, 32 << 20);
	OK(accel_device_clock(c.card, &a));
	OK(accel_device_clock(c.card, &b));
	assert_true(b.card_ns > a.card_ns && b.monotonic_ns > a.monotonic_ns);
	OK(accel_device_resets(c.card, &resets));
	assert_int_equal(resets.card_resets | resets.queue_resets | resets.wedged, 0);
	case_close(&c);
}

/* [DET-3] A level below the processor's: the card says so, and computes by it. */
static void test_profile(void **state)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	float one[1][1] = { { 3 } }, out = 0;
	struct accel_tensor a, b;
	struct direct_case c;
	uint32_t best;

	(void)state;
	case_open(&c);
	OK(accel_device_info(c.card, &info));
	best = info.profile & 0xff;
	case_close(&c);
	for (uint32_t level = 0; level <= 3; level++) {
		char spec[64];

		snprintf(spec, sizeof(spec), SPEC ",profile=%u", level);
		OK(accel_device_open(spec, &c.card));
		OK(accel_queue_create(c.card, NULL, &c.queue));
		OK(accel_cmd_create(c.card, 0, &c.cmd));
		OK(accel_device_info(c.card, &info));
		assert_int_equal(info.profile, (level < best ? level : best) | 1 << 8);
		a = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
		b = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
		OK(accel_tensor_upload(a, one, sizeof(one)));
		OK(accel_cmd_matmul(c.cmd, b, a, a, NULL));
		OK(case_run(c.queue, c.cmd));
		OK(accel_tensor_download(b, &out, sizeof(out)));
		assert_true(out == 9);
		case_close(&c);
	}
}

static void test_memory(void **state)
{
	static const enum accel_tier tiers[] = { ACCEL_TIER_HBM, ACCEL_TIER_CXL,
						 ACCEL_TIER_SYSTEM };
	uint8_t bytes[5000], back[5000];
	struct accel_memory *memory;
	struct direct_case c;
	void *pointer;

	(void)state;
	case_open(&c);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 3; i++) {
			OK(accel_memory_create(c.card, tiers[i], round % 2 ? 9000 : 3 << 20, 0,
					       &memory));
			OK(accel_memory_map(memory, &pointer));
			for (uint64_t at = 0; at < accel_memory_bytes(memory); at += 997)
				assert_int_equal(((uint8_t *)pointer)[at], 0);
			memset(pointer, 0xa5, accel_memory_bytes(memory));
			OK(accel_memory_upload(memory, 100, bytes, sizeof(bytes)));
			OK(accel_memory_download(memory, 100, back, sizeof(back)));
			assert_memory_equal(bytes, back, sizeof(back));
			accel_memory_destroy(memory);
		}
	}
	case_close(&c);
}

/* HBM, then CXL; full is -ENOMEM, and what is freed can be had again. */
static void test_full(void **state)
{
	struct accel_memory *memories[256];
	struct direct_case c;
	int count, again, error;

	(void)state;
	case_open(&c);
	for (count = 0; count < 256; count++) {
		error = accel_memory_create(c.card, ACCEL_TIER_HBM, 4 << 20, 0, &memories[count]);
		if (error)
			break;
	}
	assert_int_equal(error, -ENOMEM);
	assert_non_null(strstr(accel_error_text(), "out of memory"));
	assert_in_range(count, 20, 24);
	for (int i = 0; i < count; i++)
		accel_memory_destroy(memories[i]);
	for (again = 0; again < count; again++)
		OK(accel_memory_create(c.card, ACCEL_TIER_HBM, 4 << 20, 0, &memories[again]));
	case_close(&c);
}

static void fill(float *values, size_t count, unsigned int seed)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (float)((int)((i * 2654435761u + seed) >> 8 & 0xffff) - 32768) / 32768;
}

static void test_matmul(void **state)
{
	enum { M = 37, N = 70, K = 129 };
	static float a[N * K], b[M * K], out[M * N];
	struct accel_tensor ta, tb, tc;
	struct direct_case c;

	(void)state;
	case_open(&c);
	fill(a, N * K, 1);
	fill(b, M * K, 2);
	ta = case_tensor(c.card, ACCEL_TYPE_F32, N, K);
	tb = case_tensor(c.card, ACCEL_TYPE_F32, M, K);
	tc = case_tensor(c.card, ACCEL_TYPE_F32, M, N);
	OK(accel_tensor_upload(ta, a, sizeof(a)));
	OK(accel_tensor_upload(tb, b, sizeof(b)));
	OK(accel_cmd_matmul(c.cmd, tc, ta, tb, NULL));
	OK(case_run(c.queue, c.cmd));
	OK(accel_tensor_download(tc, out, sizeof(out)));
	for (int m = 0; m < M; m++) {
		for (int n = 0; n < N; n++) {
			double sum = 0, size = 0;

			for (int k = 0; k < K; k++) {
				sum += (double)b[m * K + k] * a[n * K + k];
				size += fabs((double)b[m * K + k] * a[n * K + k]);
			}
			assert_true(fabs(out[m * N + n] - sum) <= size * (K + 1) * 0x1p-24);
		}
	}
	case_close(&c);
}

static void unmap(struct accel_device *card, uint64_t address)
{
	struct direct *direct = direct_of(card);

	pthread_mutex_lock(&direct->memory_lock);
	pt_unmap(direct, address, MARU_PAGE_BYTES);
	pthread_mutex_unlock(&direct->memory_lock);
}

/* Memory is unmapped behind the library's back: the card's fault comes back in words. */
static void test_error(void **state)
{
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_fence before, guilty, after;
	struct accel_queue *other;
	struct accel_tensor x, y;
	struct accel_cmd *good;
	struct direct_case c;
	int32_t seven = 7;
	char text[256];

	(void)state;
	case_open(&c);
	x = case_tensor(c.card, ACCEL_TYPE_I32, 4, 4);
	y = case_tensor(c.card, ACCEL_TYPE_I32, 4, 4);
	OK(accel_queue_create(c.card, NULL, &other));
	OK(accel_cmd_create(c.card, 0, &good));
	OK(accel_cmd_fill(good, y, &seven));
	OK(accel_cmd_tag(c.cmd, 4711));
	OK(accel_cmd_fill(c.cmd, y, &seven));
	OK(accel_cmd_fill(c.cmd, x, &seven));
	BAD(-EINVAL, accel_cmd_matmul(c.cmd, x, x, case_tensor(c.card, ACCEL_TYPE_I8, 3, 5), NULL),
	    "accel_cmd_matmul: ");
	unmap(c.card, x.memory->address);
	OK(accel_queue_submit(c.queue, good, &before));
	OK(accel_queue_submit(c.queue, c.cmd, &guilty));
	if (accel_queue_submit(c.queue, good, &after))	/* it may be stopped by now */
		after = guilty;
	OK(accel_fence_wait(before, accel_deadline(20000000000)));
	BAD(-EFAULT, accel_fence_wait(guilty, accel_deadline(20000000000)),
	    "packet 1 (+0x80) FILL: operand dst");
	if (after.value != guilty.value)
		assert_int_equal(accel_fence_wait(after, ACCEL_FOREVER), -ECANCELED);
	assert_int_equal(accel_queue_error(c.queue, text, sizeof(text)), -EFAULT);
	assert_non_null(strstr(text, "FAULT_WRITE"));
	OK(accel_queue_info(c.queue, &info));
	assert_int_equal(info.state, ACCEL_QUEUE_BANNED);
	assert_int_equal(info.error, -EFAULT);
	assert_int_equal(info.packet_offset, 128);
	assert_int_equal(info.tag, 4711);
	assert_int_equal(info.error_address & ~0xfffull, x.memory->address);
	BAD(-ECANCELED, accel_queue_submit(c.queue, good, NULL), "packet 1 (+0x80) FILL");
	OK(case_run(other, good));		/* others go on, and the next one is fine */
	accel_queue_destroy(c.queue);
	OK(accel_queue_create(c.card, NULL, &c.queue));
	OK(case_run(c.queue, good));
	case_close(&c);
}

static void test_fences(void **state)
{
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_fence signal, behind, own;
	struct accel_timeline *timeline, *none;
	struct accel_queue *other;
	struct direct_case c;
	uint64_t value;

	(void)state;
	case_open(&c);
	OK(accel_queue_create(c.card, NULL, &other));
	OK(accel_timeline_create(c.card, &timeline));
	OK(accel_timeline_create(c.card, &none));
	OK(accel_cmd_nop(c.cmd));

	/* Nobody has promised it. */
	signal = (struct accel_fence){ timeline, 5 };
	submit.waits = &signal;
	submit.wait_count = 1;
	assert_int_equal(accel_queue_submit_all(other, &submit, NULL), -ENOENT);
	assert_int_equal(accel_fence_is_signalled(signal), 0);
	assert_int_equal(accel_fence_wait(signal, 0), -ETIME);
	assert_int_equal(accel_fence_wait(signal, accel_deadline(20000000)), -ETIME);

	/* One queue signals, the other waits for it. */
	submit = (struct accel_submit)ACCEL_SUBMIT_INIT;
	submit.cmds = &c.cmd;
	submit.cmd_count = 1;
	submit.signals = &signal;
	submit.signal_count = 1;
	OK(accel_queue_submit_all(c.queue, &submit, &own));
	submit.signal_count = 0;
	submit.waits = &signal;
	submit.wait_count = 1;
	OK(accel_queue_submit_all(other, &submit, &behind));
	OK(accel_fence_wait(behind, accel_deadline(5000000000ll)));
	assert_int_equal(accel_fence_is_signalled(signal), 1);
	assert_int_equal(accel_fence_is_signalled(own), 1);
	OK(accel_timeline_value(timeline, &value));
	assert_int_equal(value, 5);

	/* The program signals; lower values do not take it back. */
	OK(accel_timeline_signal(timeline, 9));
	OK(accel_timeline_signal(timeline, 7));
	OK(accel_timeline_value(timeline, &value));
	assert_int_equal(value, 9);
	OK(accel_fence_wait((struct accel_fence){ timeline, 8 }, 0));
	OK(accel_timeline_value(none, &value));
	assert_int_equal(value, 0);
	accel_timeline_destroy(timeline);
	accel_timeline_destroy(none);

	/* Places of timelines are used again, and begin at 0. */
	for (int i = 0; i < 70000; i++) {
		OK(accel_timeline_create(c.card, &timeline));
		OK(accel_timeline_value(timeline, &value));
		assert_int_equal(value, 0);
		accel_timeline_destroy(timeline);
	}
	case_close(&c);
}

/* More unfinished work than a ring holds, on two queues that take turns. */
static void test_many(void **state)
{
	struct accel_fence last[2] = { { NULL, 0 }, { NULL, 0 } };
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_queue *queues[2];
	struct direct_case c;

	(void)state;
	case_open(&c);
	queues[0] = c.queue;
	OK(accel_queue_create(c.card, NULL, &queues[1]));
	OK(accel_cmd_nop(c.cmd));
	submit.cmds = &c.cmd;
	submit.cmd_count = 1;
	for (int i = 0; i < 10000; i++) {
		submit.waits = &last[!(i % 2)];
		submit.wait_count = i % 16 == 0;
		OK(accel_queue_submit_all(queues[i % 2], &submit, &last[i % 2]));
	}
	OK(accel_fence_wait(last[0], accel_deadline(20000000000ll)));
	OK(accel_fence_wait(last[1], accel_deadline(20000000000ll)));
	assert_int_equal(last[0].value, 5000);
	OK(accel_memory_wait(case_tensor(c.card, ACCEL_TYPE_U8, 1, 1).memory,
			     accel_deadline(1000000000)));
	case_close(&c);
}

struct worker {
	struct direct_case *c;
	pthread_t thread;
	int error;
};

/* Memory, tables, admin commands and waits of all threads at once. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	struct accel_device *card = worker->c->card;
	struct accel_queue *queue = NULL;
	struct accel_cmd *cmd = NULL;
	struct accel_tensor x;
	int32_t got[64];
	int error;

	error = accel_queue_create(card, NULL, &queue);
	for (int32_t i = 0; i < 200 && !error; i++) {
		if ((error = accel_tensor_create(card, ACCEL_TIER_HBM, ACCEL_TYPE_I32, 1,
						 SHAPE(64), &x)) ||
		    (error = accel_cmd_create(card, 0, &cmd)) ||
		    (error = accel_cmd_fill(cmd, x, &i)) || (error = case_run(queue, cmd)) ||
		    (error = accel_tensor_download(x, got, sizeof(got))))
			break;
		if (got[0] != i || got[63] != i)
			error = -EBADMSG;
		accel_cmd_destroy(cmd);
		accel_tensor_destroy(&x);
	}
	accel_queue_destroy(queue);
	worker->error = error;
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[4];
	struct direct_case c;

	(void)state;
	case_open(&c);
	for (int i = 0; i < 4; i++) {
		workers[i].c = &c;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].error, 0);
	}
	case_close(&c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info), cmocka_unit_test(test_profile),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_full), cmocka_unit_test(test_matmul),
		cmocka_unit_test(test_error), cmocka_unit_test(test_fences),
		cmocka_unit_test(test_many), cmocka_unit_test(test_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
