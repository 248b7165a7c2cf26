// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "driver/maru_hw.h"
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/onednn.h"

static const struct engine_impl *const impls[] = {
	&nop_impl, &timestamp_impl, &fill_impl, &copy_impl, &prepare_impl, &matmul_impl,
	&attention_impl,
	&norm_impl, &rope_impl, &softmax_impl,
	&gather_impl, &scatter_impl, &elementwise_impl,
	&reduce_impl, &sort_impl,
};

static uint32_t profile_level;

int engine_init(uint32_t profile)
{
	profile_level = kernels_init(profile);
	return onednn_init(profile_level);
}

uint32_t engine_profile(const char **library)
{
	if (library)
		*library = onednn_version();
	return profile_level;
}

static void add_record(uint8_t *buffer, uint64_t bytes, uint64_t *at, const void *record,
		       uint64_t size)
{
	if (*at + size <= bytes)
		memcpy(buffer + *at, record, size);
	*at += size;
}

uint64_t engine_identify(void *buffer, uint64_t bytes)
{
	const struct decode_op *row;
	unsigned int i, role;
	uint64_t at = 0;

	for (i = 0; (row = decode_row(i)); i++) {
		struct maru_op_info info = {
			.op = row->op, .revision = row->revision, .classes = row->classes,
			.required = row->required, .optional = row->optional,
			.units = 1u << MARU_UNIT_TENSOR,
		};

		add_record(buffer, bytes, &at, &info, sizeof(info));
		for (role = 0; role < MARU_ROLES; role++) {
			const struct decode_role *rule = &row->roles[role];
			struct maru_role_info role_info = {
				.types = { rule->types[0], 0, rule->types[1], 0 },
				.layouts = rule->layouts, .fast = rule->layouts,
			};

			if (rule->name)
				add_record(buffer, bytes, &at, &role_info, sizeof(role_info));
		}
	}
	return at;
}

static int refuse_fault(struct engine_op *op, unsigned int role, const struct span_fault *fault)
{
	op->error.va = fault->va;
	op->error.fault = fault->kind;
	if (fault->kind > MARU_FAULT_WINDOW)
		return decode_refuse(op, MARU_ERR_TOO_LARGE, role, MARU_FIELD_VA, fault->va);
	return decode_refuse(op, MARU_ERR_FAULT_READ + fault->kind, role, MARU_FIELD_VA,
			     fault->va);
}

static int resolve(struct engine_op *op, unsigned int role)
{
	struct engine_operand *operand = &op->operands[role];
	bool is_written = decode_lookup(op->header.op)->roles[role].flags & MARU_ROLE_WRITTEN;
	struct span_fault fault;

	if (!operand->bytes)
		return 0;
	if (span_resolve(op->vm, operand->desc->va, operand->bytes,
			 is_written ? SPAN_WRITE : SPAN_READ, &operand->span, &fault))
		return refuse_fault(op, role, &fault);
	operand->host = operand->span.host;
	operand->touched = operand->bytes;
	return 0;
}

/* Bytes that an operation leaves alone are taken from each tier in proportion. */
static void charge(struct engine_op *op, unsigned int role)
{
	const struct engine_operand *operand = &op->operands[role];
	bool is_written = decode_lookup(op->header.op)->roles[role].flags & MARU_ROLE_WRITTEN;
	uint64_t *charged = is_written ? op->bytes.written : op->bytes.read;
	unsigned int tier;

	for (tier = 0; tier < MARU_TIER_COUNT && operand->bytes; tier++)
		charged[tier] += (uint64_t)((unsigned __int128)operand->span.per_tier[tier] *
					    operand->touched / operand->bytes);
}

int engine_begin(struct engine_op *op, struct span_vm *vm, unsigned int cls,
		 const void *packet, uint32_t bytes)
{
	unsigned int i, role;
	int err;

	op->impl = NULL;
	op->vm = vm;
	op->cls = cls;
	op->stop = NULL;
	op->tiles = 0;
	op->second = 0;
	memset(&op->bytes, 0, sizeof(op->bytes));
	err = decode_packet(op, cls, packet, bytes);
	if (err)
		return err;
	for (i = 0; i < sizeof(impls) / sizeof(impls[0]); i++)
		if (impls[i]->op == op->header.op)
			op->impl = impls[i];
	if (!op->impl)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 0, op->header.op);

	err = op->impl->plan(op);
	if (!err)
		err = decode_alias(op);
	for (role = 0; role < MARU_ROLES && !err; role++)
		if (operand_present(op, role))
			err = resolve(op, role);
	if (!err && op->impl->look)
		err = op->impl->look(op);
	for (role = 0; role < MARU_ROLES && !err; role++)
		charge(op, role);
	if (err)
		engine_end(op);
	return err;
}

int engine_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		struct engine_error *error)
{
	return op->impl->tile(op, tile, scratch, error);
}

void engine_end(struct engine_op *op)
{
	unsigned int role;

	for (role = 0; role < MARU_ROLES; role++) {
		if (op->operands[role].host)
			span_release(&op->operands[role].span);
		op->operands[role].host = NULL;
	}
}
