// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <time.h>

#include "selftests/bench/limits.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define ROUNDS	100000u

/* Twelve chains, so that the latency of an instruction hides behind the others. */
#define TWELVE(X, r) \
	X(r, 0) X(r, 1) X(r, 2) X(r, 3) X(r, 4) X(r, 5) X(r, 6) X(r, 7) X(r, 8) X(r, 9) X(r, 10) \
	X(r, 11)
#define CLEAR(r, i)	"vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define LOOP(name, r, one) \
	static void name(void) \
	{ \
		unsigned int count = ROUNDS; \
		__asm__ volatile(TWELVE(CLEAR, r) CLEAR(r, 12) CLEAR(r, 13) \
				 "1:\n\t" TWELVE(one, r) "dec %0\n\tjnz 1b\n\t" \
				 : "+r"(count) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", \
				   "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
				   "xmm12", "xmm13", "xmm14", "xmm15"); \
	}
#define ONE_FMA(r, i)	"vfmadd231ps %%" r "12, %%" r "13, %%" r #i "\n\t"
#define ONE_BF16(r, i)	"vdpbf16ps %%" r "12, %%" r "13, %%" r #i "\n\t"
#define ONE_VNNI(r, i)	"vpdpbusd %%" r "12, %%" r "13, %%" r #i "\n\t"
#define ONE_MADD(r, i) \
	"vpmaddwd %%" r "12, %%" r "13, %%" r "14\n\tvpaddd %%" r "14, %%" r #i ", %%" r #i "\n\t"
#define ONE_UBSW(r, i) \
	"vpmaddubsw %%" r "12, %%" r "13, %%" r "14\n\t" \
	"vpmaddwd %%" r "12, %%" r "14, %%" r "14\n\t" \
	"vpaddd %%" r "14, %%" r #i ", %%" r #i "\n\t"

LOOP(fma_256, "ymm", ONE_FMA)
LOOP(fma_512, "zmm", ONE_FMA)
LOOP(bf16_512, "zmm", ONE_BF16)
LOOP(vnni_512, "zmm", ONE_VNNI)
LOOP(madd_256, "ymm", ONE_MADD)
LOOP(ubsw_256, "ymm", ONE_UBSW)

struct loop {
	const char *name;
	void (*run)(void);
	unsigned int operations;	/* of one instruction */
};

static struct loop choose(enum fma_kind kind)
{
	int is_wide = __builtin_cpu_supports("avx512f");

	if (kind == FMA_BF16 && __builtin_cpu_supports("avx512bf16"))
		return (struct loop) { "vdpbf16ps zmm", bf16_512, 64 };
	if (kind == FMA_I8 && __builtin_cpu_supports("avx512vnni"))
		return (struct loop) { "vpdpbusd zmm", vnni_512, 128 };
	if (kind == FMA_I8)
		return (struct loop) { "vpmaddwd ymm", madd_256, 32 };
	if (kind == FMA_I8_SATURATING)
		return (struct loop) { "vpmaddubsw ymm", ubsw_256, 64 };
	if (is_wide)
		return (struct loop) { "vfmadd231ps zmm", fma_512, 32 };
	return (struct loop) { "vfmadd231ps ymm", fma_256, 16 };
}

double fma_peak(enum fma_kind kind, double seconds, const char **name)
{
	struct loop loop = choose(kind);
	double until = now() + seconds, best = 0, start, end;

	*name = loop.name;
	do {
		start = now();
		loop.run();
		end = now();
		if (12.0 * ROUNDS * loop.operations / (end - start) > best)
			best = 12.0 * ROUNDS * loop.operations / (end - start);
	} while (end < until);
	return best;
}
