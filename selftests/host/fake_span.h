/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAKE_SPAN_H
#define FAKE_SPAN_H

#include "firmware-emu/mem/span.h"

extern long fake_span_held;	/* spans that nobody released */

/** fake_span_fault() - Make a range unreachable from now on; 0 bytes: none. */
void fake_span_fault(uint64_t va, uint64_t bytes, uint32_t kind);

#endif
