// SPDX-License-Identifier: MIT
/* REDUCE at level 0 of kernels_rows.h. */
#include "firmware-emu/engine/kernels/reduce_body.h"

REDUCE_LEVEL(plain)
