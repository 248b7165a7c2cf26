/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine can do at most: the lines that benches divide by. */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include <stddef.h>

/* Between turns: the threads of OpenMP spin for more than 5 ms after their part. */
#define TURN_US		20000

/** readloop_run() - Read @bytes once with one, four, eight streams: @loop < READLOOPS. */
void readloop_run(unsigned int loop, const void *memory, size_t bytes);

#define READLOOPS	3

/**
 * readloop_best() - Bytes a second that reading @bytes reaches, on the calling thread.
 * @memory: 64-byte aligned, touched before; ≥ 100 MB, or it measures a cache.
 * @seconds: how long to try each way.
 *
 * The best of one, four and eight streams: prefetchers need several, so one alone would
 * flatter what is compared with it.
 */
double readloop_best(const void *memory, size_t bytes, double seconds);

enum fma_kind {
	FMA_F32,	/* vfmadd231ps */
	FMA_BF16,	/* vdpbf16ps; F32 where the machine has none */
	FMA_I8,		/* vpdpbusd; vpmaddwd on 16 bits where the machine has none: exact */
	FMA_I8_SATURATING,	/* vpmaddubsw, vpmaddwd: wrong for large values */
};

/**
 * fma_peak() - Multiplications and additions a second from registers, on the calling thread.
 * @name: filled with the instruction that it took.
 */
double fma_peak(enum fma_kind kind, double seconds, const char **name);

#endif
