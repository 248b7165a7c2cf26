// SPDX-License-Identifier: GPL-2.0-only
/*
 * The baseline of the benches: the same maths library called natively, with weights packed
 * before and as many threads as the card's engines have, plus memcpy. Reads a case a line
 * from stdin, answers the seconds of one repetition on stdout, so that a driver script can
 * interleave it with the card:
 *
 *	matmul TYPE M N K REPS		TYPE: f32 bf16 f16 i8
 *	memcpy BYTES REPS
 *	attention N HEADS D REPS	composed of products: composed.h
 *	read BYTES REPS			the best of one, four, eight streams a thread
 *	wake REPS			there and back between two threads that sleep
 */
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <oneapi/dnnl/dnnl.h>

#include "selftests/bench/composed.h"

#include "selftests/bench/limits.h"

#define LOOP_TRIALS 5
#define DNNL(call) check((call), #call)

struct matmul {
	dnnl_primitive_t primitive;
	dnnl_memory_t a, weights, c;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t status, const char *what)
{
	if (status == dnnl_success)
		return;
	fprintf(stderr, "native: %s: dnnl status %d\n", what, status);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static dnnl_memory_t tensor(dnnl_memory_desc_t desc)
{
	size_t bytes = dnnl_memory_desc_get_size(desc);
	uint8_t *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
	dnnl_memory_t memory;

	/* Small finite values in every type; speed must not depend on denormals. */
	for (size_t i = 0; i < bytes; i++)
		data[i] = (i & 1) ? 0x3c : (uint8_t)(i * 37);
	DNNL(dnnl_memory_create(&memory, desc, engine, data));
	return memory;
}

static void drop(dnnl_memory_t memory)
{
	void *data;

	DNNL(dnnl_memory_get_data_handle(memory, &data));
	free(data);
	dnnl_memory_destroy(memory);
}

/* Picks the fastest form that the machine has: bf16 × bf16 needs AVX-512, else f32 × bf16. */
static int create(struct matmul *mm, dnnl_data_type_t src, dnnl_data_type_t weights,
		  dnnl_data_type_t dst, const int64_t *mnk)
{
	dnnl_dims_t ad = { mnk[0], mnk[2] }, bd = { mnk[2], mnk[1] }, cd = { mnk[0], mnk[1] };
	dnnl_memory_desc_t a, b, c;
	dnnl_primitive_attr_t attr;
	dnnl_primitive_desc_t pd;
	int made;

	DNNL(dnnl_memory_desc_create_with_tag(&a, 2, ad, src, dnnl_ab));
	DNNL(dnnl_memory_desc_create_with_tag(&b, 2, bd, weights, dnnl_format_tag_any));
	DNNL(dnnl_memory_desc_create_with_tag(&c, 2, cd, dst, dnnl_ab));
	DNNL(dnnl_primitive_attr_create(&attr));
	if (src == dnnl_f32 && weights != dnnl_f32)
		DNNL(dnnl_primitive_attr_set_fpmath_mode_v2(attr, dnnl_fpmath_mode_strict, 1));
	made = dnnl_matmul_primitive_desc_create(&pd, engine, a, b, NULL, c, attr) == dnnl_success;
	if (made) {
		const_dnnl_memory_desc_t packed = dnnl_primitive_desc_query_md(pd,
							dnnl_query_weights_md, 0);
		dnnl_memory_desc_t copy;

		DNNL(dnnl_memory_desc_clone(&copy, packed));
		mm->a = tensor(a);
		mm->weights = tensor(copy);
		mm->c = tensor(c);
		DNNL(dnnl_primitive_create(&mm->primitive, pd));
		dnnl_memory_desc_destroy(copy);
		dnnl_primitive_desc_destroy(pd);
	}
	dnnl_primitive_attr_destroy(attr);
	dnnl_memory_desc_destroy(a);
	dnnl_memory_desc_destroy(b);
	dnnl_memory_desc_destroy(c);
	return made;
}

static int open_matmul(struct matmul *mm, const char *type, const int64_t *mnk)
{
	static const struct {
		const char *name;
		dnnl_data_type_t src, weights, dst;
	} forms[] = {
		{ "f32", dnnl_f32, dnnl_f32, dnnl_f32 },
		{ "bf16", dnnl_bf16, dnnl_bf16, dnnl_f32 },
		{ "bf16", dnnl_f32, dnnl_bf16, dnnl_f32 },
		{ "f16", dnnl_f32, dnnl_f16, dnnl_f32 },
		{ "i8", dnnl_u8, dnnl_s8, dnnl_s32 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(forms[i].name, type) &&
		    create(mm, forms[i].src, forms[i].weights, forms[i].dst, mnk))
			return 1;
	return 0;
}

static double run_matmul(const char *type, const int64_t *mnk, int reps)
{
	struct matmul mm;
	dnnl_exec_arg_t args[3];
	double start, took;

	if (!open_matmul(&mm, type, mnk))
		return NAN;
	args[0] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, mm.a };
	args[1] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, mm.weights };
	args[2] = (dnnl_exec_arg_t){ DNNL_ARG_DST, mm.c };
	DNNL(dnnl_primitive_execute(mm.primitive, stream, 3, args));
	start = now();
	for (int i = 0; i < reps; i++)
		DNNL(dnnl_primitive_execute(mm.primitive, stream, 3, args));
	DNNL(dnnl_stream_wait(stream));
	took = (now() - start) / reps;
	dnnl_primitive_destroy(mm.primitive);
	drop(mm.a);
	drop(mm.weights);
	drop(mm.c);
	return took;
}

/* All threads copy a slice each: what the card's copy engine has to reach. */
static double run_memcpy(size_t bytes, int reps)
{
	uint8_t *from = aligned_alloc(4096, bytes), *to = aligned_alloc(4096, bytes);
	double start = 0;

	memset(from, 1, bytes);
	memset(to, 2, bytes);
	for (int i = -1; i < reps; i++) {
		if (i == 0)
			start = now();
#pragma omp parallel
		{
			size_t part = bytes / omp_get_num_threads();
			size_t at = part * omp_get_thread_num();

			memcpy(to + at, from + at, part);
		}
	}
	start = (now() - start) / reps;
	free(from);
	free(to);
	return start;
}

/* Seconds of a pass over @bytes by all threads. */
static double read_passes(unsigned int loop, const uint8_t *memory, size_t bytes, int passes)
{
	size_t part = bytes / omp_get_max_threads() / 64 * 64;
	double start = now();

	for (int i = 0; i < passes; i++) {
#pragma omp parallel
		readloop_run(loop, memory + part * omp_get_thread_num(), part);
	}
	return (now() - start) / passes;
}

static unsigned int best_loop(const uint8_t *memory, size_t bytes)
{
	double took, best = INFINITY;
	unsigned int loop = 0;

	for (unsigned int i = 0; i < LOOP_TRIALS * READLOOPS; i++) {
		took = read_passes(i % READLOOPS, memory, bytes, 1);
		if (took < best) {
			best = took;
			loop = i % READLOOPS;
		}
	}
	return loop;
}

/*
 * What a kernel that reads each weight once can reach at most. A large last cache may hold more of
 * the memory with each pass, so it is kept between turns and two passes are not timed, as on the
 * card's side.
 */
static double run_read(size_t bytes, int reps)
{
	static unsigned int loop;
	static uint8_t *memory;
	static size_t size;

	if (size != bytes) {
		free(memory);
		memory = aligned_alloc(4096, bytes);
		memset(memory, 1, bytes);
		size = bytes;
		loop = best_loop(memory, bytes);
	}
	read_passes(loop, memory, bytes, 2);
	return read_passes(loop, memory, bytes, reps);
}

static double run_attention(const int64_t *shape, int reps)
{
	struct composed *composed = composed_create((uint32_t)shape[0], (uint32_t)shape[1],
						    (uint32_t)shape[2]);
	double start;

	composed_run(composed);
	start = now();
	for (int i = 0; i < reps; i++)
		composed_run(composed);
	start = (now() - start) / reps;
	composed_destroy(composed);
	return start;
}

static int eventfds[2];	/* there and back */

static void pass_on(int from, int to)
{
	uint64_t one;

	if (read(from, &one, sizeof(one)) < 0 || write(to, &one, sizeof(one)) < 0)
		abort();
}

static void *answer(void *reps)
{
	for (int i = 0; i < *(int *)reps; i++)
		pass_on(eventfds[0], eventfds[1]);
	return NULL;
}

static double run_wake(int reps)
{
	pthread_t thread;
	double start;

	eventfds[0] = eventfd(1, EFD_CLOEXEC);
	eventfds[1] = eventfd(0, EFD_CLOEXEC);
	start = now();
	if (pthread_create(&thread, NULL, answer, &reps))
		return NAN;
	for (int i = 1; i < reps; i++)
		pass_on(eventfds[1], eventfds[0]);
	pthread_join(thread, NULL);
	start = (now() - start) / reps;
	close(eventfds[0]);
	close(eventfds[1]);
	return start;
}

int main(void)
{
	char line[200], type[16];
	int64_t mnk[3];
	size_t bytes;
	int reps;

	DNNL(dnnl_engine_create(&engine, dnnl_cpu, 0));
	DNNL(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "matmul %15s %ld %ld %ld %d", type, &mnk[0], &mnk[1], &mnk[2],
			   &reps) == 5)
			printf("%.9g\n", run_matmul(type, mnk, reps));
		else if (sscanf(line, "memcpy %zu %d", &bytes, &reps) == 2)
			printf("%.9g\n", run_memcpy(bytes, reps));
		else if (sscanf(line, "read %zu %d", &bytes, &reps) == 2)
			printf("%.9g\n", run_read(bytes, reps));
		else if (sscanf(line, "attention %ld %ld %ld %d", &mnk[0], &mnk[1], &mnk[2],
				&reps) == 4)
			printf("%.9g\n", run_attention(mnk, reps));
		else if (sscanf(line, "wake %d", &reps) == 1)
			printf("%.9g\n", run_wake(reps));
		else
			printf("nan\n");
		fflush(stdout);
	}
	return 0;
}
