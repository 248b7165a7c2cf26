// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "firmware-emu/engine/decode.h"

#define VA_LIMIT	(1ULL << 48)
#define VA_OFFSET_MASK	((1ULL << 60) - 1)	/* VM 0 keeps the tier in the bits above */

static bool is_prepared(const struct maru_operand *desc)
{
	return desc->layout != MARU_LAYOUT_STRIDED;
}

static bool is_transposed(const struct maru_operand *desc, const struct decode_role *rule)
{
	return (rule->flags & MARU_ROLE_TRANSPOSED) &&
	       desc->stride[1] == maru_type_bytes(desc->type) &&
	       desc->stride[0] != desc->stride[1];
}

static int check_kind(struct engine_op *op, unsigned int role, const struct decode_role *rule)
{
	static const uint32_t one[4] = { 1, 1, 1, 1 };
	const struct maru_operand *desc = op->operands[role].desc;
	unsigned int type = desc->type, layout = desc->layout;
	unsigned int i, word = type >> 7, bit = type & 127;

	if (bit >= 64 || !(rule->types[word] & 1ULL << bit))
		return decode_refuse(op, MARU_ERR_BAD_TYPE, role, MARU_FIELD_TYPE, type);
	if (layout >= 16 || !(rule->layouts & 1u << layout) ||
	    (layout != MARU_LAYOUT_STRIDED && !maru_layout_bytes(layout, type, one)))
		return decode_refuse(op, MARU_ERR_BAD_LAYOUT, role, MARU_FIELD_LAYOUT, layout);
	for (i = 0; i < sizeof(desc->mbz); i++)
		if (desc->mbz[i])
			return decode_refuse(op, MARU_ERR_BAD_FLAG, role,
					     offsetof(struct maru_operand, mbz) + i,
					     desc->mbz[i]);
	return 0;
}

static int check_dims(struct engine_op *op, unsigned int role)
{
	const struct maru_operand *desc = op->operands[role].desc;
	unsigned __int128 elements = 1;
	unsigned int d;

	for (d = 0; d < 4; d++)
		if (desc->dim[d] > MARU_DIM_MAX)
			return decode_refuse(op, MARU_ERR_TOO_LARGE, role, MARU_FIELD_DIM(d),
					     desc->dim[d]);
	if (operand_is_empty(desc))
		return 0;
	for (d = 0; d < 4; d++) {
		elements *= desc->dim[d];
		if (elements > MARU_ELEMENTS_MAX)
			return decode_refuse(op, MARU_ERR_TOO_LARGE, role, MARU_FIELD_DIM(d),
					     desc->dim[d]);
	}
	return 0;
}

int operand_check(struct engine_op *op, unsigned int role, const struct decode_role *rule)
{
	const struct maru_operand *desc = op->operands[role].desc;
	uint64_t align = maru_type_bytes(desc->type);
	unsigned int d;
	int err;

	err = check_kind(op, role, rule);
	if (err)
		return err;
	if (desc->va & ((is_prepared(desc) ? 64 : align) - 1))
		return decode_refuse(op, MARU_ERR_BAD_ALIGN, role, MARU_FIELD_VA, desc->va);
	err = check_dims(op, role);
	if (err)
		return err;
	for (d = 0; d < 4; d++) {
		uint64_t stride = desc->stride[d];

		if (is_prepared(desc) ? stride : stride & (align - 1))
			return decode_refuse(op, is_prepared(desc) ? MARU_ERR_BAD_STRIDE :
					     MARU_ERR_BAD_ALIGN, role, MARU_FIELD_STRIDE(d),
					     stride);
	}
	if (!is_prepared(desc) && desc->stride[0] != align &&
	    !(rule->flags & MARU_ROLE_ANY_STRIDE) && !is_transposed(desc, rule))
		return decode_refuse(op, MARU_ERR_BAD_STRIDE, role, MARU_FIELD_STRIDE(0),
				     desc->stride[0]);
	return 0;
}

/* Each stride of a destination reaches over all that lies inside it. Dims of 1 do not step. */
static int check_nesting(struct engine_op *op, unsigned int role, const struct decode_role *rule)
{
	static const uint8_t plain[4] = { 0, 1, 2, 3 }, transposed[4] = { 1, 0, 2, 3 };
	const struct maru_operand *desc = op->operands[role].desc;
	const uint8_t *order = is_transposed(desc, rule) ? transposed : plain;
	uint64_t inside = maru_type_bytes(desc->type);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		unsigned int d = order[i];

		if (desc->dim[d] == 1)
			continue;
		if (desc->stride[d] < inside)
			return decode_refuse(op, MARU_ERR_BAD_STRIDE, role, MARU_FIELD_STRIDE(d),
					     desc->stride[d]);
		inside += (desc->dim[d] - 1) * desc->stride[d];
	}
	return 0;
}

int operand_extent(struct engine_op *op, unsigned int role, const struct decode_role *rule)
{
	struct engine_operand *operand = &op->operands[role];
	const struct maru_operand *desc = operand->desc;
	uint64_t bytes = maru_type_bytes(desc->type), step;
	unsigned int d;

	if (operand_is_empty(desc))
		return 0;
	if (is_prepared(desc)) {
		bytes = maru_layout_bytes(desc->layout, desc->type, desc->dim);
		if (!bytes)
			return decode_refuse(op, MARU_ERR_RANGE, role, MARU_FIELD_VA, desc->va);
	} else {
		for (d = 0; d < 4; d++)
			if (__builtin_mul_overflow((uint64_t)desc->dim[d] - 1, desc->stride[d],
						   &step) ||
			    __builtin_add_overflow(bytes, step, &bytes) || bytes > VA_LIMIT)
				return decode_refuse(op, MARU_ERR_RANGE, role,
						     MARU_FIELD_STRIDE(d), desc->stride[d]);
	}
	if ((desc->va & VA_OFFSET_MASK) > VA_LIMIT - bytes)
		return decode_refuse(op, MARU_ERR_RANGE, role, MARU_FIELD_VA, desc->va);
	operand->bytes = bytes;
	if ((rule->flags & MARU_ROLE_WRITTEN) && !is_prepared(desc))
		return check_nesting(op, role, rule);
	return 0;
}

static bool is_same(const struct maru_operand *a, const struct maru_operand *b)
{
	unsigned int d;

	if (a->va != b->va || a->type != b->type || a->layout != b->layout)
		return false;
	for (d = 0; d < 4; d++)
		if (a->dim[d] != b->dim[d] || a->stride[d] != b->stride[d])
			return false;
	return true;
}

/* Bytes of one row, if all rows start at multiples of @pitch from the first; else 0. */
static uint64_t row_bytes(const struct maru_operand *desc, uint64_t pitch)
{
	uint64_t bytes;
	unsigned int d;

	if (is_prepared(desc) || desc->stride[1] != pitch)
		return 0;
	for (d = 2; d < 4; d++)
		if (desc->dim[d] > 1 && desc->stride[d] % pitch)
			return 0;
	bytes = (desc->dim[0] - 1) * desc->stride[0] + maru_type_bytes(desc->type);
	return bytes <= pitch ? bytes : 0;
}

/* Two column slices of one matrix: rows interleave without touching. */
static bool are_slices(const struct maru_operand *a, const struct maru_operand *b)
{
	uint64_t pitch = a->stride[1], a_bytes, b_bytes, gap;

	if (!pitch)
		return false;
	a_bytes = row_bytes(a, pitch);
	b_bytes = row_bytes(b, pitch);
	if (!a_bytes || !b_bytes)
		return false;
	gap = (b->va % pitch + pitch - a->va % pitch) % pitch;	/* from a's row to b's */
	return gap >= a_bytes && pitch - gap >= b_bytes;
}

int operand_alias(struct engine_op *op, unsigned int written, unsigned int role,
		  const struct decode_role *rule)
{
	const struct engine_operand *dst = &op->operands[written];
	const struct engine_operand *src = &op->operands[role];

	if (role == written || !dst->bytes || !src->bytes)
		return 0;
	if (src->desc->va >= dst->desc->va + dst->bytes ||
	    dst->desc->va >= src->desc->va + src->bytes)
		return 0;
	if ((rule->flags & MARU_ROLE_MAY_BE_DST) && is_same(dst->desc, src->desc))
		return 0;
	if (are_slices(dst->desc, src->desc))
		return 0;
	return decode_refuse(op, MARU_ERR_OVERLAP, role, MARU_FIELD_VA, src->desc->va);
}
