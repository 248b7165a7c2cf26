// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "firmware-emu/engine/decode.h"

#define PARAMS_OFFSET	offsetof(struct maru_packet, params)

struct decode_param {
	uint16_t op;
	uint8_t offset;
	uint8_t bytes;
	uint8_t kind;
	uint64_t low;
	uint64_t high;
};

#define OP_ROW(op_, revision_, classes_, required_, optional_) \
	{ .name = #op_, .op = MARU_OP_##op_, .revision = revision_, .classes = classes_, \
	  .required = required_, .optional = optional_ },
#define PARAM_ROW(op_, field_, offset_, bytes_, kind_, low_, high_) \
	{ MARU_OP_##op_, offset_, bytes_, kind_, low_, high_ },
#define ROLE_ROW(op_, role_, name_, types_, layouts_, rule_, flags_) \
	{ MARU_OP_##op_, role_, { name_, types_, layouts_, rule_, flags_ } },

/* A set of types holds braces with a comma, so its rows can not pass through another macro. */
static const struct {
	uint16_t op;
	uint8_t role;
	struct decode_role rule;
} role_rows[] = { MARU_ROLES_TABLE(ROLE_ROW) };

static const struct decode_param params[] = { MARU_PARAMS_TABLE(PARAM_ROW) };
static struct decode_op ops[] = { MARU_OPS_TABLE(OP_ROW) };

#define OPS	(sizeof(ops) / sizeof(ops[0]))

static __attribute__((constructor)) void decode_join_tables(void)
{
	for (size_t i = 0; i < sizeof(role_rows) / sizeof(role_rows[0]); i++)
		for (size_t j = 0; j < OPS; j++)
			if (ops[j].op == role_rows[i].op)
				ops[j].roles[role_rows[i].role] = role_rows[i].rule;
}

const struct decode_op *decode_row(unsigned int index)
{
	return index < OPS ? &ops[index] : NULL;
}

const struct decode_op *decode_lookup(uint16_t op)
{
	for (size_t i = 0; i < OPS; i++)
		if (ops[i].op == op)
			return &ops[i];
	return NULL;
}

int decode_refuse(struct engine_op *op, unsigned int code, unsigned int role, unsigned int field,
		  uint64_t value)
{
	op->error.word = MARU_ERROR(code, role, field);
	op->error.value = value;
	return -EINVAL;
}

static int refuse_header(struct engine_op *op, unsigned int code, unsigned int field,
			 uint64_t value)
{
	return decode_refuse(op, code, MARU_ROLE_NONE, field, value);
}

static int check_header(struct engine_op *op, unsigned int cls, uint32_t bytes,
			const struct decode_op *row)
{
	const struct maru_packet *header = &op->header;
	uint16_t roles = header->roles;

	if (!row)
		return refuse_header(op, MARU_ERR_UNSUPPORTED, 0, header->op);
	if (header->revision != row->revision)
		return refuse_header(op, MARU_ERR_UNSUPPORTED, 2, header->revision);
	if (cls >= 8 || !(row->classes & 1u << cls))
		return refuse_header(op, MARU_ERR_UNSUPPORTED, 0, header->op);
	if (header->unit != MARU_UNIT_TENSOR)
		return refuse_header(op, MARU_ERR_UNSUPPORTED, 10, header->unit);
	if (header->flags)
		return refuse_header(op, MARU_ERR_BAD_FLAG, 3, header->flags);
	if (header->mbz)
		return refuse_header(op, MARU_ERR_BAD_FLAG, 11, header->mbz);
	if ((roles & ~(row->required | row->optional)) || (row->required & ~roles) ||
	    bytes != MARU_LINE_BYTES * (1u + (unsigned int)__builtin_popcount(roles)))
		return refuse_header(op, MARU_ERR_BAD_ROLES, 8, roles);
	return 0;
}

static int check_params(struct engine_op *op)
{
	uint64_t known = 0;	/* bit: byte of the header line that a parameter covers */
	unsigned int i;

	for (i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		const struct decode_param *param = &params[i];
		uint64_t value = 0;

		if (param->op != op->header.op)
			continue;
		memcpy(&value, op->packet + param->offset, param->bytes);
		if (param->kind == MARU_PARAM_FLOAT ?
		    (value & 0x7f800000) == 0x7f800000 :
		    value < param->low || value > param->high)
			return refuse_header(op, MARU_ERR_BAD_PARAM, param->offset, value);
		known |= ((1ULL << param->bytes) - 1) << param->offset;
	}
	for (i = PARAMS_OFFSET; i < sizeof(struct maru_packet); i++)
		if (op->packet[i] && !(known & 1ULL << i))
			return refuse_header(op, MARU_ERR_BAD_PARAM, i, op->packet[i]);
	return 0;
}

static int check_rule(struct engine_op *op, unsigned int role, const struct decode_role *rule)
{
	const struct maru_operand *desc = op->operands[role].desc;
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	unsigned int d;

	for (d = 0; d < 4; d++) {
		uint32_t dim = desc->dim[d], full = dst->dim[d];
		bool fits = true;

		switch (rule->rule) {
		case MARU_RULE_SAME:
			fits = dim == full;
			break;
		case MARU_RULE_MOD:
			fits = dim ? full % dim == 0 : !full;
			break;
		case MARU_RULE_ROW:
			fits = d ? dim == 1 : dim == full;
			break;
		}
		if (!fits)
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d), dim);
	}
	return 0;
}

typedef int (*operand_step)(struct engine_op *op, unsigned int role,
			    const struct decode_role *rule);

static int each_operand(struct engine_op *op, const struct decode_op *row, operand_step step)
{
	unsigned int role;
	int err;

	for (role = 0; role < MARU_ROLES; role++) {
		if (!op->operands[role].desc)
			continue;
		err = step(op, role, &row->roles[role]);
		if (err)
			return err;
	}
	return 0;
}

int decode_packet(struct engine_op *op, unsigned int cls, const void *packet, uint32_t bytes)
{
	const struct maru_operand *line;
	const struct decode_op *row;
	unsigned int role;
	int err;

	memset(&op->error, 0, sizeof(op->error));
	memset(op->operands, 0, sizeof(op->operands));
	if (bytes < MARU_LINE_BYTES || bytes % MARU_LINE_BYTES || bytes > MARU_PACKET_MAX_BYTES)
		return refuse_header(op, MARU_ERR_BAD_LENGTH, 4, bytes);
	memcpy(op->packet, packet, bytes);
	op->error.tag = op->header.tag;
	if (op->header.bytes != bytes)
		return refuse_header(op, MARU_ERR_BAD_LENGTH, 4, op->header.bytes);

	row = decode_lookup(op->header.op);
	err = check_header(op, cls, bytes, row);
	if (!err)
		err = check_params(op);
	if (err)
		return err;

	line = (const struct maru_operand *)(op->packet + MARU_LINE_BYTES);
	for (role = 0; role < MARU_ROLES; role++)
		if (op->header.roles & 1u << role)
			op->operands[role].desc = line++;
	err = each_operand(op, row, operand_check);
	if (!err)
		err = each_operand(op, row, operand_extent);
	if (!err)
		err = each_operand(op, row, check_rule);
	return err;
}

int decode_alias(struct engine_op *op)
{
	const struct decode_op *row = decode_lookup(op->header.op);
	unsigned int written, role;
	int err;

	for (written = 0; written < MARU_ROLES; written++) {
		if (!operand_present(op, written) ||
		    !(row->roles[written].flags & MARU_ROLE_WRITTEN))
			continue;
		for (role = 0; role < MARU_ROLES; role++) {
			if (!operand_present(op, role))
				continue;
			err = operand_alias(op, written, role, &row->roles[role]);
			if (err)
				return err;
		}
	}
	return 0;
}
