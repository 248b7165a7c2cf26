// SPDX-License-Identifier: MIT
/* REDUCE at level 2 of kernels_rows.h. */
#include "firmware-emu/engine/kernels/reduce_body.h"

REDUCE_LEVEL(avx512)
