// SPDX-License-Identifier: MIT
/* NORM and ROPE at level 3: the same bits, with the instruction that avx512_load.h has for BF16. */
#define KERNELS_ROWS	kernels_rows_bf16
#include "firmware-emu/engine/kernels/avx512_rows.c"
