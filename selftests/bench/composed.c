// SPDX-License-Identifier: GPL-2.0-only
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dnnl.h>
#include <omp.h>

#include "selftests/bench/composed.h"

#define BLOCK	128u
#define AVX2	__attribute__((target("avx2,fma")))
#define AVX512	__attribute__((target("avx512f,avx512dq")))

/* The two products of a block of queries with @keys keys. */
struct pair {
	dnnl_primitive_t scores, values;
	dnnl_memory_desc_t q, k, s, v, out;
	size_t scratch;
};

struct composed {
	uint32_t n, heads, d, pairs;
	float *q, *k, *v, *out;
	struct pair *pair;
};

static dnnl_engine_t engine;	/* threads keep streams of it */

static void check(dnnl_status_t status)
{
	if (status == dnnl_success)
		return;
	fprintf(stderr, "composed: dnnl status %d\n", status);
	exit(1);
}

static dnnl_memory_desc_t plain(int64_t rows, int64_t columns, int64_t row, int64_t column)
{
	const dnnl_dims_t dims = { rows, columns }, strides = { row, column };
	dnnl_memory_desc_t desc;

	check(dnnl_memory_desc_create_with_strides(&desc, 2, dims, dnnl_f32, strides));
	return desc;
}

/* Threads run one primitive at once: each gives it scratch of its own, of up to *most bytes. */
static dnnl_primitive_t product(dnnl_memory_desc_t a, dnnl_memory_desc_t b, dnnl_memory_desc_t c,
				size_t *most)
{
	dnnl_primitive_desc_t desc;
	dnnl_primitive_attr_t attr;
	dnnl_primitive_t primitive;
	size_t bytes;

	check(dnnl_primitive_attr_create(&attr));
	check(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
	check(dnnl_matmul_primitive_desc_create(&desc, engine, a, b, NULL, c, attr));
	check(dnnl_primitive_create(&primitive, desc));
	bytes = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(
			desc, dnnl_query_scratchpad_md, 0));
	*most = bytes > *most ? bytes : *most;
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attr);
	return primitive;
}

static struct pair make_pair(uint32_t keys, uint32_t most, uint32_t d)
{
	struct pair pair = {
		.q = plain(BLOCK, d, d, 1), .k = plain(d, keys, 1, d),
		.s = plain(BLOCK, keys, most, 1), .v = plain(keys, d, d, 1),
		.out = plain(BLOCK, d, d, 1),
	};

	pair.scores = product(pair.q, pair.k, pair.s, &pair.scratch);
	pair.values = product(pair.s, pair.v, pair.out, &pair.scratch);
	return pair;
}

static float *floats(uint64_t count, uint32_t seed)
{
	float *data = aligned_alloc(4096, (count * 4 + 4095) / 4096 * 4096);

	for (uint64_t i = 0; data && i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (float)(int32_t)seed * 0x1p-31f;
	}
	return data;
}

struct composed *composed_create(uint32_t n, uint32_t heads, uint32_t d)
{
	struct composed *composed = calloc(1, sizeof(*composed));
	uint64_t count = (uint64_t)n * heads * d;

	if (!composed || n % BLOCK)
		abort();
	*composed = (struct composed) { .n = n, .heads = heads, .d = d, .pairs = n / BLOCK };
	composed->q = floats(count, 1);
	composed->k = floats(count, 2);
	composed->v = floats(count, 3);
	composed->out = floats(count, 4);
	composed->pair = calloc(composed->pairs, sizeof(struct pair));
	if (!engine)
		check(dnnl_engine_create(&engine, dnnl_cpu, 0));
	omp_set_dynamic(0);
	/* Made where they will run: on one thread. */
#pragma omp parallel for schedule(static) num_threads(2)
	for (uint32_t i = 0; i < composed->pairs; i++)
		composed->pair[i] = make_pair((i + 1) * BLOCK, n, d);
	return composed;
}

AVX2 static __m256 power(__m256 x)
{
	const __m256 round = _mm256_set1_ps(12582912.0f);
	__m256 n, r, p;

	x = _mm256_max_ps(_mm256_set1_ps(-127.0f), x);
	n = _mm256_add_ps(x, round);
	r = _mm256_sub_ps(x, _mm256_sub_ps(n, round));
	p = _mm256_set1_ps(0x1.5bba12p-10f);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.3cea88p-7f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.c6b752p-5f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.ebf9bcp-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.62e42ap-1f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
	return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(
			_mm256_add_epi32(_mm256_castps_si256(n), _mm256_set1_epi32(127)), 23)));
}

/* Weights of the first @seen of @keys scores, whole vectors of eight; the rest become 0. */
AVX2 static float softmax(float *x, uint32_t seen, uint32_t keys, float scale)
{
	__m256 most = _mm256_set1_ps(-INFINITY), wide = _mm256_set1_ps(scale), low;
	__m256 sum = _mm256_setzero_ps();
	float lanes[8], max = -INFINITY, all = 0;
	uint32_t i;

	for (i = seen; i < (seen + 7) / 8 * 8; i++)
		x[i] = -INFINITY;
	for (i = 0; i < seen; i += 8)
		most = _mm256_max_ps(most, _mm256_loadu_ps(x + i));
	_mm256_storeu_ps(lanes, most);
	for (i = 0; i < 8; i++)
		max = lanes[i] > max ? lanes[i] : max;
	low = _mm256_set1_ps(max * scale);
	for (i = 0; i < seen; i += 8) {
		__m256 p = power(_mm256_fmsub_ps(_mm256_loadu_ps(x + i), wide, low));

		sum = _mm256_add_ps(sum, p);
		_mm256_storeu_ps(x + i, p);
	}
	if (i < keys)
		memset(x + i, 0, (keys - i) * sizeof(*x));
	_mm256_storeu_ps(lanes, sum);
	for (i = 0; i < 8; i++)
		all += lanes[i];
	return 1 / all;
}

AVX512 static __m512 wide_power(__m512 x)
{
	__m512 n, r, p;

	x = _mm512_max_ps(_mm512_set1_ps(-127.0f), x);
	n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	r = _mm512_sub_ps(x, n);
	p = _mm512_set1_ps(0x1.5bba12p-10f);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.3cea88p-7f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.c6b752p-5f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.ebf9bcp-3f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.62e42ap-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
	return _mm512_scalef_ps(p, n);
}

/* The same in vectors of sixteen. */
AVX512 static float wide_softmax(float *x, uint32_t seen, uint32_t keys, float scale)
{
	__m512 most = _mm512_set1_ps(-INFINITY), other = most, wide = _mm512_set1_ps(scale), low;
	__m512 sum = _mm512_setzero_ps(), more = sum, p;
	uint32_t i, end = (seen + 31) / 32 * 32;

	for (i = seen; i < end; i++)
		x[i] = -INFINITY;
	for (i = 0; i < seen; i += 32) {
		most = _mm512_max_ps(most, _mm512_loadu_ps(x + i));
		other = _mm512_max_ps(other, _mm512_loadu_ps(x + i + 16));
	}
	low = _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(most, other)) * scale);
	for (i = 0; i < seen; i += 32) {
		p = wide_power(_mm512_fmsub_ps(_mm512_loadu_ps(x + i), wide, low));
		sum = _mm512_add_ps(sum, p);
		_mm512_storeu_ps(x + i, p);
		p = wide_power(_mm512_fmsub_ps(_mm512_loadu_ps(x + i + 16), wide, low));
		more = _mm512_add_ps(more, p);
		_mm512_storeu_ps(x + i + 16, p);
	}
	if (end < keys)
		memset(x + end, 0, (keys - end) * sizeof(*x));
	return 1 / _mm512_reduce_add_ps(_mm512_add_ps(sum, more));
}

static void execute(dnnl_stream_t stream, dnnl_primitive_t primitive,
		    const_dnnl_memory_desc_t const descs[3],
		    float *const data[3], size_t scratch_bytes)
{
	static const int names[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
				     DNNL_ARG_SCRATCHPAD };
	static __thread uint8_t *scratch;
	static __thread size_t size;
	const dnnl_dims_t dims = { (dnnl_dim_t)scratch_bytes };
	dnnl_memory_desc_t desc;
	dnnl_exec_arg_t args[4];

	if (size < scratch_bytes) {
		free(scratch);
		size = scratch_bytes;
		scratch = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
	}
	for (int i = 0; i < 3; i++) {
		args[i].arg = names[i];
		check(dnnl_memory_create(&args[i].memory, descs[i], engine, data[i]));
	}
	check(dnnl_memory_desc_create_with_tag(&desc, 1, dims, dnnl_u8, dnnl_a));
	args[3].arg = names[3];
	check(dnnl_memory_create(&args[3].memory, desc, engine, scratch));
	check(dnnl_primitive_execute(primitive, stream, 4, args));
	for (int i = 0; i < 4; i++)
		dnnl_memory_destroy(args[i].memory);
	dnnl_memory_desc_destroy(desc);
}

static void run_block(const struct composed *composed, dnnl_stream_t stream, uint32_t head,
		      uint32_t block, float *scores)
{
	const struct pair *pair = &composed->pair[block];
	uint64_t at = (uint64_t)head * composed->n * composed->d, row = at + block * BLOCK *
		      (uint64_t)composed->d;
	const float scale = 1.44269504f / sqrtf((float)composed->d);
	float inverse[BLOCK], *out = composed->out + row;
	float (*best)(float *, uint32_t, uint32_t, float) =
		__builtin_cpu_supports("avx512dq") ? wide_softmax : softmax;

	execute(stream, pair->scores,
		(const_dnnl_memory_desc_t[]) { pair->q, pair->k, pair->s },
		(float *[]) { composed->q + row, composed->k + at, scores }, pair->scratch);
	for (uint32_t i = 0; i < BLOCK; i++)
		inverse[i] = best(scores + (uint64_t)i * composed->n, block * BLOCK + i + 1,
				     (block + 1) * BLOCK, scale);
	execute(stream, pair->values,
		(const_dnnl_memory_desc_t[]) { pair->s, pair->v, pair->out },
		(float *[]) { scores, composed->v + at, out }, pair->scratch);
	for (uint32_t i = 0; i < BLOCK; i++)
		for (uint32_t d = 0; d < composed->d; d++)
			out[(uint64_t)i * composed->d + d] *= inverse[i];
}

void composed_run(struct composed *composed)
{
	uint32_t units = composed->pairs * composed->heads;

#pragma omp parallel
	{
		static __thread float *scores;
		static __thread dnnl_stream_t stream;
		static __thread uint32_t size;

		if (!stream)
			check(dnnl_stream_create(&stream, engine,
						 dnnl_stream_default_flags));
		if (size < composed->n) {
			free(scores);
			size = composed->n;
			scores = floats((uint64_t)BLOCK * size, 5);
		}
		/* Long blocks first: the threads end together. */
#pragma omp for schedule(dynamic)
		for (uint32_t i = 0; i < units; i++)
			run_block(composed, stream, i % composed->heads,
				  composed->pairs - 1 - i / composed->heads, scores);
	}
}

double composed_check(const struct composed *composed)
{
	double worst = 0, *weight = calloc(composed->n, sizeof(double));

	for (uint32_t row = 0; weight && row < composed->n; row += 211) {
		const float *q = composed->q + (uint64_t)row * composed->d;
		double all = 0;

		for (uint32_t i = 0; i <= row; i++) {
			weight[i] = 0;
			for (uint32_t d = 0; d < composed->d; d++)
				weight[i] += (double)q[d] *
					     composed->k[(uint64_t)i * composed->d + d];
			all += weight[i] = exp(weight[i] / sqrt(composed->d));
		}
		for (uint32_t d = 0; d < composed->d; d++) {
			double sum = 0;

			for (uint32_t i = 0; i <= row; i++)
				sum += weight[i] * composed->v[(uint64_t)i * composed->d + d];
			worst = fmax(worst, fabs(sum / all - composed->out[(uint64_t)row *
								       composed->d + d]));
		}
	}
	free(weight);
	return worst;
}

void composed_destroy(struct composed *composed)
{
	for (uint32_t i = 0; i < composed->pairs; i++) {
		struct pair *pair = &composed->pair[i];

		dnnl_primitive_destroy(pair->scores);
		dnnl_primitive_destroy(pair->values);
		dnnl_memory_desc_destroy(pair->q);
		dnnl_memory_desc_destroy(pair->k);
		dnnl_memory_desc_destroy(pair->s);
		dnnl_memory_desc_destroy(pair->v);
		dnnl_memory_desc_destroy(pair->out);
	}
	free(composed->pair);
	free(composed->q);
	free(composed->k);
	free(composed->v);
	free(composed->out);
	free(composed);
}
