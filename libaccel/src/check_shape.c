// SPDX-License-Identifier: MIT
/* Rules of single operations that no row of the table can say. */
#include <drm/maru_cmd_ops.h>

#include "check_shape.h"

#define ACT_XIELU	18	/* the one unary code with parameters of its own */

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
		if (!accel_divides(src->dim[d], dst->dim[d]))
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

/* Exact sums of integers: nothing may follow them. */
static struct accel_fault check_matmul_i32(const struct maru_packet *packet)
{
	const uint32_t one = 0x3f800000;

	if (accel_is_float(accel_packet_operand(packet, MARU_ROLE_A)->type) ||
	    accel_packet_operand(packet, MARU_ROLE_A_SCALE))
		return accel_unsupported_type(packet, MARU_ROLE_DST);
	if (packet->matmul.act)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 17, packet->matmul.act);
	if (packet->matmul.scale != one)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 20, packet->matmul.scale);
	for (unsigned int role = MARU_ROLE_BIAS; role <= MARU_ROLE_RESIDUAL; role++) {
		if (accel_packet_operand(packet, role))
			return accel_unsupported_type(packet, role);
	}
	return ACCEL_RIGHT;
}

/* Scales make A's integers floats; B is then one, or rounded to integers row by row. */
static bool is_b_as_right(uint32_t b_as, bool is_a_float, bool is_scaled)
{
	switch (b_as) {
	case MARU_TYPE_NONE:
		return true;
	case MARU_TYPE_F16:
	case MARU_TYPE_BF16:
		return is_a_float;
	case MARU_TYPE_I8:
		return is_scaled;
	}
	return false;
}

static struct accel_fault check_matmul_kind(const struct maru_packet *packet)
{
	uint32_t b_as = packet->matmul.b_as, act = packet->matmul.act;
	bool is_a_float = accel_is_float(accel_packet_operand(packet, MARU_ROLE_A)->type);
	bool is_b_float = accel_is_float(accel_packet_operand(packet, MARU_ROLE_B)->type);
	bool is_scaled = accel_packet_operand(packet, MARU_ROLE_A_SCALE);

	if (is_scaled && is_a_float)
		return ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles);
	if (is_b_float != (is_a_float || is_scaled))
		return accel_unsupported_type(packet, MARU_ROLE_B);
	if (!is_b_as_right(b_as, is_a_float, is_scaled))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 16, b_as);
	if (act == ACT_XIELU)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 17, act);
	if (!accel_is_float(accel_packet_operand(packet, MARU_ROLE_DST)->type))
		return check_matmul_i32(packet);
	return ACCEL_RIGHT;
}

static struct accel_fault check_matmul(const struct maru_packet *packet,
				       const struct maru_operand *dst)
{
	const struct maru_operand *a = accel_packet_operand(packet, MARU_ROLE_A);
	const struct maru_operand *b = accel_packet_operand(packet, MARU_ROLE_B);
	const struct maru_operand *scale = accel_packet_operand(packet, MARU_ROLE_A_SCALE);

	if (a->dim[1] != dst->dim[0])
		return bad_dim(a, MARU_ROLE_A, 1);
	for (int d = 2; d < 4; d++) {
		if (!accel_divides(a->dim[d], dst->dim[d]))
			return bad_dim(a, MARU_ROLE_A, d);
	}
	if (b->dim[0] != a->dim[0])
		return bad_dim(b, MARU_ROLE_B, 0);
	for (int d = 1; d < 4; d++) {
		if (b->dim[d] != dst->dim[d])
			return bad_dim(b, MARU_ROLE_B, d);
	}
	for (int d = 0; scale && d < 4; d++) {
		if (scale->dim[d] != (d ? 1 : dst->dim[0]))
			return bad_dim(scale, MARU_ROLE_A_SCALE, d);
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
	case MARU_OP_GATHER:
		return accel_check_gather(packet);
	case MARU_OP_SCATTER:
		return accel_check_scatter(packet);
	case MARU_OP_ATTENTION:
		return accel_check_attention(packet);
	case MARU_OP_NORM:
		return accel_check_norm(packet);
	case MARU_OP_ROPE:
		return accel_check_rope(packet);
	case MARU_OP_SOFTMAX:
		return accel_check_softmax(packet);
	case MARU_OP_ELEMENTWISE:
		return accel_check_elementwise(packet);
	case MARU_OP_REDUCE:
		return accel_check_reduce(packet);
	case MARU_OP_SORT:
		return accel_check_sort(packet);
	}
	return ACCEL_RIGHT;
}
