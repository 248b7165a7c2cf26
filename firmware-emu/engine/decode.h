/* SPDX-License-Identifier: MIT */
/*
 * The checks that every packet passes before anything of it happens. Pure: they see the private
 * copy of the packet and the table of maru_cmd_ops.h, no memory of the card.
 */
#ifndef MARU_DECODE_H
#define MARU_DECODE_H

#include <stdbool.h>

#include "firmware-emu/engine/engine.h"
#include "uapi/drm/maru_cmd_ops.h"

/* A role of an operation: row of MARU_ROLES_TABLE. */
struct decode_role {
	const char *name;	/* NULL: no such role */
	uint64_t types[2];
	uint16_t layouts;
	uint8_t rule;
	uint8_t flags;
};

/* An operation: row of MARU_OPS_TABLE with its roles. */
struct decode_op {
	const char *name;
	uint16_t op;
	uint8_t revision;
	uint8_t classes;
	uint16_t required;
	uint16_t optional;
	struct decode_role roles[MARU_ROLES];
};

/**
 * decode_lookup() - Find an operation.
 * Return: its row, or NULL.
 */
const struct decode_op *decode_lookup(uint16_t op);

/** decode_row() - The row @index of the table in its order, NULL beyond the end. */
const struct decode_op *decode_row(unsigned int index);

/**
 * decode_packet() - Copy a packet into @op and check header, parameters and operands.
 * @op: packet, operands and error are filled.
 * @cls: MARU_CLASS_* of the queue.
 * @packet: the packet, @bytes long.
 *
 * Checks all that the table says but aliasing; what only the operation knows is checked by its
 * plan. Return: 0, or -EINVAL with op->error filled.
 */
int decode_packet(struct engine_op *op, unsigned int cls, const void *packet, uint32_t bytes);

/** decode_alias() - Check that what is written overlaps nothing. Return: as decode_packet(). */
int decode_alias(struct engine_op *op);

/**
 * decode_refuse() - Fill op->error.
 * Return: -EINVAL.
 */
int decode_refuse(struct engine_op *op, unsigned int code, unsigned int role, unsigned int field,
		  uint64_t value);

/** operand_check() - Type, layout, alignment, dims, stride[0] of an operand. */
int operand_check(struct engine_op *op, unsigned int role, const struct decode_role *rule);

/** operand_extent() - Bytes of an operand and where they end; order of strides if written. */
int operand_extent(struct engine_op *op, unsigned int role, const struct decode_role *rule);

/** operand_alias() - Check what is written in role @written against what is in @role. */
int operand_alias(struct engine_op *op, unsigned int written, unsigned int role,
		  const struct decode_role *rule);

/** operand_present() - Is there an operand in this role? */
static inline bool operand_present(const struct engine_op *op, unsigned int role)
{
	return op->operands[role].desc;
}

/** operand_is_empty() - Has it no element? */
static inline bool operand_is_empty(const struct maru_operand *desc)
{
	return !desc->dim[0] || !desc->dim[1] || !desc->dim[2] || !desc->dim[3];
}

#endif
