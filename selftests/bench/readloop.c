// SPDX-License-Identifier: GPL-2.0-only
#include <immintrin.h>
#include <stdint.h>
#include <time.h>

#include "selftests/bench/limits.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* @streams places in the buffer, two lines of each in turn. */
#define READ_STREAMS(name, streams) \
	static __attribute__((target("avx2"))) void name(const uint8_t *memory, size_t bytes) \
	{ \
		size_t part = bytes / (streams) / 128 * 128, i; \
		__m256i sum = _mm256_setzero_si256(); \
		for (i = 0; i < part; i += 128) \
			for (unsigned int s = 0; s < (streams); s++) { \
				const __m256i *line = (const void *)(memory + s * part + i); \
				for (unsigned int v = 0; v < 4; v++) \
					sum = _mm256_or_si256(sum, _mm256_load_si256(line + v)); \
			} \
		__asm__ volatile("" : : "x"(sum)); \
	}
READ_STREAMS(read_1, 1)
READ_STREAMS(read_4, 4)
READ_STREAMS(read_8, 8)

void readloop_run(unsigned int loop, const void *memory, size_t bytes)
{
	static void (*const loops[READLOOPS])(const uint8_t *, size_t) = { read_1, read_4, read_8 };

	loops[loop](memory, bytes);
}

double readloop_best(const void *memory, size_t bytes, double seconds)
{
	double best = 0, start, end;
	unsigned int i;

	for (i = 0; i < READLOOPS; i++) {
		double until = now() + seconds;

		do {
			start = now();
			readloop_run(i, memory, bytes);
			end = now();
			if ((double)bytes / (end - start) > best)
				best = (double)bytes / (end - start);
		} while (end < until);
	}
	return best;
}
