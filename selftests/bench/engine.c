// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engines alone, without card and driver: MATMUL packets over prepared weights on pinned
 * threads, against oneDNN with weights it packed itself, same threads, in turns.
 * engine [threads [level]]: name, ours, native, ratio of the medians in G(FL)OP/s. A level below
 * that of the machine holds the library back too, on both sides.
 */
#include <dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/engine/engine.h"
#include "selftests/bench/limits.h"

#define ROUNDS	15

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static unsigned int threads = 1;

static double now(void)
{
	struct timespec t;

	/* One thread: its CPU time, which other load disturbs less. */
	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The card's side: threads that claim tiles from a counter, and sleep during oneDNN's turn. */
static struct {
	struct engine_op op;
	uint32_t next;
	sem_t start;
	uint32_t done;
} pool;

static void claim(struct engine_scratch *scratch)
{
	struct engine_error error;
	uint32_t tile;

	while ((tile = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED)) < pool.op.tiles)
		engine_tile(&pool.op, tile, scratch, &error);
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static struct engine_scratch scratch_make(void)
{
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };

	scratch.base = aligned_alloc(4096, scratch.bytes);
	if (!scratch.base)
		exit(1);
	memset(scratch.base, 0, scratch.bytes);
	return scratch;
}

static void *worker(void *argument)
{
	struct engine_scratch scratch = scratch_make();

	pin((unsigned int)(uintptr_t)argument);
	for (;;) {
		sem_wait(&pool.start);
		claim(&scratch);
		__atomic_fetch_add(&pool.done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static double run_ours(const void *packet, uint32_t bytes, struct engine_scratch *scratch)
{
	double start;
	unsigned int i;

	usleep(TURN_US);
	start = now();
	if (engine_begin(&pool.op, NULL, 0, packet, bytes)) {
		printf("# refused: %#x\n", pool.op.error.word);
		exit(1);
	}
	pool.next = 0;
	pool.done = 0;
	for (i = 1; i < threads; i++)
		sem_post(&pool.start);
	claim(scratch);
	while (__atomic_load_n(&pool.done, __ATOMIC_ACQUIRE) < threads - 1)
		__builtin_ia32_pause();
	engine_end(&pool.op);
	return now() - start;
}

struct native {
	dnnl_primitive_t primitive;
	dnnl_exec_arg_t arguments[4];
};

static void check(dnnl_status_t status)
{
	if (status != dnnl_success) {
		printf("# oneDNN: %d\n", status);
		exit(1);
	}
}

static dnnl_memory_t memory(const_dnnl_memory_desc_t desc)
{
	dnnl_memory_t result;
	void *host;

	check(dnnl_memory_create(&result, desc, engine, DNNL_MEMORY_ALLOCATE));
	dnnl_memory_get_data_handle(result, &host);
	if (host)
		memset(host, 0, dnnl_memory_desc_get_size(desc));
	return result;
}

static struct native native_make(uint32_t m, uint32_t n, uint32_t k, dnnl_data_type_t b,
				 dnnl_data_type_t a, dnnl_data_type_t out)
{
	const dnnl_dims_t b_dims = { m, k }, a_dims = { k, n }, out_dims = { m, n };
	dnnl_memory_desc_t descs[3];
	dnnl_primitive_desc_t desc;
	dnnl_primitive_attr_t attr;
	struct native native;

	check(dnnl_memory_desc_create_with_tag(&descs[0], 2, b_dims, b, dnnl_ab));
	check(dnnl_memory_desc_create_with_tag(&descs[1], 2, a_dims, a, dnnl_format_tag_any));
	check(dnnl_memory_desc_create_with_tag(&descs[2], 2, out_dims, out, dnnl_ab));
	check(dnnl_primitive_attr_create(&attr));
	check(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
	if (b == dnnl_f32 && a != dnnl_f32)
		check(dnnl_primitive_attr_set_fpmath_mode_v2(attr, dnnl_fpmath_mode_strict, 1));
	check(dnnl_matmul_primitive_desc_create(&desc, engine, descs[0], descs[1], NULL, descs[2],
						attr));
	check(dnnl_primitive_create(&native.primitive, desc));
	native.arguments[0] = (dnnl_exec_arg_t) { DNNL_ARG_SRC, memory(descs[0]) };
	native.arguments[1] = (dnnl_exec_arg_t) { DNNL_ARG_WEIGHTS,
		memory(dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0)) };
	native.arguments[2] = (dnnl_exec_arg_t) { DNNL_ARG_DST, memory(descs[2]) };
	native.arguments[3] = (dnnl_exec_arg_t) { DNNL_ARG_SCRATCHPAD,
		memory(dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0)) };
	dnnl_primitive_desc_destroy(desc);
	dnnl_primitive_attr_destroy(attr);
	return native;
}

static double run_native(struct native *native)
{
	double start;

	usleep(TURN_US);
	omp_set_num_threads((int)threads);	/* the engine wants one */
	start = now();
	check(dnnl_primitive_execute(native->primitive, stream, 4, native->arguments));
	return now() - start;
}

static void *zeroed(uint64_t bytes)
{
	void *host = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!host)
		exit(1);
	memset(host, 0, (bytes + 4095) / 4096 * 4096);
	return host;
}

static void operand(struct maru_operand *desc, unsigned int type, unsigned int layout, uint32_t d0,
		    uint32_t d1)
{
	const uint32_t dim[4] = { d0, d1, 1, 1 };
	uint64_t stride = maru_type_bytes(type);
	unsigned int d;

	memset(desc, 0, sizeof(*desc));
	desc->type = (uint8_t)type;
	desc->layout = (uint8_t)layout;
	for (d = 0; d < 4; d++) {
		desc->dim[d] = dim[d];
		desc->stride[d] = layout ? 0 : stride;
		stride *= dim[d];
	}
	desc->va = (uint64_t)(uintptr_t)zeroed(layout ? maru_layout_bytes(layout, type, dim) :
					       stride);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct kind {
	const char *name;
	unsigned int a, b, out, layout;
	dnnl_data_type_t native_a, native_b, native_out;
};

static void bench(const struct kind *kind, uint32_t m, uint32_t n, uint32_t k,
		  struct engine_scratch *scratch)
{
	struct {
		struct maru_packet header;
		struct maru_operand line[3];
	} packet = { .header = { .op = MARU_OP_MATMUL, .bytes = 256, .roles = 7,
				 .matmul = { .b_as = MARU_TYPE_NONE, .scale = 0x3f800000 } } };
	double ours[ROUNDS], theirs[ROUNDS], work = 2e-9 * m * n * k;
	/* Without its instruction the library has no product of BF16 on both sides. */
	dnnl_data_type_t b = kind->native_b == dnnl_bf16 && engine_profile(NULL) < 3 ? dnnl_f32 :
			     kind->native_b;
	struct native native = native_make(m, n, k, b, kind->native_a, kind->native_out);
	unsigned int i;

	operand(&packet.line[0], kind->out, 0, n, m);
	operand(&packet.line[1], kind->a, kind->layout, k, n);
	operand(&packet.line[2], kind->b, 0, k, m);
	run_ours(&packet, 256, scratch);
	run_native(&native);
	for (i = 0; i < ROUNDS; i++) {
		ours[i] = run_ours(&packet, 256, scratch);
		theirs[i] = run_native(&native);
	}
	qsort(ours, ROUNDS, sizeof(double), ascending);
	qsort(theirs, ROUNDS, sizeof(double), ascending);
	printf("%-10s %5u %5u %5u  %8.1f %8.1f  %.3f  best %.3f\n", kind->name, m, n, k,
	       work / ours[ROUNDS / 2], work / theirs[ROUNDS / 2],
	       theirs[ROUNDS / 2] / ours[ROUNDS / 2], theirs[0] / ours[0]);
	for (i = 0; i < 3; i++)
		free((void *)(uintptr_t)packet.line[i].va);
	for (i = 0; i < 4; i++)
		dnnl_memory_destroy(native.arguments[i].memory);
	dnnl_primitive_destroy(native.primitive);
}

static void print_limits(void)
{
	static const char *const names[] = { "f32", "bf16", "i8 exact", "i8 saturating" };
	const size_t bytes = 128u << 20;
	void *memory = zeroed(bytes);
	const char *instruction;
	unsigned int i;
	double peak;

	for (i = 0; i < 4; i++) {
		peak = fma_peak((enum fma_kind)i, 0.2, &instruction);
		printf("# peak of a thread, %s: %.1f G(FL)OP/s, %s\n", names[i], peak * 1e-9,
		       instruction);
	}
	printf("# read loop of a thread: %.1f GB/s\n", readloop_best(memory, bytes, 0.3) * 1e-9);
	free(memory);
}

int main(int argc, char **argv)
{
	static const struct kind kinds[] = {
		{ "f32", MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_F32, MARU_LAYOUT_K16N64,
		  dnnl_f32, dnnl_f32, dnnl_f32 },
		{ "f32xbf16", MARU_TYPE_BF16, MARU_TYPE_F32, MARU_TYPE_F32, MARU_LAYOUT_K16N64,
		  dnnl_bf16, dnnl_f32, dnnl_f32 },
		{ "f32xf16", MARU_TYPE_F16, MARU_TYPE_F32, MARU_TYPE_F32, MARU_LAYOUT_K16N64,
		  dnnl_f16, dnnl_f32, dnnl_f32 },
		{ "bf16", MARU_TYPE_BF16, MARU_TYPE_BF16, MARU_TYPE_F32, MARU_LAYOUT_K16N64K2,
		  dnnl_bf16, dnnl_bf16, dnnl_f32 },
		{ "i8/u8s8", MARU_TYPE_I8, MARU_TYPE_I8, MARU_TYPE_I32, MARU_LAYOUT_K16N64K4,
		  dnnl_s8, dnnl_u8, dnnl_s32 },
		{ "f32 plain", MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_F32, 0,
		  dnnl_f32, dnnl_f32, dnnl_f32 },
		{ "bf16 plain", MARU_TYPE_BF16, MARU_TYPE_BF16, MARU_TYPE_F32, 0,
		  dnnl_bf16, dnnl_bf16, dnnl_f32 },
		{ "i8 plain", MARU_TYPE_I8, MARU_TYPE_I8, MARU_TYPE_I32, 0,
		  dnnl_s8, dnnl_u8, dnnl_s32 },
	};
	static const uint32_t sizes[][3] = {
		{ 512, 512, 512 }, { 1024, 1024, 1024 }, { 2048, 2048, 2048 },
		{ 1, 4096, 4096 }, { 16, 4096, 4096 },
	};
	struct engine_scratch scratch = scratch_make();
	const char *version;
	pthread_t ids[64];
	unsigned int i, j;

	setbuf(stdout, NULL);
	threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	if (threads < 1 || threads > 64)
		return 2;
	omp_set_num_threads((int)threads);
	if (engine_init(argc > 2 ? (uint32_t)atoi(argv[2]) : ~0u))
		return 1;
	check(dnnl_engine_create(&engine, dnnl_cpu, 0));
	check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
	printf("# level %u, %u threads", engine_profile(&version), threads);
	printf(", %s\n# name           m     n     k      ours   native ratio\n", version);
	print_limits();
	sem_init(&pool.start, 0, 0);
	for (i = 1; i < threads; i++)
		pthread_create(&ids[i], NULL, worker, (void *)(uintptr_t)i);
	/* Both sides alike; threads that are made later would take this over. */
#pragma omp parallel
	pin((unsigned int)omp_get_thread_num());
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			bench(&kinds[i], sizes[j][0], sizes[j][1], sizes[j][2], &scratch);
	return 0;
}
