/* SPDX-License-Identifier: MIT */
/* Rules of single operations beyond the table: shared by the check_shape files. Pure. */
#ifndef ACCEL_CHECK_SHAPE_H
#define ACCEL_CHECK_SHAPE_H

#include <string.h>

#include "ops.h"

struct accel_fault accel_check_attention(const struct maru_packet *packet);
struct accel_fault accel_check_elementwise(const struct maru_packet *packet);
struct accel_fault accel_check_gather(const struct maru_packet *packet);
struct accel_fault accel_check_norm(const struct maru_packet *packet);
struct accel_fault accel_check_reduce(const struct maru_packet *packet);
struct accel_fault accel_check_rope(const struct maru_packet *packet);
struct accel_fault accel_check_scatter(const struct maru_packet *packet);
struct accel_fault accel_check_softmax(const struct maru_packet *packet);
struct accel_fault accel_check_sort(const struct maru_packet *packet);

static inline bool accel_is_float(uint32_t type)
{
	return type == MARU_TYPE_F32 || type == MARU_TYPE_F16 || type == MARU_TYPE_BF16;
}

/* Of nothing only nothing is a multiple. */
static inline bool accel_divides(uint32_t part, uint32_t whole)
{
	return part ? whole % part == 0 : whole == 0;
}

static inline float accel_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline struct accel_fault accel_bad_dim(const struct maru_packet *packet,
					       unsigned int role, int d)
{
	return ACCEL_FAULT(BAD_SHAPE, role, MARU_FIELD_DIM(d),
			   accel_packet_operand(packet, role)->dim[d]);
}

static inline struct accel_fault accel_unsupported_type(const struct maru_packet *packet,
							unsigned int role)
{
	return ACCEL_FAULT(UNSUPPORTED, role, MARU_FIELD_TYPE,
			   accel_packet_operand(packet, role)->type);
}

/* The operand's dims are @dims; it may be absent. */
static inline struct accel_fault accel_check_dims(const struct maru_packet *packet,
						  unsigned int role, const uint64_t dims[4])
{
	const struct maru_operand *operand = accel_packet_operand(packet, role);

	for (int d = 0; operand && d < 4; d++) {
		if (operand->dim[d] != dims[d])
			return accel_bad_dim(packet, role, d);
	}
	return ACCEL_RIGHT;
}

#endif
