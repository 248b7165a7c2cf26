// SPDX-License-Identifier: GPL-2.0-only
/* ATTENTION against extended precision: docs/card.md [ATT-1] … */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "selftests/host/attention_case.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

#define CAUSAL	MARU_ATTENTION_CAUSAL

static const unsigned int floats[] = { F32, F16, BF16 };

/* [ATT-1] [ATT-10] every type in every role, few queries and many. */
static void types(void **state)
{
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 81; i++)
		for (n = 1; n < 40; n += 35) {
			const struct attention a = {
				.dk = 24 + i % 2 * 16, .dv = 16 + i % 5, .n = n, .heads = 2,
				.seqs = 1, .kv = 37, .pad = i % 3,
				.q = floats[i % 3], .k = floats[i / 3 % 3],
				.v = floats[i / 9 % 3], .dst = floats[i / 27],
			};

			attention_run(&a, i);
		}
}

/* [ATT-1] sizes of heads, unequal ones and odd ones too. */
static void sizes(void **state)
{
	static const uint32_t list[][2] = {
		{ 64, 64 }, { 80, 80 }, { 96, 96 }, { 128, 128 }, { 192, 192 }, { 256, 256 },
		{ 512, 512 }, { 1, 1 }, { 1, 512 }, { 512, 1 }, { 7, 65 }, { 192, 128 },
	};
	unsigned int i, n;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		for (n = 1; n < 30; n += 13) {
			const struct attention a = {
				.dk = list[i][0], .dv = list[i][1], .n = n, .heads = 4,
				.k_heads = 2, .seqs = 1, .kv = 300, .flags = CAUSAL,
				.q = F32, .k = floats[i % 3], .v = floats[i % 3], .dst = F32,
				.step = 3,
			};

			attention_run(&a, i);
		}
}

/* [ATT-2] groups of heads, other ones for k and v. */
static void groups(void **state)
{
	static const uint32_t list[][3] = {
		{ 8, 8, 8 }, { 8, 2, 2 }, { 8, 1, 1 }, { 8, 2, 4 }, { 8, 8, 1 }, { 12, 2, 3 },
		{ 32, 1, 1 }, { 20, 1, 1 }, { 6, 2, 3 },
	};
	unsigned int i, n;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		for (n = 1; n < 8; n += 3) {
			const struct attention a = {
				.dk = 32, .n = n, .heads = list[i][0], .k_heads = list[i][1],
				.v_heads = list[i][2], .seqs = 2, .kv = 70, .flags = CAUSAL,
				.q = F32, .k = F16, .v = F16, .dst = F32,
			};

			attention_run(&a, i);
		}
}

/* [ATT-3] [ATT-7] lengths, below the number of queries too, and windows. */
static void lengths(void **state)
{
	static const int32_t len[] = { 0, 1, 5, 255, 256, 257, 600 };
	static const uint32_t windows[][2] = { { 0, 0 }, { 1, 1 }, { 4, 0 }, { 0, 3 }, { 300, 2 },
					       { 0xffffffff, 0xffffffff } };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 12; i++)
		for (n = 1; n < 140; n += 69) {
			const struct attention a = {
				.dk = 16, .n = n, .heads = 2, .k_heads = 1, .seqs = 7, .kv = 600,
				.kv_len = len, .left = windows[i % 6][0],
				.right = windows[i % 6][1],
				.flags = i / 6 ? CAUSAL : 0, .q = F32, .k = floats[i % 3],
				.v = floats[i % 3], .dst = F32, .step = n > 1 ? 5 : 1,
			};

			attention_run(&a, i);
		}
}

/* [ATT-4] blocks of a pool in no order, of sizes that do not fit the card's own. */
static void pools(void **state)
{
	static const int32_t len[] = { 300, 0, 17, 511 };
	static const uint32_t sizes[] = { 16, 1, 48, 512 };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 8; i++)
		for (n = 1; n < 20; n += 11) {
			const struct attention a = {
				.dk = 64, .n = n, .heads = 4, .k_heads = 2, .seqs = 4,
				.kv = sizes[i % 4], .blocks = 40, .table = 512 / sizes[i % 4] + 1,
				.kv_len = len, .flags = i & 1 ? CAUSAL : 0, .q = F32,
				.k = floats[i % 3], .v = floats[i % 3], .dst = F32, .pad = i & 2,
			};

			attention_run(&a, i);
		}
}

/* [ATT-5] ragged batches: empty sequences, single queries, prompts, rows behind the end; masks. */
static void ragged(void **state)
{
	static const int32_t len[] = { 40, 7, 300, 0, 130, 9 };
	static const int32_t starts[][7] = {
		{ 0, 1, 2, 3, 4, 5, 6 }, { 0, 40, 40, 47, 49, 179, 180 },
		{ 0, 0, 0, 0, 0, 0, 0 }, { 0, 3, 6, 9, 10, 20, 21 },
	};
	static const uint32_t count[] = { 6, 200, 5, 25 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 32; i++) {
		const struct attention a = {
			.mask = i & 16 && !(i & 4) ? floats[i % 3] + 1 : 0,
			.mask_heads = i & 1 ? 2 : 4, .mask_seqs = 3, .max_bias = i & 16 ? 8 : 0,
			.dk = 32, .n = count[i % 4], .heads = 4, .k_heads = 2, .seqs = 6,
			.kv = i & 4 ? 16 : 300, .blocks = i & 4 ? 50 : 0, .table = i & 4 ? 19 : 0,
			.kv_len = len, .q_start = starts[i % 4], .flags = i & 8 ? CAUSAL : 0,
			.q = F16, .k = floats[i % 3], .v = floats[i % 3], .dst = BF16,
		};

		attention_run(&a, i);
	}
}

/* [ATT-6] mask, softcap, slopes, in their order. */
static void scores(void **state)
{
	static const int32_t len[] = { 290, 64 };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 24; i++)
		for (n = 1; n < 80; n += 38) {
			const struct attention a = {
				.dk = 40, .n = n, .heads = i % 2 ? 12 : 8, .k_heads = 4, .seqs = 2,
				.kv = 290, .q = F32, .k = F32, .v = F32, .dst = F32,
				.mask = i & 1 ? floats[i % 3] + 1 : 0, .mask_heads = i & 4 ? 4 : 1,
				.mask_seqs = i & 8 ? 2 : 1, .softcap = i & 2 ? 3 : 0,
				.max_bias = i / 8 ? 8 : 0, .scale = i == 5 ? -0.2f : i == 6 ? 2 : 0,
				.kv_len = i & 8 ? len : NULL, .flags = i & 16 ? CAUSAL : 0,
				.step = 7,
			};

			attention_run(&a, i);
		}
}

static void poison(unsigned int role, uint32_t token, uint32_t head)
{
	struct maru_operand *line = attention_line(role);

	for (uint32_t d = 0; d < line->dim[0]; d++)
		ref_store(line->type, ref_at(line, d, token, head, 0), d & 1 ? NAN : INFINITY);
}

/* [ATT-3] [ATT-8] keys that a row does not see may hold anything, with others that see them. */
static void unseen(void **state)
{
	static const int32_t len[] = { 300 };
	unsigned int i, n, j, h;

	(void)state;
	for (i = 0; i < 6; i++)
		for (n = 4; n < 200; n += 96) {
			const struct attention a = {
				.dk = 32, .n = n, .heads = 2, .k_heads = 1, .seqs = 1, .kv = 310,
				.kv_len = len, .q = F32, .k = floats[i % 3], .v = floats[i % 3],
				.dst = F32, .flags = i < 3 ? CAUSAL : 0,
				.mask = i < 3 ? 0 : F16 + 1,
			};
			uint64_t row[3] = { 0 };
			struct ref_element want[512];

			attention_build(&a, i);
			for (j = 300; j < 310; j++) {
				poison(2, j, 0);
				poison(3, j, 0);
			}
			poison(2, 299, 0);	/* the last query sees it */
			poison(3, 299, 0);
			for (j = 0; i >= 3 && j < n; j++)
				ref_store(F16, ref_at(attention_line(4), 299, j, 0, 0),
					  j == n - 1 ? 0 : -INFINITY);
			assert_int_equal(case_run(&attention), 0);
			for (j = 0; j < n; j++)
				for (h = 0; h < 2; h++) {
					float got = *(float *)ref_at(attention_line(0), 3, h, j, 0);

					row[0] = h;
					row[1] = j;
					ref_attention_row(&attention_ref, row, want);
					if (j == n - 1)
						assert_true(isnan(got));
					else
						assert_true(fabs(got - want[3].value) <=
							    want[3].bound);
				}
			case_free_all(NULL);
		}
}

/* [ATT-9] rows without keys are 0. */
static void nothing(void **state)
{
	unsigned int i, n;
	uint64_t e;

	(void)state;
	for (i = 0; i < 3; i++)
		for (n = 2; n < 40; n += 30) {
			static const int32_t len[] = { 0, 0 };
			const struct attention a = {
				.dk = 16, .n = n, .heads = 2, .seqs = 2, .kv = i == 2 ? 0 : 20,
				.kv_len = i ? NULL : len, .mask = i == 1 ? F32 + 1 : 0,
				.q = F32, .k = F32, .v = F32, .dst = F32,
			};
			struct maru_operand *line;

			attention_build(&a, i);
			line = attention_line(4);
			for (e = 0; line && e < line->stride[3] * line->dim[3] / 4; e++)
				((float *)(uintptr_t)line->va)[e] = -INFINITY;
			assert_int_equal(case_run(&attention), 0);
			line = attention_line(0);
			for (e = 0; e < line->stride[3] * line->dim[3] / 4; e++)
				assert_true(((float *)(uintptr_t)line->va)[e] == 0);
			case_free_all(NULL);
		}
}

/* [ATT-12] what is not a number goes to its row or its column. */
static void specials(void **state)
{
	unsigned int n, j, d;

	(void)state;
	for (n = 2; n < 70; n += 66) {
		const struct attention a = { .dk = 16, .n = n, .heads = 1, .seqs = 1, .kv = 40,
					     .q = F32, .k = F32, .v = F32, .dst = F32 };

		attention_build(&a, n);
		*(float *)ref_at(attention_line(1), 3, 1, 0, 0) = NAN;
		*(float *)ref_at(attention_line(3), 5, 7, 0, 0) = INFINITY;
		assert_int_equal(case_run(&attention), 0);
		for (j = 0; j < n; j++)
			for (d = 0; d < 16; d++) {
				float got = *(float *)ref_at(attention_line(0), d, 0, j, 0);

				if (j == 1)
					assert_true(isnan(got));
				else
					assert_true(d == 5 ? isinf(got) : isfinite(got));
			}
		case_free_all(NULL);
	}
}

/* [ATT-13] 131,072 keys in the scratch of a thread. */
static void long_context(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		const struct attention a = {
			.dk = 64, .n = i ? 17 : 1, .heads = 4, .k_heads = 1, .seqs = 1,
			.kv = 131072, .q = F32, .k = F16, .v = BF16, .dst = F32, .flags = CAUSAL,
			.step = i ? 67 : 3,
		};

		attention_run(&a, i);
	}
}

/* [ATT-11] [DET-1] the same bits in any order of tiles on any number of threads. */
static void determinism(void **state)
{
	static const int32_t len[] = { 700, 3, 512 }, starts[] = { 0, 1, 4, 150 };
	const struct attention list[] = {
		{ .dk = 64, .n = 1, .heads = 8, .k_heads = 2, .seqs = 3, .kv = 700, .kv_len = len,
		  .q = F32, .k = BF16, .v = BF16, .dst = F32 },
		{ .dk = 64, .n = 300, .heads = 4, .k_heads = 2, .seqs = 2, .kv = 300, .q = F16,
		  .k = F32, .v = F16, .dst = BF16, .flags = CAUSAL },
		{ .dk = 40, .n = 160, .heads = 4, .k_heads = 2, .seqs = 3, .kv = 16, .blocks = 64,
		  .table = 44, .kv_len = len, .q_start = starts, .q = F32, .k = F16, .v = F16,
		  .dst = F32, .flags = CAUSAL },
	};
	unsigned int i, round;

	(void)state;
	for (i = 0; i < 3; i++) {
		const struct maru_operand *dst;
		uint64_t bytes;
		void *first;

		attention_build(&list[i], i);
		dst = attention_line(0);
		bytes = dst->stride[3] * dst->dim[3];
		first = case_memory(bytes);
		assert_int_equal(case_run(&attention), 0);
		memcpy(first, (void *)(uintptr_t)dst->va, bytes);
		for (round = 0; round < 4; round++) {
			memset((void *)(uintptr_t)dst->va, 0xee, bytes);
			assert_int_equal(case_run_shuffled(&attention, 1 + round, round), 0);
			assert_memory_equal(first, (void *)(uintptr_t)dst->va, bytes);
		}
		case_free_all(NULL);
	}
}

/* [DET-4] the bits of a sequence do not depend on those beside it: eight as one and each alone. */
static void sequences_alone(void **state)
{
	static const int32_t len[] = { 700, 3, 512, 0, 256, 257, 31, 90 };
	unsigned int i, s;

	(void)state;
	for (i = 0; i < 12; i++) {
		const struct attention a = {
			.dk = 64, .n = i & 1 ? 1 : 11, .heads = 8, .k_heads = 2, .seqs = 8,
			.kv = i & 2 ? 16 : 700, .blocks = i & 2 ? 300 : 0, .table = i & 2 ? 44 : 0,
			.kv_len = len, .q = F32, .k = floats[i / 4], .v = floats[i / 4],
			.dst = F32, .flags = CAUSAL,
		};
		struct engine_case eight;
		uint8_t *first, *dst;
		uint64_t step;

		attention_build(&a, i);
		eight = attention;
		dst = (uint8_t *)(uintptr_t)attention_line(0)->va;
		step = attention_line(0)->stride[3];
		first = case_memory(8 * step);
		assert_int_equal(case_run(&attention), 0);
		memcpy(first, dst, 8 * step);
		memset(dst, 0xee, 8 * step);
		for (s = 0; s < 8; s++) {
			attention = eight;
			for (unsigned int role = 0; role < MARU_ROLES; role++) {
				struct maru_operand *line = attention_line(role);
				unsigned int d = role == MARU_ROLE_BLOCKS ? 1 :
						 role == MARU_ROLE_KV_LEN ? 0 : 3;

				if (!line || line->dim[d] != 8)	/* a pool belongs to all */
					continue;
				line->va += s * line->stride[d];
				line->dim[d] = 1;
			}
			assert_int_equal(case_run(&attention), 0);
		}
		assert_memory_equal(first, dst, 8 * step);
		case_free_all(NULL);
	}
}

/* [ATT-14] [DET-2] a long tile leaves between blocks of keys and has written nothing. */
static void stop(void **state)
{
	static const int32_t len[] = { 600, 9 }, starts[] = { 0, 5, 20 };
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	const volatile uint32_t one = 1;
	struct engine_error error;
	unsigned int i;
	uint64_t bytes;
	void *before;

	(void)state;
	for (i = 0; i < 2; i++) {
		const struct attention a = {
			.dk = 64, .n = 20, .heads = 2, .seqs = 2, .kv = 600, .kv_len = len,
			.q_start = i ? starts : NULL, .q = F32, .k = F32, .v = F32, .dst = F32,
		};
		const struct maru_operand *dst;

		attention_build(&a, i);
		scratch.base = case_memory(scratch.bytes);
		dst = attention_line(0);
		bytes = dst->stride[3] * dst->dim[3];
		before = case_memory(bytes);
		memcpy(before, (void *)(uintptr_t)dst->va, bytes);
		assert_int_equal(engine_begin(&attention.op, NULL, 0, attention.bytes,
					      attention.header.bytes), 0);
		attention.op.stop = &one;
		assert_int_equal(engine_tile(&attention.op, 0, &scratch, &error), -22);
		assert_int_equal(MARU_ERROR_CODE(error.word), MARU_ERR_CANCELLED);
		engine_end(&attention.op);
		assert_memory_equal(before, (void *)(uintptr_t)dst->va, bytes);
		case_free_all(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types), cmocka_unit_test(sizes), cmocka_unit_test(groups),
		cmocka_unit_test(lengths), cmocka_unit_test(pools), cmocka_unit_test(ragged),
		cmocka_unit_test(scores), cmocka_unit_test(unseen), cmocka_unit_test(nothing),
		cmocka_unit_test(specials), cmocka_unit_test(long_context),
		cmocka_unit_test(determinism), cmocka_unit_test(sequences_alone),
		cmocka_unit_test(stop),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
