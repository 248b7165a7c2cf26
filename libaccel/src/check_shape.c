// SPDX-License-Identifier: MIT
/* Rules of single operations that no row of the table can say. */
#include <drm/maru_cmd_ops.h>

#include "ops.h"

#define ACT_XIELU	18	/* the one unary code with parameters of its own */

static bool is_float(uint32_t type)
{
	return type == MARU_TYPE_F32 || type == MARU_TYPE_F16 || type == MARU_TYPE_BF16;
}

static unsigned __int128 elements(const struct maru_operand *operand)
{
	unsigned __int128 count = 1;

	for (int d = 0; d < 4; d++)
		count *= operand->dim[d];
	return count;
}

static struct accel_fault bad_dim(const struct maru_operand *operand, unsigned int role, int d)
{
	return ACCEL_FAULT(BAD_SHAPE, role, MARU_FIELD_DIM(d), operand->dim[d]);
}

static struct accel_fault check_timestamp(const struct maru_operand *dst)
{
	for (int d = 0; d < 4; d++) {
		if (dst->dim[d] != (d ? 1 : 2))
			return bad_dim(dst, MARU_ROLE_DST, d);
	}
	return ACCEL_RIGHT;
}

static struct accel_fault check_copy(const struct maru_packet *packet,
				     const struct maru_operand *dst,
				     const struct maru_operand *src)
{
	if (packet->copy.mode == MARU_COPY_RESHAPE) {
		if (elements(dst) != elements(src))
			return ACCEL_FAULT(BAD_SHAPE, MARU_ROLE_SRC, MARU_FIELD_DIM(0),
					   (uint64_t)elements(src));
		return ACCEL_RIGHT;
	}
	for (int d = 0; d < 4; d++) {
		if (src->dim[d] ? dst->dim[d] % src->dim[d] : dst->dim[d])
			return bad_dim(src, MARU_ROLE_SRC, d);
	}
	return ACCEL_RIGHT;
}

static struct accel_fault check_prepare(const struct maru_operand *dst,
					const struct maru_operand *src)
{
	if (src->layout == MARU_LAYOUT_STRIDED && dst->layout == MARU_LAYOUT_STRIDED)
		return ACCEL_FAULT(BAD_LAYOUT, MARU_ROLE_SRC, MARU_FIELD_LAYOUT, src->layout);
	if (src->type != dst->type)
		return ACCEL_FAULT(BAD_TYPE, MARU_ROLE_SRC, MARU_FIELD_TYPE, src->type);
	return ACCEL_RIGHT;
}

static struct accel_fault unsupported_type(const struct maru_packet *packet, unsigned int role)
{
	return ACCEL_FAULT(UNSUPPORTED, role, MARU_FIELD_TYPE,
			   accel_packet_operand(packet, role)->type);
}

/* Exact sums of integers: nothing may follow them. */
static struct accel_fault check_matmul_i32(const struct maru_packet *packet)
{
	const uint32_t one = 0x3f800000;

	if (is_float(accel_packet_operand(packet, MARU_ROLE_A)->type))
		return unsupported_type(packet, MARU_ROLE_DST);
	if (packet->matmul.act)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 17, packet->matmul.act);
	if (packet->matmul.scale != one)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 20, packet->matmul.scale);
	for (unsigned int role = MARU_ROLE_BIAS; role <= MARU_ROLE_RESIDUAL; role++) {
		if (accel_packet_operand(packet, role))
			return unsupported_type(packet, role);
	}
	return ACCEL_RIGHT;
}

static struct accel_fault check_matmul_kind(const struct maru_packet *packet)
{
	uint32_t b_as = packet->matmul.b_as, act = packet->matmul.act;
	bool is_a_float = is_float(accel_packet_operand(packet, MARU_ROLE_A)->type);

	if (is_a_float != is_float(accel_packet_operand(packet, MARU_ROLE_B)->type))
		return unsupported_type(packet, MARU_ROLE_B);
	if (b_as != MARU_TYPE_NONE &&
	    (!is_a_float || (b_as != MARU_TYPE_F16 && b_as != MARU_TYPE_BF16)))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 16, b_as);
	if (act == ACT_XIELU)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 17, act);
	if (!is_float(accel_packet_operand(packet, MARU_ROLE_DST)->type))
		return check_matmul_i32(packet);
	return ACCEL_RIGHT;
}

static struct accel_fault check_matmul(const struct maru_packet *packet,
				       const struct maru_operand *dst)
{
	const struct maru_operand *a = accel_packet_operand(packet, MARU_ROLE_A);
	const struct maru_operand *b = accel_packet_operand(packet, MARU_ROLE_B);

	if (a->dim[1] != dst->dim[0])
		return bad_dim(a, MARU_ROLE_A, 1);
	for (int d = 2; d < 4; d++) {
		if (a->dim[d] ? dst->dim[d] % a->dim[d] : dst->dim[d])
			return bad_dim(a, MARU_ROLE_A, d);
	}
	if (b->dim[0] != a->dim[0])
		return bad_dim(b, MARU_ROLE_B, 0);
	for (int d = 1; d < 4; d++) {
		if (b->dim[d] != dst->dim[d])
			return bad_dim(b, MARU_ROLE_B, d);
	}
	return check_matmul_kind(packet);
}

struct accel_fault accel_shape_check(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);

	switch (packet->op) {
	case MARU_OP_TIMESTAMP:
		return check_timestamp(dst);
	case MARU_OP_COPY:
		return check_copy(packet, dst, accel_packet_operand(packet, MARU_ROLE_SRC));
	case MARU_OP_PREPARE:
		return check_prepare(dst, accel_packet_operand(packet, MARU_ROLE_SRC));
	case MARU_OP_MATMUL:
		return check_matmul(packet, dst);
	}
	return ACCEL_RIGHT;
}
