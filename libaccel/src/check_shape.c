// SPDX-License-Identifier: MIT
/* Rules of single operations that no row of the table can say. */
#include <drm/maru_cmd_ops.h>

#include "ops.h"

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
	if (src->type != dst->type)
		return ACCEL_FAULT(BAD_TYPE, MARU_ROLE_SRC, MARU_FIELD_TYPE, src->type);
	if (src->layout == MARU_LAYOUT_STRIDED && dst->layout == MARU_LAYOUT_STRIDED)
		return ACCEL_FAULT(BAD_LAYOUT, MARU_ROLE_SRC, MARU_FIELD_LAYOUT, src->layout);
	return ACCEL_RIGHT;
}

static struct accel_fault check_matmul_types(const struct maru_packet *packet,
					     const struct maru_operand *dst,
					     const struct maru_operand *a,
					     const struct maru_operand *b)
{
	uint32_t b_as = packet->matmul.b_as, act = packet->matmul.act;

	if (is_float(a->type) != is_float(b->type))
		return ACCEL_FAULT(BAD_TYPE, MARU_ROLE_B, MARU_FIELD_TYPE, b->type);
	if (is_float(a->type) != is_float(dst->type))
		return ACCEL_FAULT(BAD_TYPE, MARU_ROLE_DST, MARU_FIELD_TYPE, dst->type);
	if (b_as != MARU_TYPE_NONE &&
	    (!is_float(a->type) || (b_as != MARU_TYPE_F16 && b_as != MARU_TYPE_BF16)))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 16, b_as);
	switch (act) {
	case MARU_ACT_NONE:
	case MARU_ACT_TANH:
	case MARU_ACT_RELU:
	case MARU_ACT_SIGMOID:
	case MARU_ACT_GELU:
	case MARU_ACT_GELU_QUICK:
	case MARU_ACT_SILU:
	case MARU_ACT_GELU_ERF:
		return ACCEL_RIGHT;
	}
	return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 17, act);
}

static struct accel_fault check_matmul(const struct maru_packet *packet,
				       const struct maru_operand *dst)
{
	const struct maru_operand *a = accel_packet_operand(packet, MARU_ROLE_A);
	const struct maru_operand *b = accel_packet_operand(packet, MARU_ROLE_B);

	if (a->dim[0] != b->dim[0])
		return bad_dim(b, MARU_ROLE_B, 0);
	if (a->dim[1] != dst->dim[0])
		return bad_dim(a, MARU_ROLE_A, 1);
	if (b->dim[1] != dst->dim[1])
		return bad_dim(b, MARU_ROLE_B, 1);
	for (int d = 2; d < 4; d++) {
		if (b->dim[d] != dst->dim[d])
			return bad_dim(b, MARU_ROLE_B, d);
		if (a->dim[d] ? dst->dim[d] % a->dim[d] : dst->dim[d])
			return bad_dim(a, MARU_ROLE_A, d);
	}
	return check_matmul_types(packet, dst, a, b);
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
