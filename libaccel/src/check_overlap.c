// SPDX-License-Identifier: MIT
/*
 * A destination and another operand share no byte, are exactly the same, or are columns side by
 * side.
 */
#include <string.h>

#include <drm/maru_cmd_ops.h>

#include "ops.h"

static bool is_same(const struct maru_operand *a, const struct maru_operand *b)
{
	return a->va == b->va && a->type == b->type && a->layout == b->layout &&
	       !memcmp(a->dim, b->dim, sizeof(a->dim)) &&
	       !memcmp(a->stride, b->stride, sizeof(a->stride));
}

/*
 * Columns of one wider row store: the same pitch, and rows whose bytes are disjoint modulo it.
 * All outer strides must be multiples of the pitch, so that each row starts where the first does.
 */
static bool is_beside(const struct maru_operand *a, const struct maru_operand *b)
{
	uint64_t pitch = a->stride[1], width_a, width_b, gap;

	if (a->layout || b->layout || !pitch || b->stride[1] != pitch)
		return false;
	for (int d = 2; d < 4; d++) {
		if ((a->dim[d] > 1 && a->stride[d] % pitch) ||
		    (b->dim[d] > 1 && b->stride[d] % pitch))
			return false;
	}
	if (__builtin_mul_overflow((uint64_t)a->dim[0] - 1, a->stride[0], &width_a) ||
	    __builtin_mul_overflow((uint64_t)b->dim[0] - 1, b->stride[0], &width_b))
		return false;
	width_a += maru_type_bytes(a->type);
	width_b += maru_type_bytes(b->type);
	if (b->va >= a->va)
		gap = (b->va - a->va) % pitch;
	else
		gap = (pitch - (a->va - b->va) % pitch) % pitch;
	return gap >= width_a && width_b <= pitch - gap;
}

static bool overlaps(const struct maru_operand *a, const struct maru_operand *b)
{
	uint64_t bytes_a = 0, bytes_b = 0;

	accel_operand_extent(a, &bytes_a);
	accel_operand_extent(b, &bytes_b);
	return bytes_a && bytes_b && a->va < b->va + bytes_b && b->va < a->va + bytes_a;
}

/* One destination against all other operands, in the order of their roles. */
static struct accel_fault check_written(const struct maru_packet *packet, unsigned int written)
{
	const struct maru_operand *dst = accel_packet_operand(packet, written), *other;
	const struct accel_op_role *row;

	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		other = accel_packet_operand(packet, role);
		if (role == written || !other || !overlaps(dst, other))
			continue;
		row = accel_op_role_find(packet->op, role);
		if (row->flags & MARU_ROLE_MAY_BE_DST && is_same(dst, other))
			continue;
		if (!is_beside(dst, other))
			return ACCEL_FAULT(OVERLAP, role, MARU_FIELD_VA, other->va);
	}
	return ACCEL_RIGHT;
}

struct accel_fault accel_overlap_check(const struct maru_packet *packet)
{
	struct accel_fault fault;

	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		if (!(packet->roles >> role & 1) ||
		    !(accel_op_role_find(packet->op, role)->flags & MARU_ROLE_WRITTEN))
			continue;
		fault = check_written(packet, role);
		if (fault.word)
			return fault;
	}
	return ACCEL_RIGHT;
}
