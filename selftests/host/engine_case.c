// SPDX-License-Identifier: GPL-2.0-only
#include <malloc.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/host/engine_case.h"
#include "selftests/ref/ref.h"

static void *kept[256];
static unsigned int kept_count;

void *case_memory(uint64_t bytes)
{
	void *memory = NULL;

	/* keeps the pages from case to case: faults were most of the time of some tests */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, -1);
	assert_true(kept_count < 256);
	assert_int_equal(posix_memalign(&memory, 64, bytes + 64), 0);
	memset(memory, 0, bytes + 64);
	kept[kept_count++] = memory;
	return memory;
}

int case_free_all(void **state)
{
	(void)state;
	while (kept_count)
		free(kept[--kept_count]);
	return 0;
}

uint64_t case_random(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

float case_float(uint64_t *seed)
{
	return (float)((int64_t)case_random(seed) >> 40) * 0x1p-23f;
}

/* Rounding takes long, so small floats are drawn from some thousands that were rounded once. */
static void fill_small(unsigned int type, uint16_t *memory, uint64_t count, float scale,
		       uint64_t *seed)
{
	static struct {
		float scale;
		uint16_t values[4096];
	} tables[2];
	uint16_t *values = tables[type == MARU_TYPE_BF16].values;
	uint64_t i, other = 1;

	if (tables[type == MARU_TYPE_BF16].scale != scale) {
		tables[type == MARU_TYPE_BF16].scale = scale;
		for (i = 0; i < 4096; i++)
			ref_store(type, &values[i], scale * case_float(&other));
	}
	for (i = 0; i < count; i++)
		memory[i] = values[case_random(seed) % 4096];
}

void case_fill(unsigned int type, void *memory, uint64_t count, float scale, uint64_t *seed)
{
	uint64_t i;

	if (type == MARU_TYPE_F16 || type == MARU_TYPE_BF16)
		fill_small(type, memory, count, scale, seed);
	else if (type == MARU_TYPE_F32)
		for (i = 0; i < count; i++)
			((float *)memory)[i] = scale * case_float(seed);
	else if (type == MARU_TYPE_F64)
		for (i = 0; i < count; i++)
			((double *)memory)[i] = (double)(scale * case_float(seed));
}

void case_init(struct engine_case *c, unsigned int op)
{
	memset(c, 0, sizeof(*c));
	c->header.op = (uint16_t)op;
	c->header.bytes = MARU_LINE_BYTES;
	c->header.tag = 0x7a67;
}

struct maru_operand *case_add(struct engine_case *c, unsigned int role, const void *host,
			      unsigned int type, uint32_t d0, uint32_t d1, uint32_t d2,
			      uint32_t d3)
{
	struct maru_operand *desc = (struct maru_operand *)(c->bytes + c->header.bytes);
	const uint32_t dim[4] = { d0, d1, d2, d3 };
	uint64_t stride = maru_type_bytes(type);
	unsigned int d;

	c->header.roles |= (uint16_t)(1u << role);
	c->header.bytes += MARU_LINE_BYTES;
	desc->va = (uint64_t)(uintptr_t)host;
	desc->type = (uint8_t)type;
	for (d = 0; d < 4; d++) {
		desc->dim[d] = dim[d];
		desc->stride[d] = stride;
		stride *= dim[d] ? dim[d] : 1;
	}
	return desc;
}

void case_prepared(struct maru_operand *desc, unsigned int layout)
{
	desc->layout = (uint8_t)layout;
	memset(desc->stride, 0, sizeof(desc->stride));
}

static struct engine_scratch *thread_scratch(void)
{
	static __thread struct engine_scratch scratch;

	if (!scratch.base) {
		omp_set_num_threads(1);
		scratch.bytes = ENGINE_SCRATCH_BYTES;
		scratch.base = aligned_alloc(4096, scratch.bytes);
		assert_non_null(scratch.base);
		memset(scratch.base, 0xff, scratch.bytes);	/* NaN: never read before written */
	}
	return &scratch;
}

uint32_t case_run(struct engine_case *c)
{
	struct engine_scratch *scratch = thread_scratch();
	uint32_t tile, word = 0;

	memset(&c->error, 0, sizeof(c->error));
	if (engine_begin(&c->op, NULL, c->cls, c->bytes, c->header.bytes))
		return c->op.error.word;
	for (tile = 0; tile < c->op.tiles && !word; tile++)
		if (engine_tile(&c->op, tile, scratch, &c->error))
			word = c->error.word;
	engine_end(&c->op);
	return word;
}

struct shuffled {
	struct engine_case *c;
	uint32_t *order;
	uint32_t next;
	uint32_t word;
};

static void *shuffled_thread(void *argument)
{
	struct shuffled *run = argument;
	struct engine_scratch *scratch = thread_scratch();
	struct engine_error error;
	uint32_t i;

	while ((i = __atomic_fetch_add(&run->next, 1, __ATOMIC_RELAXED)) < run->c->op.tiles)
		if (engine_tile(&run->c->op, run->order[i], scratch, &error))
			run->word = error.word;
	free(scratch->base);
	scratch->base = NULL;
	return NULL;
}

uint32_t case_run_shuffled(struct engine_case *c, unsigned int threads, uint64_t seed)
{
	struct shuffled run = { .c = c };
	pthread_t ids[8];
	uint32_t i;

	if (engine_begin(&c->op, NULL, c->cls, c->bytes, c->header.bytes))
		return c->op.error.word;
	run.order = calloc(c->op.tiles + 1, sizeof(*run.order));
	assert_non_null(run.order);
	for (i = 0; i < c->op.tiles; i++) {
		uint32_t j = (uint32_t)(case_random(&seed) % (i + 1));

		run.order[i] = run.order[j];
		run.order[j] = i;
	}
	for (i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, shuffled_thread, &run), 0);
	for (i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	free(run.order);
	engine_end(&c->op);
	return run.word;
}

void case_refused_(struct engine_case *c, uint32_t word, const char *file, int line)
{
	int err = engine_begin(&c->op, NULL, c->cls, c->bytes, c->header.bytes);

	if (!err)
		engine_end(&c->op);
	if (!err || c->op.error.word != word || c->op.error.tag != c->header.tag) {
		print_error("expected error %#x, got %d, %#x value %#llx\n", word, err,
			    c->op.error.word, (unsigned long long)c->op.error.value);
		_fail(file, line);
	}
}
