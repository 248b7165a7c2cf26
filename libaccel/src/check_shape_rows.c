// SPDX-License-Identifier: MIT
/* Operations that choose, order, fold or normalise rows. */
#include <drm/maru_cmd_ops.h>

#include "check_shape.h"

struct accel_fault accel_check_gather(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const struct maru_operand *src = accel_packet_operand(packet, MARU_ROLE_SRC);
	const uint64_t numbers[4] = { dst->dim[1], dst->dim[2], dst->dim[3], 1 };
	struct accel_fault fault;

	if (src->dim[0] != dst->dim[0])
		return accel_bad_dim(packet, MARU_ROLE_SRC, 0);
	for (int d = 2; d < 4; d++) {
		if (!accel_divides(src->dim[d], dst->dim[d]))
			return accel_bad_dim(packet, MARU_ROLE_SRC, d);
	}
	fault = accel_check_dims(packet, MARU_ROLE_IDX, numbers);
	if (!fault.word && accel_is_float(src->type) != accel_is_float(dst->type))
		return accel_unsupported_type(packet, MARU_ROLE_SRC);
	return fault;
}

struct accel_fault accel_check_scatter(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const struct maru_operand *src = accel_packet_operand(packet, MARU_ROLE_SRC);
	const struct maru_operand *idx = accel_packet_operand(packet, MARU_ROLE_IDX);

	for (int d = 0; d < 4; d++) {
		if (d != 1 && src->dim[d] != dst->dim[d])
			return accel_bad_dim(packet, MARU_ROLE_SRC, d);
	}
	if (idx->dim[0] != src->dim[1])
		return accel_bad_dim(packet, MARU_ROLE_IDX, 0);
	for (int d = 1; d < 3; d++) {
		if (!accel_divides(idx->dim[d], dst->dim[d + 1]))
			return accel_bad_dim(packet, MARU_ROLE_IDX, d);
	}
	return idx->dim[3] == 1 ? ACCEL_RIGHT : accel_bad_dim(packet, MARU_ROLE_IDX, 3);
}

struct accel_fault accel_check_norm(const struct maru_packet *packet)
{
	if (packet->norm.kind == MARU_NORM_GROUP)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 16, packet->norm.kind);
	if (accel_float(packet->norm.eps) < 0)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 20, packet->norm.eps);
	if (packet->norm.groups)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 24, packet->norm.groups);
	return ACCEL_RIGHT;
}

struct accel_fault accel_check_softmax(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const struct maru_operand *mask = accel_packet_operand(packet, MARU_ROLE_SOFTMAX_MASK);
	float max_bias = accel_float(packet->softmax.max_bias);

	if (max_bias < 0)
		return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, 20, packet->softmax.max_bias);
	if (!mask)
		return max_bias > 0 ?
		       ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles) : ACCEL_RIGHT;
	if (mask->dim[0] != dst->dim[0])
		return accel_bad_dim(packet, MARU_ROLE_SOFTMAX_MASK, 0);
	if (mask->dim[1] < dst->dim[1])
		return accel_bad_dim(packet, MARU_ROLE_SOFTMAX_MASK, 1);
	for (int d = 2; d < 4; d++) {
		if (!accel_divides(mask->dim[d], dst->dim[d]))
			return accel_bad_dim(packet, MARU_ROLE_SOFTMAX_MASK, d);
	}
	return ACCEL_RIGHT;
}

struct accel_fault accel_check_reduce(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const struct maru_operand *x = accel_packet_operand(packet, MARU_ROLE_X);
	const struct maru_operand *add = accel_packet_operand(packet, MARU_ROLE_REDUCE_ADD);
	bool is_index = packet->reduce.kind >= MARU_REDUCE_ARGMAX;

	if ((dst->type == MARU_TYPE_I32) != is_index)
		return ACCEL_FAULT(BAD_TYPE, MARU_ROLE_DST, MARU_FIELD_TYPE, dst->type);
	if (add && is_index)
		return ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles);
	for (int d = 0; d < 4; d++) {
		if (d == packet->reduce.dim) {
			if (dst->dim[d] != 1)
				return accel_bad_dim(packet, MARU_ROLE_DST, d);
		} else if (x->dim[d] != dst->dim[d]) {
			return accel_bad_dim(packet, MARU_ROLE_X, d);
		}
	}
	return ACCEL_RIGHT;
}

struct accel_fault accel_check_sort(const struct maru_packet *packet)
{
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	const struct maru_operand *x = accel_packet_operand(packet, MARU_ROLE_X);

	if (x->dim[0] > MARU_SORT_MAX)
		return ACCEL_FAULT(TOO_LARGE, MARU_ROLE_X, MARU_FIELD_DIM(0), x->dim[0]);
	if (dst->dim[0] > x->dim[0])
		return accel_bad_dim(packet, MARU_ROLE_DST, 0);
	for (int d = 1; d < 4; d++) {
		if (x->dim[d] != dst->dim[d])
			return accel_bad_dim(packet, MARU_ROLE_X, d);
	}
	return ACCEL_RIGHT;
}
