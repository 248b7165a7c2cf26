// SPDX-License-Identifier: GPL-2.0-only
/* Prints what all threads of the machine reach together: the read loop and the FMA loops. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/bench/limits.h"

#define SECONDS 0.5
#define BYTES (256u << 20)

int main(void)
{
	static const struct {
		const char *name;
		enum fma_kind kind;
	} loops[] = { { "f32", FMA_F32 }, { "bf16", FMA_BF16 }, { "i8", FMA_I8 },
		    { "i8-saturating", FMA_I8_SATURATING } };
	double total = 0;

#pragma omp parallel reduction(+ : total)
	{
		char *memory = aligned_alloc(64, BYTES);

		memset(memory, 1, BYTES);
#pragma omp barrier
		total += readloop_best(memory, BYTES, SECONDS);
		free(memory);
	}
	printf("read-loop %.1f GB/s\n", total / 1e9);
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		const char *name = "";

		total = 0;
#pragma omp parallel reduction(+ : total)
		total += fma_peak(loops[i].kind, SECONDS, &name);
		printf("fma-%s %.1f GOP/s (%s)\n", loops[i].name, total / 1e9, name);
	}
	return 0;
}
