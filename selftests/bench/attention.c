// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTENTION of the engines alone, without card and driver: prompts against products of the
 * library composed (composed.h), one token against the read loop over keys and values. Same
 * threads, in turns. attention [threads [pd [level]]], p: prompts, d: one token: name, ours,
 * theirs, ratio of the medians; of prompts in useful GFLOP/s, with the share of the peak of FMA.
 */
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/engine/engine.h"
#include "selftests/bench/composed.h"
#include "selftests/bench/limits.h"

#define ROUNDS	9

static unsigned int threads = 1;
static double peak;

static double now(void)
{
	struct timespec t;

	/* One thread: its CPU time, which other load disturbs less. */
	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct {
	struct engine_op op;
	uint32_t next, done;
	sem_t start;
} pool;

static void claim(struct engine_scratch *scratch)
{
	struct engine_error error;
	uint32_t tile;

	while ((tile = __atomic_fetch_add(&pool.next, 1, __ATOMIC_RELAXED)) < pool.op.tiles)
		engine_tile(&pool.op, tile, scratch, &error);
}

static void *touched(uint64_t bytes)
{
	void *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!memory)
		exit(1);
	memset(memory, 0, (bytes + 4095) / 4096 * 4096);
	return memory;
}

static struct engine_scratch scratch_make(void)
{
	return (struct engine_scratch) { .base = touched(ENGINE_SCRATCH_BYTES),
					 .bytes = ENGINE_SCRATCH_BYTES };
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
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

struct packet {
	struct maru_packet header;
	struct maru_operand line[4];
};

static void operand(struct maru_operand *desc, unsigned int type, const uint32_t dim[4])
{
	uint64_t stride = maru_type_bytes(type), i, size = stride;
	uint8_t *memory;

	memset(desc, 0, sizeof(*desc));
	desc->type = (uint8_t)type;
	for (i = 0; i < 4; i++) {
		desc->dim[i] = dim[i];
		desc->stride[i] = stride;
		stride *= dim[i];
	}
	memory = touched(stride);
	for (i = 0; i < stride; i += size)	/* small numbers of either sign in all types */
		memory[i + size - 1] = (uint8_t)(0x3c + (i * 2654435761u >> 31 & 0x80));
	desc->va = (uint64_t)(uintptr_t)memory;
}

static struct packet packet_make(const uint32_t q[4], const uint32_t k[4], unsigned int type,
				 uint32_t flags)
{
	const uint32_t dst[4] = { q[0], q[2], q[1], q[3] };
	struct packet packet = { .header = {
		.op = MARU_OP_ATTENTION, .bytes = sizeof(packet), .roles = 15,
		.attention = { .scale = 0x3e000000, .flags = flags, .left = MARU_ATTENTION_OPEN,
			       .right = MARU_ATTENTION_OPEN } } };

	operand(&packet.line[0], MARU_TYPE_F32, dst);
	operand(&packet.line[1], MARU_TYPE_F32, q);
	operand(&packet.line[2], type, k);
	operand(&packet.line[3], type, k);
	return packet;
}

static void packet_free(struct packet *packet)
{
	for (unsigned int i = 0; i < 4; i++)
		free((void *)(uintptr_t)packet->line[i].va);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *name, const double *ours, const double *theirs, double work)
{
	double a[ROUNDS], b[ROUNDS], ratio[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		a[i] = ours[i];
		b[i] = theirs[i];
		ratio[i] = theirs[i] / ours[i];
	}
	qsort(a, ROUNDS, sizeof(double), ascending);
	qsort(b, ROUNDS, sizeof(double), ascending);
	qsort(ratio, ROUNDS, sizeof(double), ascending);
	printf("%-28s %8.1f %8.1f  %.3f  best %.3f", name, work / a[ROUNDS / 2] * 1e-9,
	       work / b[ROUNDS / 2] * 1e-9, ratio[ROUNDS / 2], b[0] / a[0]);
}

static void prefill(uint32_t n, uint32_t d, unsigned int type, const char *kind,
		    struct engine_scratch *scratch)
{
	const uint32_t heads = 4, dim[4] = { d, n, heads, 1 };
	struct packet packet = packet_make(dim, dim, type, MARU_ATTENTION_CAUSAL);
	struct composed *composed = composed_create(n, heads, d);
	double ours[ROUNDS], theirs[ROUNDS], work = 2.0 * n * n * heads * d;
	char name[64];

	run_ours(&packet, sizeof(packet), scratch);
	composed_run(composed);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		double start;

		ours[i] = run_ours(&packet, sizeof(packet), scratch);
		usleep(TURN_US);
		start = now();
		composed_run(composed);
		theirs[i] = now() - start;
	}
	snprintf(name, sizeof(name), "attention-prefill-%uk-%u-%s", n / 1024, d, kind);
	print(name, ours, theirs, work);
	qsort(ours, ROUNDS, sizeof(double), ascending);
	printf("  peak %.2f  off %.1g\n", work / ours[ROUNDS / 2] / peak,
	       composed_check(composed));
	composed_destroy(composed);
	packet_free(&packet);
}

static double read_all(const struct packet *packet, uint64_t bytes)
{
	double took = 0;

#pragma omp parallel reduction(max : took)
	{
		uint64_t part = bytes / (unsigned int)omp_get_num_threads() / 4096 * 4096;
		uint64_t at = part * (unsigned int)omp_get_thread_num();
		double best = 0;

		for (unsigned int i = 2; i < 4; i++)
			best += (double)part / readloop_best((const uint8_t *)(uintptr_t)
							     packet->line[i].va + at, part, 0.0);
		took = best;
	}
	return took;
}

static void decode(uint32_t seqs, uint32_t d, unsigned int type, const char *kind,
		   struct engine_scratch *scratch)
{
	const uint32_t q[4] = { d, 1, 32, seqs }, k[4] = { d, 4096, 8, seqs };
	struct packet packet = packet_make(q, k, type, 0);
	uint64_t bytes = (uint64_t)d * 4096 * 8 * seqs * maru_type_bytes(type);
	double ours[ROUNDS], theirs[ROUNDS];
	char name[64];

	run_ours(&packet, sizeof(packet), scratch);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		ours[i] = run_ours(&packet, sizeof(packet), scratch);
		usleep(TURN_US);
		theirs[i] = read_all(&packet, bytes);
	}
	snprintf(name, sizeof(name), "attention-decode-4k-%u-%s", d, kind);
	print(name, ours, theirs, 2.0 * (double)bytes);
	printf("  GB/s of %u MB\n", (unsigned int)(2 * bytes >> 20));
	packet_free(&packet);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned int type;
	} kinds[] = { { "f32", MARU_TYPE_F32 }, { "f16", MARU_TYPE_F16 },
		      { "bf16", MARU_TYPE_BF16 } };
	struct engine_scratch scratch = scratch_make();
	const char *instruction, *what = argc > 2 ? argv[2] : "pd";
	pthread_t id;
	unsigned int i;

	setbuf(stdout, NULL);
	threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	if (threads < 1 || threads > 64 || engine_init(argc > 3 ? (uint32_t)atoi(argv[3]) : ~0u))
		return 2;
	omp_set_num_threads((int)threads);
	peak = threads * fma_peak(FMA_F32, 0.3, &instruction);
	printf("# %u threads, peak %.1f GFLOP/s\n", threads, peak * 1e-9);
	sem_init(&pool.start, 0, 0);
	for (i = 1; i < threads; i++)
		pthread_create(&id, NULL, worker, (void *)(uintptr_t)i);
	/* Both sides alike; threads that are made later would take this over. */
#pragma omp parallel
	pin((unsigned int)omp_get_thread_num());
	for (i = 0; i < 3 && strchr(what, 'p'); i++) {
		prefill(2048, 64, kinds[i].type, kinds[i].name, &scratch);
		prefill(2048, 128, kinds[i].type, kinds[i].name, &scratch);
		prefill(4096, 64, kinds[i].type, kinds[i].name, &scratch);
		prefill(4096, 128, kinds[i].type, kinds[i].name, &scratch);
	}
	for (i = 0; i < 3 && strchr(what, 'd'); i++) {
		decode(i ? 16 : 8, 64, kinds[i].type, kinds[i].name, &scratch);
		decode(i ? 8 : 4, 128, kinds[i].type, kinds[i].name, &scratch);
	}
	return 0;
}
