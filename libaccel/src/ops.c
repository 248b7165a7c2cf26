// SPDX-License-Identifier: MIT
#include <stddef.h>

#include <drm/maru_cmd_ops.h>

#include "ops.h"

#define OP(name, revision, classes, required, optional) \
	{ #name, MARU_OP_##name, revision, classes, required, optional },
static const struct accel_op ops[] = { MARU_OPS_TABLE(OP) };

#define ROLE(op, role, name, types, layouts, rule, flags) \
	{ MARU_OP_##op, role, name, types, layouts, rule, flags },
static const struct accel_op_role roles[] = { MARU_ROLES_TABLE(ROLE) };

#define PARAM(op, field, offset, bytes, kind, low, high) \
	{ MARU_OP_##op, #field, offset, bytes, kind, low, high },
static const struct accel_op_param params[] = { MARU_PARAMS_TABLE(PARAM) };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct accel_op *accel_op_find(uint16_t op)
{
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (ops[i].op == op)
			return &ops[i];
	}
	return NULL;
}

const struct accel_op_role *accel_op_role_find(uint16_t op, unsigned int role)
{
	for (size_t i = 0; i < COUNT(roles); i++) {
		if (roles[i].op == op && roles[i].role == role)
			return &roles[i];
	}
	return NULL;
}

const struct accel_op_param *accel_op_param_find(uint16_t op, unsigned int offset)
{
	for (size_t i = 0; i < COUNT(params); i++) {
		if (params[i].op == op && offset >= params[i].offset &&
		    offset - params[i].offset < params[i].bytes)
			return &params[i];
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
