// SPDX-License-Identifier: GPL-2.0-only
/* What recording and submitting cost the program by the direct way, and that they allocate not. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "selftests/host/direct_case.h"

#define PACKETS		388	/* a step of decoding with 32 layers */
#define ROUNDS		400
#define SUBMITS		4000

/* Allocations of all threads, counted where nothing else stands before malloc() already. */
static atomic_ulong allocations;

#ifndef __SANITIZE_ADDRESS__
#define IS_COUNTED	1
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

void *malloc(size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __libc_realloc(old, bytes);
}
#else
#define IS_COUNTED	0
#endif

static double now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Packets as a layer has them: norm, products, positions, stores, attention. */
static void record(struct accel_cmd *cmd, struct accel_tensor *t)
{
	struct accel_attention_desc attention = ACCEL_ATTENTION_DESC_INIT;
	struct accel_norm_desc norm = ACCEL_NORM_DESC_INIT;
	struct accel_matmul_desc matmul = ACCEL_MATMUL_DESC_INIT;

	attention.kv_len = &t[8];
	norm.mul = &t[1];
	matmul.residual = &t[0];
	for (int i = 0; i < PACKETS; i += 4) {
		OK(accel_cmd_norm(cmd, t[2], t[0], &norm));
		OK(accel_cmd_matmul(cmd, t[0], t[3], t[2], &matmul));
		OK(accel_cmd_attention(cmd, t[5], t[4], t[6], t[7], &attention));
		OK(accel_cmd_scatter(cmd, t[9], t[2], t[8], ACCEL_SKIP_NEGATIVE));
	}
}

static void test_record(void **state)
{
	static double times[ROUNDS];
	unsigned long before = 0;
	struct accel_tensor t[10];
	struct direct_case c;

	(void)state;
	case_open(&c);
	t[0] = case_tensor(c.card, ACCEL_TYPE_F32, 1, 64);
	t[1] = accel_tensor_reshape(case_tensor(c.card, ACCEL_TYPE_F32, 1, 64), 1, SHAPE(64));
	t[2] = case_tensor(c.card, ACCEL_TYPE_F32, 1, 64);
	t[3] = case_tensor(c.card, ACCEL_TYPE_BF16, 64, 64);
	t[4] = accel_tensor_reshape(case_tensor(c.card, ACCEL_TYPE_F32, 1, 64), 4,
				    SHAPE(1, 1, 1, 64));
	t[5] = accel_tensor_reshape(case_tensor(c.card, ACCEL_TYPE_F32, 1, 64), 4,
				    SHAPE(1, 1, 1, 64));
	t[6] = accel_tensor_reshape(case_tensor(c.card, ACCEL_TYPE_F16, 32, 64), 4,
				    SHAPE(1, 1, 32, 64));
	t[7] = t[6];
	t[8] = accel_tensor_reshape(case_tensor(c.card, ACCEL_TYPE_I32, 1, 1), 1, SHAPE(1));
	t[9] = case_tensor(c.card, ACCEL_TYPE_F16, 32, 64);
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns(CLOCK_THREAD_CPUTIME_ID);

		if (round == 1)
			before = allocations;
		record(c.cmd, t);
		times[round] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / PACKETS;
		OK(accel_cmd_reset(c.cmd));
	}
	if (IS_COUNTED)
		assert_int_equal(allocations, before);
	print_message("# %.0f ns to record a packet\n", median(times, ROUNDS));
	assert_true(median(times, ROUNDS) < 20e3);
	case_close(&c);
}

/* One job at a time, and runs of them; the first rounds fill what is kept. */
static void test_submit(void **state)
{
	static double times[SUBMITS];
	unsigned long before = 0;
	struct direct_case c;
	double start;

	(void)state;
	case_open(&c);
	for (int i = 0; i < PACKETS; i++)
		OK(accel_cmd_nop(c.cmd));
	for (int i = 0; i < SUBMITS; i++) {
		struct accel_fence fence;

		if (i == SUBMITS / 2)
			before = allocations;
		start = now_ns(CLOCK_THREAD_CPUTIME_ID);
		OK(accel_queue_submit(c.queue, c.cmd, &fence));
		times[i] = now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
		if (i % 16 < 2 || i % 16 == 15)
			OK(accel_fence_wait(fence, ACCEL_FOREVER));
	}
	if (IS_COUNTED)
		assert_int_equal(allocations, before);
	print_message("# %.0f ns to submit a buffer of %d packets\n", median(times, SUBMITS),
		      PACKETS);
	assert_true(median(times, SUBMITS) < 100e3);
	case_close(&c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record), cmocka_unit_test(test_submit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
