// SPDX-License-Identifier: MIT
/* A packet against the table, in the card's order of steps, so that the same error comes first. */
#include <drm/maru_cmd_ops.h>

#include "ops.h"

#define VA_END	(1ull << 48)

static uint32_t type_align(uint32_t type)
{
	return maru_type_bytes(type);
}

static bool has_type(const uint64_t types[2], uint32_t type)
{
	if (type < 64)
		return types[0] >> type & 1;
	return type >= 0x80 && type < 0xc0 && (types[1] >> (type - 0x80) & 1);
}

static uint64_t read_param(const struct maru_packet *packet, const struct accel_op_param *param)
{
	const uint8_t *line = (const uint8_t *)packet;
	uint64_t value = 0;

	for (unsigned int i = 0; i < param->bytes; i++)
		value |= (uint64_t)line[param->offset + i] << (8 * i);
	return value;
}

static struct accel_fault check_header(const struct maru_packet *packet,
				       const struct accel_op *op)
{
	uint32_t lines = 1 + __builtin_popcount(packet->roles);

	if (packet->revision != op->revision)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 2, packet->revision);
	if (packet->unit != MARU_UNIT_TENSOR)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 10, packet->unit);
	if (packet->flags || packet->mbz)
		return ACCEL_FAULT(BAD_FLAG, MARU_ROLE_NONE, packet->flags ? 3 : 11, 1);
	if ((packet->roles & op->required) != op->required ||
	    packet->roles & ~(op->required | op->optional))
		return ACCEL_FAULT(BAD_ROLES, MARU_ROLE_NONE, 8, packet->roles);
	if (packet->bytes != lines * MARU_LINE_BYTES)
		return ACCEL_FAULT(BAD_LENGTH, MARU_ROLE_NONE, 4, packet->bytes);
	return ACCEL_RIGHT;
}

static struct accel_fault check_params(const struct maru_packet *packet)
{
	const uint8_t *line = (const uint8_t *)packet;
	const struct accel_op_param *param;
	unsigned int at = 16;
	uint64_t value;

	while (at < MARU_LINE_BYTES) {
		param = accel_op_param_at(packet->op, at);
		if (!param) {
			if (line[at])
				return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, at, line[at]);
			at++;
			continue;
		}
		value = read_param(packet, param);
		if (param->kind == MARU_PARAM_FLOAT ?
		    (value & 0x7f800000) == 0x7f800000 :
		    value < param->low || value > param->high)
			return ACCEL_FAULT(BAD_PARAM, MARU_ROLE_NONE, at, value);
		at += param->bytes;
	}
	return ACCEL_RIGHT;
}

/* Return: 0, or the field that makes it too large. */
static unsigned int find_extent(const struct maru_operand *operand, uint64_t *bytes)
{
	uint64_t end = maru_type_bytes(operand->type), step;

	*bytes = 0;
	for (int d = 0; d < 4; d++) {
		if (!operand->dim[d])
			return 0;
	}
	if (operand->layout != MARU_LAYOUT_STRIDED) {
		*bytes = maru_layout_bytes(operand->layout, operand->type, operand->dim);
		return *bytes ? 0 : MARU_FIELD_LAYOUT;
	}
	for (int d = 0; d < 4; d++) {
		if (__builtin_mul_overflow(operand->dim[d] - 1ull, operand->stride[d], &step) ||
		    __builtin_add_overflow(end, step, &end) || end > VA_END)
			return MARU_FIELD_STRIDE(d);
	}
	*bytes = end;
	return 0;
}

bool accel_operand_extent(const struct maru_operand *operand, uint64_t *bytes)
{
	return !find_extent(operand, bytes);
}

bool accel_operand_is_dense(const struct maru_operand *operand)
{
	uint64_t elements = 1, bytes;

	if (!accel_operand_extent(operand, &bytes))
		return false;
	if (operand->layout != MARU_LAYOUT_STRIDED || !bytes)
		return true;
	for (int d = 0; d < 4; d++)
		elements *= operand->dim[d];	/* of a checked operand: ≤ MARU_ELEMENTS_MAX */
	return elements * maru_type_bytes(operand->type) == bytes;
}

static struct accel_fault check_dims(const struct maru_operand *operand, unsigned int role)
{
	unsigned __int128 elements = 1;

	for (int d = 0; d < 4; d++) {
		if (operand->dim[d] > MARU_DIM_MAX)
			return ACCEL_FAULT(TOO_LARGE, role, MARU_FIELD_DIM(d), operand->dim[d]);
		elements *= operand->dim[d];
	}
	if (!elements)
		return ACCEL_RIGHT;
	elements = 1;
	for (int d = 0; d < 4; d++) {
		elements *= operand->dim[d];
		if (elements > MARU_ELEMENTS_MAX)
			return ACCEL_FAULT(TOO_LARGE, role, MARU_FIELD_DIM(d), operand->dim[d]);
	}
	return ACCEL_RIGHT;
}

static bool is_transposed(const struct maru_operand *operand, const struct accel_op_role *row)
{
	uint64_t size = maru_type_bytes(operand->type);

	return row->flags & MARU_ROLE_TRANSPOSED && operand->stride[0] != size &&
	       operand->stride[1] == size;
}

static struct accel_fault check_strides(const struct maru_operand *operand,
					const struct accel_op_role *row)
{
	uint64_t size = maru_type_bytes(operand->type), stride;
	bool is_prepared = operand->layout != MARU_LAYOUT_STRIDED;

	for (int d = 0; d < 4; d++) {
		stride = operand->stride[d];
		if (is_prepared && stride)
			return ACCEL_FAULT(BAD_STRIDE, row->role, MARU_FIELD_STRIDE(d), stride);
		if (!is_prepared && stride % type_align(operand->type))
			return ACCEL_FAULT(BAD_ALIGN, row->role, MARU_FIELD_STRIDE(d), stride);
	}
	if (!is_prepared && operand->stride[0] != size &&
	    !(row->flags & MARU_ROLE_ANY_STRIDE) && !is_transposed(operand, row))
		return ACCEL_FAULT(BAD_STRIDE, row->role, MARU_FIELD_STRIDE(0),
				   operand->stride[0]);
	return ACCEL_RIGHT;
}

/* Each stride of a destination reaches over all that lies inside it: no byte is written twice. */
static struct accel_fault check_nesting(const struct maru_operand *operand,
					const struct accel_op_role *row)
{
	static const uint8_t orders[2][4] = { { 0, 1, 2, 3 }, { 1, 0, 2, 3 } };
	const uint8_t *order = orders[is_transposed(operand, row)];
	uint64_t inside = maru_type_bytes(operand->type);

	for (int i = 0; i < 4; i++) {
		int d = order[i];

		if (operand->dim[d] == 1)
			continue;
		if (operand->stride[d] < inside)
			return ACCEL_FAULT(BAD_STRIDE, row->role, MARU_FIELD_STRIDE(d),
					   operand->stride[d]);
		inside += (operand->dim[d] - 1) * operand->stride[d];	/* within the extent */
	}
	return ACCEL_RIGHT;
}

static struct accel_fault check_operand(const struct maru_packet *packet,
					const struct accel_op_role *row, bool has_addresses)
{
	static const uint32_t one[4] = { 1, 1, 1, 1 };
	const struct maru_operand *operand = accel_packet_operand(packet, row->role);
	struct accel_fault fault;
	uint64_t align;

	if (!has_type(row->types, operand->type))
		return ACCEL_FAULT(BAD_TYPE, row->role, MARU_FIELD_TYPE, operand->type);
	if (operand->layout >= 16 || !(row->layouts >> operand->layout & 1) ||
	    (operand->layout && !maru_layout_bytes(operand->layout, operand->type, one)))
		return ACCEL_FAULT(BAD_LAYOUT, row->role, MARU_FIELD_LAYOUT, operand->layout);
	for (unsigned int i = 0; i < sizeof(operand->mbz); i++) {
		if (operand->mbz[i])
			return ACCEL_FAULT(BAD_FLAG, row->role, 10 + i, operand->mbz[i]);
	}
	align = operand->layout == MARU_LAYOUT_STRIDED ? type_align(operand->type) : 64;
	if (has_addresses && operand->va % align)
		return ACCEL_FAULT(BAD_ALIGN, row->role, MARU_FIELD_VA, operand->va);
	fault = check_dims(operand, row->role);
	if (fault.word)
		return fault;
	return check_strides(operand, row);
}

static struct accel_fault check_extent(const struct maru_packet *packet,
				       const struct accel_op_role *row, bool has_addresses)
{
	const struct maru_operand *operand = accel_packet_operand(packet, row->role);
	unsigned int field;
	uint64_t bytes;

	field = find_extent(operand, &bytes);
	if (field >= MARU_FIELD_STRIDE(0))
		return ACCEL_FAULT(RANGE, row->role, field, operand->stride[(field - 32) / 8]);
	if (field)
		return ACCEL_FAULT(RANGE, row->role, MARU_FIELD_VA, operand->va);
	if (has_addresses && bytes && (operand->va >= VA_END || bytes > VA_END - operand->va))
		return ACCEL_FAULT(RANGE, row->role, MARU_FIELD_VA, operand->va);
	if (bytes && row->flags & MARU_ROLE_WRITTEN && operand->layout == MARU_LAYOUT_STRIDED)
		return check_nesting(operand, row);
	return ACCEL_RIGHT;
}

/* Dims that the table relates to those of dst. */
static struct accel_fault check_rule(const struct maru_packet *packet,
				     const struct accel_op_role *row, bool has_addresses)
{
	const struct maru_operand *operand = accel_packet_operand(packet, row->role);
	const struct maru_operand *dst = accel_packet_operand(packet, MARU_ROLE_DST);
	bool fits;

	(void)has_addresses;
	for (int d = 0; d < 4; d++) {
		uint32_t dim = operand->dim[d], want = dst->dim[d];

		switch (row->rule) {
		case MARU_RULE_SAME:
			fits = dim == want;
			break;
		case MARU_RULE_MOD:
			fits = dim ? want % dim == 0 : want == 0;
			break;
		case MARU_RULE_ROW:
			fits = dim == (d ? 1 : want);
			break;
		default:
			fits = true;
		}
		if (!fits)
			return ACCEL_FAULT(BAD_SHAPE, row->role, MARU_FIELD_DIM(d), dim);
	}
	return ACCEL_RIGHT;
}

static struct accel_fault check_caps(const struct maru_packet *packet,
				     const struct accel_caps_op *op, unsigned int role)
{
	const struct maru_operand *operand = accel_packet_operand(packet, role);
	const struct maru_role_info *info = &op->roles[role];

	if (!((op->info.required | op->info.optional) >> role & 1))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 8, packet->roles);
	if (!(info->types[operand->type / 64] >> (operand->type % 64) & 1))
		return ACCEL_FAULT(UNSUPPORTED, role, MARU_FIELD_TYPE, operand->type);
	if (!(info->layouts >> operand->layout & 1))
		return ACCEL_FAULT(UNSUPPORTED, role, MARU_FIELD_LAYOUT, operand->layout);
	return ACCEL_RIGHT;
}

/* What the contract allows but this card does not list. */
static struct accel_fault check_card(const struct maru_packet *packet,
				     const struct accel_caps *caps)
{
	const struct accel_caps_op *op = accel_caps_find(caps, packet->op);
	struct accel_fault fault;

	if (!op)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 0, packet->op);
	if (packet->revision > op->info.revision)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 2, packet->revision);
	if (!(op->info.units >> packet->unit & 1))
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 10, packet->unit);
	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		if (!(packet->roles >> role & 1))
			continue;
		fault = check_caps(packet, op, role);
		if (fault.word)
			return fault;
	}
	return ACCEL_RIGHT;
}

typedef struct accel_fault (*role_check)(const struct maru_packet *packet,
					 const struct accel_op_role *row, bool has_addresses);

static struct accel_fault check_operands(const struct maru_packet *packet, bool has_addresses)
{
	static const role_check checks[] = { check_operand, check_extent, check_rule };
	const struct accel_op_role *row;
	struct accel_fault fault;

	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int role = 0; role < MARU_ROLES; role++) {
			if (!(packet->roles >> role & 1))
				continue;
			row = accel_op_role_find(packet->op, role);
			fault = checks[i](packet, row, has_addresses);
			if (fault.word)
				return fault;
		}
	}
	return ACCEL_RIGHT;
}

struct accel_fault accel_packet_check(const struct maru_packet *packet,
				      const struct accel_caps *caps, bool has_addresses)
{
	const struct accel_op *op = accel_op_find(packet->op);
	struct accel_fault fault;

	if (!op)
		return ACCEL_FAULT(UNSUPPORTED, MARU_ROLE_NONE, 0, packet->op);
	fault = check_header(packet, op);
	if (!fault.word)
		fault = check_params(packet);
	if (!fault.word)
		fault = check_operands(packet, has_addresses);
	if (!fault.word)
		fault = accel_shape_check(packet);
	if (!fault.word && has_addresses)
		fault = accel_overlap_check(packet);
	if (!fault.word && caps)
		fault = check_card(packet, caps);
	return fault;
}
