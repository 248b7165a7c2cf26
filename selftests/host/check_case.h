/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets written by hand and the error word that the recorder must find in them. */
#ifndef CHECK_CASE_H
#define CHECK_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <drm/maru_cmd_ops.h>

#include "libaccel/src/ops.h"

struct lines {
	struct maru_packet header;
	struct maru_operand operand[16];
};

static inline struct maru_operand plain(uint64_t va, uint32_t type, uint32_t d0, uint32_t d1,
					uint32_t d2, uint32_t d3)
{
	struct maru_operand operand = { .va = va, .type = type, .dim = { d0, d1, d2, d3 } };
	uint64_t span = maru_type_bytes(type);

	for (int d = 0; d < 4; d++) {
		operand.stride[d] = span;
		span *= operand.dim[d] ? operand.dim[d] : 1;
	}
	return operand;
}

static inline void expect(struct lines *p, uint32_t code, uint32_t role, uint32_t field)
{
	struct accel_fault fault = accel_packet_check(&p->header, NULL, true);

	if (fault.word != (code ? MARU_ERROR(code, role, field) : 0))
		print_message("# got code %u role %u field %u\n", MARU_ERROR_CODE(fault.word),
			      MARU_ERROR_ROLE(fault.word), MARU_ERROR_FIELD(fault.word));
	assert_int_equal(fault.word, code ? MARU_ERROR(code, role, field) : 0);
}

#define WRONG(make, change, code, role, field)				\
	do {								\
		struct lines p = make();				\
									\
		change;							\
		expect(&p, MARU_ERR_##code, role, field);		\
	} while (0)
#define NONE MARU_ROLE_NONE

#endif
