// SPDX-License-Identifier: MIT
/* REDUCE at level 1 of kernels_rows.h. */
#include "firmware-emu/engine/kernels/reduce_body.h"

REDUCE_LEVEL(avx2)
