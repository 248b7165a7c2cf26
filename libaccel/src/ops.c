// SPDX-License-Identifier: MIT
#include <stddef.h>

#include <drm/maru_cmd_ops.h>

#include "ops.h"

/* Recording looks into these tables some hundred times a packet: each row has a number. */
#define OP_NUMBER(name, revision, classes, required, optional) OP_##name,
#define ROLE_NUMBER(op, role, name, types, layouts, rule, flags) ROLE_##op##_##role,
#define PARAM_NUMBER(op, field, offset, bytes, kind, low, high) PARAM_##op##_##field,
enum { MARU_OPS_TABLE(OP_NUMBER) OPS };
enum { MARU_ROLES_TABLE(ROLE_NUMBER) ROLES };
enum { MARU_PARAMS_TABLE(PARAM_NUMBER) PARAMS };

#define OP(name, revision, classes, required, optional) \
	{ #name, MARU_OP_##name, revision, classes, required, optional },
static const struct accel_op ops[OPS] = { MARU_OPS_TABLE(OP) };

#define ROLE(op, role, name, types, layouts, rule, flags) \
	{ MARU_OP_##op, role, name, types, layouts, rule, flags },
static const struct accel_op_role roles[ROLES] = { MARU_ROLES_TABLE(ROLE) };

#define PARAM(op, field, offset, bytes, kind, low, high) \
	{ MARU_OP_##op, #field, offset, bytes, kind, low, high },
static const struct accel_op_param params[PARAMS] = { MARU_PARAMS_TABLE(PARAM) };

/* Numbers of rows + 1: by role, and by the first byte of a parameter. */
#define ROLE_AT(op, role, name, types, layouts, rule, flags) \
	[OP_##op][role] = ROLE_##op##_##role + 1,
static const uint8_t role_at[OPS][MARU_ROLES] = { MARU_ROLES_TABLE(ROLE_AT) };

#define PARAM_AT(op, field, offset, bytes, kind, low, high) \
	[OP_##op][offset] = PARAM_##op##_##field + 1,
static const uint8_t param_at[OPS][MARU_LINE_BYTES] = { MARU_PARAMS_TABLE(PARAM_AT) };

_Static_assert(ROLES < 256 && PARAMS < 256, "numbers fit a byte");

/* Return: OPS for one that is not there. */
static unsigned int op_number(uint16_t op)
{
#define OP_CASE(name, revision, classes, required, optional) \
	case MARU_OP_##name: \
		return OP_##name;
	switch (op) {
	MARU_OPS_TABLE(OP_CASE)
	}
	return OPS;
}

const struct accel_op *accel_op_find(uint16_t op)
{
	unsigned int number = op_number(op);

	return number < OPS ? &ops[number] : NULL;
}

const struct accel_op_role *accel_op_role_find(uint16_t op, unsigned int role)
{
	unsigned int number = op_number(op), row;

	if (number == OPS || role >= MARU_ROLES)
		return NULL;
	row = role_at[number][role];
	return row ? &roles[row - 1] : NULL;
}

const struct accel_op_param *accel_op_param_at(uint16_t op, unsigned int offset)
{
	unsigned int number = op_number(op), row;

	if (number == OPS || offset >= MARU_LINE_BYTES)
		return NULL;
	row = param_at[number][offset];
	return row ? &params[row - 1] : NULL;
}

const struct accel_op_param *accel_op_param_find(uint16_t op, unsigned int offset)
{
	const struct accel_op_param *param;

	for (unsigned int back = 0; back < 8 && back <= offset; back++) {
		param = accel_op_param_at(op, offset - back);
		if (param)
			return back < param->bytes ? param : NULL;
	}
	return NULL;
}

const struct maru_operand *accel_packet_operand(const struct maru_packet *packet,
						unsigned int role)
{
	const struct maru_operand *lines = (const struct maru_operand *)(packet + 1);
	unsigned int below = packet->roles & ((1u << role) - 1);

	if (!(packet->roles & (1u << role)))
		return NULL;
	return lines + __builtin_popcount(below);
}

uint32_t accel_packet_classes(const struct maru_packet *packet)
{
	const struct accel_op *op = accel_op_find(packet->op);
	const struct maru_operand *dst, *src;

	if (!op)
		return 0;
	if (packet->op == MARU_OP_COPY) {
		dst = accel_packet_operand(packet, MARU_ROLE_DST);
		src = accel_packet_operand(packet, MARU_ROLE_SRC);
		if (dst->type != src->type)	/* conversions are maths */
			return MARU_CLASSES_COMPUTE;
	}
	return op->classes;
}
