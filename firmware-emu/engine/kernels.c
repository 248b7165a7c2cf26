// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels_elementwise.h"
#include "firmware-emu/engine/kernels_rows.h"

/* Of Linux: a process asks for the registers of AMX before its first use. */
#define REQ_XCOMP_PERM	0x1023
#define XTILEDATA	18

struct kernels kernels;
struct kernels_attention kernels_attention;
struct kernels_elementwise kernels_elementwise;
struct kernels_rows kernels_rows;

static int has_tiles(void)
{
	return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
	       __builtin_cpu_supports("amx-int8") &&
	       !syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XTILEDATA);
}

static uint32_t best_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
	    !__builtin_cpu_supports("f16c"))
		return KERNELS_PLAIN;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
	    !__builtin_cpu_supports("avx512vnni"))
		return KERNELS_AVX2;
	if (!__builtin_cpu_supports("avx512bf16"))
		return KERNELS_VNNI;
	return has_tiles() ? KERNELS_AMX : KERNELS_BF16;
}

int kernels_has_act(unsigned int act)
{
	return act <= 22 && act != 18;	/* 18: XIELU, which has parameters of its own */
}

uint32_t kernels_init(uint32_t limit)
{
	uint32_t level = best_level();

	if (level > limit)
		level = limit;
	kernels_plain(&kernels);
	kernels_attention_plain(&kernels_attention);
	kernels_rows_plain(&kernels_rows);
	kernels_reduce_plain(&kernels_rows);
	kernels_elementwise_plain(&kernels_elementwise);
	if (level >= KERNELS_AVX2) {
		kernels_avx2(&kernels);
		kernels_attention_avx2(&kernels_attention);
		kernels_rows_avx2(&kernels_rows);
		kernels_reduce_avx2(&kernels_rows);
		kernels_elementwise_avx2(&kernels_elementwise);
	}
	if (level >= KERNELS_VNNI) {
		kernels_avx512(&kernels);
		kernels_attention_avx512(&kernels_attention);
		kernels_avx512_activate(&kernels);
		kernels_rows_avx512(&kernels_rows);
		kernels_softmax_avx512(&kernels_rows);
		kernels_reduce_avx512(&kernels_rows);
		kernels_elementwise_avx512(&kernels_elementwise);
	}
	if (level >= KERNELS_BF16) {
		kernels_rows_bf16(&kernels_rows);
		kernels_elementwise_bf16(&kernels_elementwise);
		kernels_avx512_gemm_bf16(&kernels);
	}
	if (level >= KERNELS_AMX)
		kernels_amx_gemm(&kernels);
	return level;
}
