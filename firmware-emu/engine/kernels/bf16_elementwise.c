// SPDX-License-Identifier: MIT
/* ELEMENTWISE at level 3: the same bits, with the instruction that avx512_load.h has for BF16. */
#define KERNELS_ELEMENTWISE	kernels_elementwise_bf16
#include "firmware-emu/engine/kernels/avx512_elementwise.c"
