// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of a transformer by the direct way, as a program meets them: shapes outermost
 * first, references that read arrays in C order.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "selftests/host/direct_case.h"

static struct direct_case c;

static int open_card(void **state)
{
	(void)state;
	case_open(&c);
	return 0;
}

static int close_card(void **state)
{
	(void)state;
	case_close(&c);
	return 0;
}

static struct accel_tensor make(enum accel_type type, unsigned int rank, const uint32_t *shape,
				const void *data)
{
	struct accel_tensor tensor;

	OK(accel_tensor_create(c.card, ACCEL_TIER_HBM, type, rank, shape, &tensor));
	if (data)
		OK(accel_tensor_upload(tensor, data, accel_tensor_elements(tensor) *
				       accel_type_bytes(type)));
	return tensor;
}

#define COUNT(...)	(sizeof(SHAPE(__VA_ARGS__)) / sizeof(uint32_t))
#define F32(data, ...)	make(ACCEL_TYPE_F32, COUNT(__VA_ARGS__), SHAPE(__VA_ARGS__), data)
#define I32(data, ...)	make(ACCEL_TYPE_I32, COUNT(__VA_ARGS__), SHAPE(__VA_ARGS__), data)

static void run(void)
{
	int error = case_run(c.queue, c.cmd);
	char text[256];

	if (error && accel_queue_error(c.queue, text, sizeof(text)))
		print_message("# %s\n", text);
	assert_int_equal(error, 0);
	OK(accel_cmd_reset(c.cmd));
}

static const float *read_back(struct accel_tensor tensor)
{
	static float data[8192];

	OK(accel_tensor_download(tensor, data, 4 * accel_tensor_elements(tensor)));
	return data;
}

static void expect(const float *got, const double *want, size_t count, double tolerance)
{
	for (size_t i = 0; i < count; i++) {
		if (!(fabs(got[i] - want[i]) <= tolerance * (1 + fabs(want[i])))) {
			print_message("# element %zu: %g, not %g\n", i, got[i], want[i]);
			fail();
		}
	}
}

static void fill(float *data, size_t count)
{
	static uint32_t seed = 12345;

	for (size_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (float)(int32_t)seed * 0x1p-31f;
	}
}

static void test_rows(void **state)
{
	enum { ROWS = 7, N = 6 };
	const int32_t ids[4] = { 3, -1, 0, 6 }, slots[4] = { 5, 2, -1, 5 };
	float table[ROWS][N], zero[ROWS][N] = { 0 };
	double want[ROWS][N] = { 0 };
	struct accel_tensor src, dst, store;

	(void)state;
	fill(&table[0][0], ROWS * N);
	src = F32(table, ROWS, N);
	dst = F32(NULL, 4, N);
	store = F32(zero, ROWS, N);
	OK(accel_cmd_gather(c.cmd, dst, src, I32(ids, 4), ACCEL_SKIP_NEGATIVE));
	OK(accel_cmd_scatter(c.cmd, store, dst, I32(slots, 4), ACCEL_SKIP_NEGATIVE));
	run();
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < N; j++)
			want[i][j] = ids[i] < 0 ? 0 : table[ids[i]][j];
	}
	expect(read_back(dst), &want[0][0], 4 * N, 0);
	memset(want, 0, sizeof(want));
	for (int j = 0; j < N; j++)
		want[5][j] = table[6][j];	/* the last row wins; row 1 is of zeros */
	expect(read_back(store), &want[0][0], ROWS * N, 0);
}

/* A number out of range: the job fails, nothing is written, and the operand is named. */
static void test_index(void **state)
{
	const int32_t ids[2] = { 1, 9 };
	float zero[2][4] = { 0 };
	double want[8] = { 0 };
	struct accel_tensor src = F32(NULL, 3, 4), dst = F32(zero, 2, 4);
	char text[256];

	(void)state;
	OK(accel_cmd_gather(c.cmd, dst, src, I32(ids, 2), 0));
	assert_int_equal(case_run(c.queue, c.cmd), -ERANGE);
	assert_int_equal(accel_queue_error(c.queue, text, sizeof(text)), -ERANGE);
	if (!strstr(text, "packet 0 (+0x0) GATHER: operand idx, element 1: BAD_INDEX"))
		fail_msg("%s", text);
	expect(read_back(dst), want, 8, 0);
}

enum { S = 2, H = 4, HK = 2, NQ = 3, KEYS = 9, D = 8, DV = 8 };

struct attention {
	float q[S][H][NQ][D], k[S][HK][KEYS][D], v[S][HK][KEYS][DV];
	double want[S][NQ][H][DV];
};

/* Causal, bottom right; @length keys of sequence s. */
static void attend(struct attention *a, const int32_t *length, double scale)
{
	double score[KEYS], sum;

	for (int s = 0; s < S; s++)
	for (int h = 0; h < H; h++)
	for (int j = 0; j < NQ; j++) {
		int seen = length[s] - NQ + j + 1, g = h / (H / HK);

		sum = 0;
		for (int i = 0; i < seen; i++) {
			score[i] = 0;
			for (int d = 0; d < D; d++)
				score[i] += scale * a->q[s][h][j][d] * a->k[s][g][i][d];
			score[i] = exp(score[i]);
			sum += score[i];
		}
		for (int d = 0; d < DV; d++) {
			a->want[s][j][h][d] = 0;
			for (int i = 0; i < seen; i++)
				a->want[s][j][h][d] += score[i] / sum * a->v[s][g][i][d];
		}
	}
}

static void test_attention(void **state)
{
	static struct attention a;
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	const int32_t lengths[S] = { 9, 5 };
	struct accel_tensor dst = F32(NULL, S, NQ, H, DV), kv_len = I32(lengths, S);

	(void)state;
	fill(&a.q[0][0][0][0], S * H * NQ * D);
	fill(&a.k[0][0][0][0], S * HK * KEYS * D);
	fill(&a.v[0][0][0][0], S * HK * KEYS * DV);
	attend(&a, lengths, 0.5);
	desc.scale = 0.5f;
	desc.causal = 1;
	desc.kv_len = &kv_len;
	OK(accel_cmd_attention(c.cmd, dst, F32(a.q, S, H, NQ, D), F32(a.k, S, HK, KEYS, D),
			       F32(a.v, S, HK, KEYS, DV), &desc));
	run();
	expect(read_back(dst), &a.want[0][0][0][0], S * NQ * H * DV, 1e-5);
}

/* The same numbers in a pool of blocks of 4 keys, and queries of both sequences in one row. */
static void test_paged(void **state)
{
	enum { BLOCK = 4, BLOCKS = 6, ROWS = 3 };
	static struct attention a;
	static float q[1][H][S * NQ][D], k[BLOCKS][HK][BLOCK][D], v[BLOCKS][HK][BLOCK][DV];
	const int32_t lengths[S] = { 9, 5 }, starts[S + 1] = { 0, NQ, 2 * NQ };
	const int32_t table[S][ROWS] = { { 4, 0, 5 }, { 2, 3, -7 } };	/* −7 is not needed */
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	struct accel_tensor kv_len = I32(lengths, S), q_start = I32(starts, S + 1);
	struct accel_tensor blocks = I32(table, S, ROWS), dst = F32(NULL, 1, S * NQ, H, DV);

	(void)state;
	fill(&a.q[0][0][0][0], S * H * NQ * D);
	fill(&a.k[0][0][0][0], S * HK * KEYS * D);
	fill(&a.v[0][0][0][0], S * HK * KEYS * DV);
	attend(&a, lengths, 1);
	for (int s = 0; s < S; s++) {
		for (int h = 0; h < H; h++)
			memcpy(q[0][h][s * NQ], a.q[s][h], sizeof(a.q[s][h]));
		for (int g = 0; g < HK; g++)
		for (int i = 0; i < lengths[s]; i++) {
			int block = table[s][i / BLOCK];

			memcpy(k[block][g][i % BLOCK], a.k[s][g][i], sizeof(float[D]));
			memcpy(v[block][g][i % BLOCK], a.v[s][g][i], sizeof(float[DV]));
		}
	}
	desc.causal = 1;
	desc.kv_len = &kv_len;
	desc.q_start = &q_start;
	desc.block_table = &blocks;
	OK(accel_cmd_attention(c.cmd, dst, F32(q, 1, H, S * NQ, D), F32(k, BLOCKS, HK, BLOCK, D),
			       F32(v, BLOCKS, HK, BLOCK, DV), &desc));
	run();
	expect(read_back(dst), &a.want[0][0][0][0], S * NQ * H * DV, 1e-5);
}

static void test_norm(void **state)
{
	enum { R = 3, N = 10 };
	struct accel_norm_desc norm = ACCEL_NORM_DESC_INIT;
	struct accel_softmax_desc softmax = ACCEL_SOFTMAX_DESC_INIT;
	float x[R][N], w[N], mask[R][N];
	double want[R][N], soft[R][N], sum;
	struct accel_tensor in, mul, bias, dst = F32(NULL, R, N), out = F32(NULL, R, N);

	(void)state;
	fill(&x[0][0], R * N);
	fill(w, N);
	fill(&mask[0][0], R * N);
	in = F32(x, R, N);
	mul = F32(w, N);
	bias = F32(mask, R, N);
	for (int r = 0; r < R; r++) {
		sum = 0;
		for (int i = 0; i < N; i++)
			sum += (double)x[r][i] * x[r][i] / N;
		for (int i = 0; i < N; i++)
			want[r][i] = x[r][i] / sqrt(sum + 1e-5) * w[i];
		sum = 0;
		for (int i = 0; i < N; i++)
			sum += soft[r][i] = exp(2.0 * x[r][i] + mask[r][i]);
		for (int i = 0; i < N; i++)
			soft[r][i] /= sum;
	}
	norm.mul = &mul;
	softmax.scale = 2;
	softmax.mask = &bias;
	OK(accel_cmd_norm(c.cmd, dst, in, &norm));
	OK(accel_cmd_softmax(c.cmd, out, in, &softmax));
	run();
	expect(read_back(dst), &want[0][0], R * N, 1e-6);
	expect(read_back(out), &soft[0][0], R * N, 1e-6);
}

static void test_rope(void **state)
{
	enum { T = 4, N = 8, HEADS = 2 };
	struct accel_rope_desc desc = ACCEL_ROPE_DESC_INIT;
	const int32_t pos[T] = { 0, 1, 50, -3 };
	float x[T][HEADS][N];
	double want[T][HEADS][N], angle;
	struct accel_tensor in;

	(void)state;
	fill(&x[0][0][0], T * HEADS * N);
	in = F32(x, T, HEADS, N);
	for (int t = 0; t < T; t++)
	for (int h = 0; h < HEADS; h++)
	for (int i = 0; i < N / 2; i++) {
		angle = pos[t] * pow(10000, -2.0 * i / N);
		want[t][h][i] = x[t][h][i] * cos(angle) - x[t][h][i + N / 2] * sin(angle);
		want[t][h][i + N / 2] = x[t][h][i] * sin(angle) + x[t][h][i + N / 2] * cos(angle);
	}
	desc.mode = ACCEL_ROPE_NEOX;
	OK(accel_cmd_rope(c.cmd, in, in, I32(pos, T), &desc));
	run();
	expect(read_back(in), &want[0][0][0], T * HEADS * N, 1e-6);
}

static void test_elementwise(void **state)
{
	enum { R = 4, N = 6 };
	struct accel_elementwise_desc desc = { sizeof(desc), { 3, -1, 0, 0 } };
	float x[R][2 * N], y[N];
	double scaled[R][2 * N], sums[R][2 * N], gated[R][N];
	struct accel_tensor in, row, dst = F32(NULL, R, 2 * N), out = F32(NULL, R, N);
	struct accel_tensor sum = F32(NULL, R, 2 * N);

	(void)state;
	fill(&x[0][0], R * 2 * N);
	fill(y, N);
	in = F32(x, R, 2 * N);
	row = F32(y, N);
	for (int r = 0; r < R; r++) {
		for (int i = 0; i < 2 * N; i++) {
			scaled[r][i] = 3.0 * x[r][i] - 1;
			sums[r][i] = x[r][i] + (double)y[i % N];
		}
		for (int i = 0; i < N; i++)
			gated[r][i] = x[r][i] / (1 + exp(-x[r][i])) * x[r][N + i];
	}
	OK(accel_cmd_unary(c.cmd, ACCEL_UNARY_SCALE, dst, in, &desc));
	OK(accel_cmd_binary(c.cmd, ACCEL_BINARY_ADD, sum, in, row));	/* row repeats twice */
	OK(accel_cmd_glu(c.cmd, ACCEL_GLU_SWIGLU, out, accel_tensor_slice(in, 1, 0, N),
			 accel_tensor_slice(in, 1, N, N), NULL));
	run();
	expect(read_back(dst), &scaled[0][0], R * 2 * N, 1e-6);
	expect(read_back(sum), &sums[0][0], R * 2 * N, 1e-6);
	expect(read_back(out), &gated[0][0], R * N, 1e-6);
}

static void test_fold(void **state)
{
	const float x[2][5] = { { 3, -1, 7, 7, 2 }, { 0, 4, -9, 4, 1 } };
	const double rows[2] = { 18, 0 }, columns[5] = { 3, 4, 7, 7, 2 };
	const double best[2][3] = { { 7, 7, 3 }, { 4, 4, 1 } };
	const int32_t ids[2][3] = { { 2, 3, 0 }, { 1, 3, 4 } };
	int32_t got[2][3], first[2];
	struct accel_tensor in = F32(x, 2, 5), sum = F32(NULL, 2, 1), max = F32(NULL, 1, 5);
	struct accel_tensor index = I32(NULL, 2, 3), values = F32(NULL, 2, 3);
	struct accel_tensor top = I32(NULL, 2, 1);

	(void)state;
	OK(accel_cmd_reduce(c.cmd, ACCEL_REDUCE_SUM, sum, in, 1, NULL));
	OK(accel_cmd_reduce(c.cmd, ACCEL_REDUCE_MAX, max, in, 0, NULL));
	OK(accel_cmd_argmax(c.cmd, top, in));
	OK(accel_cmd_top_k(c.cmd, index, in, &values));
	run();
	expect(read_back(sum), rows, 2, 0);
	expect(read_back(max), columns, 5, 0);
	expect(read_back(values), &best[0][0], 6, 0);
	OK(accel_tensor_download(index, got, sizeof(got)));
	assert_memory_equal(got, ids, sizeof(got));
	OK(accel_tensor_download(top, first, sizeof(first)));
	assert_int_equal(first[0], 2);
	assert_int_equal(first[1], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_card, close_card)
	static const struct CMUnitTest tests[] = {
		TEST(test_rows), TEST(test_index), TEST(test_attention), TEST(test_paged),
		TEST(test_norm), TEST(test_rope), TEST(test_elementwise), TEST(test_fold),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
