// SPDX-License-Identifier: MIT
/*
 * ELEMENTWISE: chunks of operands as f32 in cache, one loop over them, one rounding to dst. All
 * of one float type and side by side: a single pass without chunks, where a kernel has it.
 */
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels_elementwise.h"
#include "firmware-emu/engine/tile.h"

#define CHUNK		1024u
#define QUANTUM		(1u << 17)	/* elements of a tile */
#define QUANTUM_SLOW	(1u << 15)	/* the same for codes that call the C library */
#define PASS_LEAST	64u		/* elements that a single pass is worth while for */
#define STREAM_LEAST	(8u << 20)	/* bytes of dst that are written past the caches */

#define FIRST_PARAMETERS	0x40
#define FIRST_BINARY		0x80
#define FIELD_CODE		16
#define FIELD_P(i)		(20 + 4 * (i))

struct side {
	struct tile_walk walk;
	convert_fn convert;
	uint32_t size;
};

struct elementwise_plan {
	struct side to, a, b;
	float p[4];
	uint32_t quantum;
	uint16_t code;
	bool is_integer;
	bool is_stream;
	bool has_pass;		/* the same float type everywhere */
};

static unsigned int parameter_count(unsigned int code)
{
	switch (code) {
	case MARU_CODE_LEAKY_RELU:
		return 1;
	case MARU_CODE_SCALE:
	case MARU_CODE_CLAMP:
	case MARU_CODE_SWIGLU_OAI:
	case MARU_CODE_SWIGLU_CLAMP:
		return 2;
	case MARU_CODE_XIELU:
		return 4;
	}
	return 0;
}

static bool is_code(unsigned int code)
{
	return code <= MARU_CODE_TRUNC || (code >= MARU_CODE_SQR && code <= MARU_CODE_CLAMP) ||
	       (code >= MARU_CODE_ADD && code <= MARU_CODE_MAX) ||
	       (code >= MARU_CODE_REGLU && code <= MARU_CODE_SWIGLU_CLAMP);
}

static bool is_slow(unsigned int code)
{
	return code == MARU_CODE_ELU || code == MARU_CODE_EXPM1 || code == MARU_CODE_SOFTPLUS ||
	       code == MARU_CODE_XIELU || code == MARU_CODE_GELU_ERF ||
	       code == MARU_CODE_GEGLU_ERF || code == MARU_CODE_LOG ||
	       code == MARU_CODE_SIN || code == MARU_CODE_COS;
}

static bool is_integer_code(unsigned int code)
{
	return code >= MARU_CODE_ADD && code <= MARU_CODE_MAX && code != MARU_CODE_DIV;
}

static int check_header(struct engine_op *op)
{
	const struct maru_params_elementwise *params = &op->header.elementwise;
	unsigned int code = params->code, i = parameter_count(code);

	if (!is_code(code))
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, FIELD_CODE, code);
	if (operand_present(op, MARU_ROLE_RIGHT) != (code >= FIRST_BINARY))
		return decode_refuse(op, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8,
				     op->header.roles);
	for (; i < 4; i++)
		if (params->p[i])
			return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, FIELD_P(i),
					     params->p[i]);
	return 0;
}

static int check_types(struct engine_op *op)
{
	bool is_integer = op->operands[MARU_ROLE_DST].desc->type == MARU_TYPE_I32;
	unsigned int code = op->header.elementwise.code, role;

	for (role = MARU_ROLE_LEFT; role <= MARU_ROLE_RIGHT; role++) {
		const struct maru_operand *desc = op->operands[role].desc;

		if (desc && (desc->type == MARU_TYPE_I32) != is_integer)
			return decode_refuse(op, MARU_ERR_UNSUPPORTED, role, MARU_FIELD_TYPE,
					     desc->type);
	}
	if (is_integer && !is_integer_code(code))
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, FIELD_CODE, code);
	return 0;
}

/* Each dim of dst is that of @desc, times a repetition that does not move in it. */
static void plan_side(struct side *side, const struct maru_operand *dst,
		      const struct maru_operand *desc, unsigned int to, unsigned int from)
{
	unsigned int d;

	side->walk.dims = 0;
	side->size = maru_type_bytes(desc->type);
	side->convert = convert_lookup(to, from);
	for (d = 0; d < 4; d++) {
		tile_walk_add(&side->walk, desc->dim[d], desc->stride[d]);
		tile_walk_add(&side->walk, dst->dim[d] / desc->dim[d], 0);
	}
}

static int elementwise_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *a = op->operands[MARU_ROLE_LEFT].desc;
	const struct maru_operand *b = op->operands[MARU_ROLE_RIGHT].desc;
	struct elementwise_plan *plan = IMPL_PLAN(struct elementwise_plan, op);
	unsigned int middle;
	int err = check_header(op);

	if (!err)
		err = check_types(op);
	if (err || operand_is_empty(dst))
		return err;
	plan->code = op->header.elementwise.code;
	memcpy(plan->p, op->header.elementwise.p, sizeof(plan->p));
	plan->is_integer = dst->type == MARU_TYPE_I32;
	plan->has_pass = !plan->is_integer && a->type == dst->type &&
			 (!b || b->type == dst->type);
	plan->is_stream = !plan->is_integer && op->operands[MARU_ROLE_DST].bytes >= STREAM_LEAST;
	plan->quantum = is_slow(plan->code) ? QUANTUM_SLOW : QUANTUM;
	middle = plan->is_integer ? MARU_TYPE_I32 : MARU_TYPE_F32;
	plan_side(&plan->to, dst, dst, dst->type, middle);
	plan_side(&plan->a, dst, a, middle, a->type);
	if (b)
		plan_side(&plan->b, dst, b, middle, b->type);
	op->tiles = (uint32_t)((tile_elements(dst) - 1) / plan->quantum + 1);
	return 0;
}

static void load_chunk(const struct side *side, struct tile_cursor *cursor, float *to, uint32_t n)
{
	uint64_t run;

	for (; n; n -= (uint32_t)run, to += run) {
		run = tile_cursor_run(cursor);
		if (run > n)
			run = n;
		side->convert(to, 4, cursor->at, side->walk.stride[0], run);
		tile_cursor_advance(cursor, run);
	}
}

static void store_chunk(const struct elementwise_plan *plan, unsigned int type,
			struct tile_cursor *cursor, const float *from, uint32_t n)
{
	const struct side *side = &plan->to;
	uint64_t run, done;

	for (; n; n -= (uint32_t)run, from += run) {
		run = tile_cursor_run(cursor);
		if (run > n)
			run = n;
		done = 0;
		if (plan->is_stream && !((uintptr_t)cursor->at & 63) &&
		    side->walk.stride[0] == side->size)
			done = kernels_elementwise.stream(type, MARU_TYPE_F32, cursor->at,
							  from, run, from);
		if (done < run)
			side->convert(cursor->at + done * side->size, side->walk.stride[0],
				      from + done, 4, run - done);
		tile_cursor_advance(cursor, run);
	}
}

struct cursors {
	struct tile_cursor to, a, b;
};

/* Elements that one pass of a kernel does from here, 0: none. */
static uint64_t run_pass(const struct elementwise_plan *plan, unsigned int type,
			 struct cursors *at, uint64_t n)
{
	bool is_binary = plan->code >= FIRST_BINARY;
	struct kernels_pass pass = {
		.code = plan->code, .type = type, .to = at->to.at, .a = at->a.at, .p = plan->p,
		.b = is_binary ? at->b.at : NULL, .is_stream = plan->is_stream,
		.is_one = is_binary && !plan->b.walk.stride[0],
	};

	if (n > tile_cursor_run(&at->to))
		n = tile_cursor_run(&at->to);
	if (n > tile_cursor_run(&at->a))
		n = tile_cursor_run(&at->a);
	if (is_binary && n > tile_cursor_run(&at->b))
		n = tile_cursor_run(&at->b);
	if (n < PASS_LEAST || plan->to.walk.stride[0] != plan->to.size ||
	    plan->a.walk.stride[0] != plan->a.size ||
	    (is_binary && !pass.is_one && plan->b.walk.stride[0] != plan->b.size) ||
	    (plan->is_stream && (uintptr_t)at->to.at & 63))
		return 0;
	n = kernels_elementwise.pass(&pass, n);
	tile_cursor_advance(&at->to, n);
	tile_cursor_advance(&at->a, n);
	if (is_binary)
		tile_cursor_advance(&at->b, n);
	return n;
}

/* Elements of the next chunk: to the next boundary that stores past the caches need. */
static uint32_t chunk_size(const struct elementwise_plan *plan, const struct cursors *at,
			   uint64_t left)
{
	uint32_t n = left < CHUNK ? (uint32_t)left : CHUNK;
	uint32_t head = (uint32_t)(-(uintptr_t)at->to.at & 63) / plan->to.size;

	return plan->is_stream && head && head < n ? head : n;
}

static void run_chunk(struct engine_op *op, struct cursors *at, uint32_t n)
{
	const struct elementwise_plan *plan = IMPL_PLAN(const struct elementwise_plan, op);
	union {
		float f32[CHUNK];
		int32_t i32[CHUNK];
	} a, b;

	load_chunk(&plan->a, &at->a, a.f32, n);
	if (plan->code >= FIRST_BINARY)
		load_chunk(&plan->b, &at->b, b.f32, n);
	if (plan->is_integer)
		kernels_elementwise.integer(plan->code, a.i32, b.i32, n);
	else if (plan->code >= FIRST_BINARY)
		kernels_elementwise.binary(plan->code, plan->p, a.f32, b.f32, n);
	else
		kernels_elementwise.unary(plan->code, plan->p, a.f32, n);
	store_chunk(plan, op->operands[MARU_ROLE_DST].desc->type, &at->to, a.f32, n);
}

static int elementwise_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
			    struct engine_error *error)
{
	const struct elementwise_plan *plan = IMPL_PLAN(const struct elementwise_plan, op);
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	uint64_t start = (uint64_t)tile * plan->quantum, left = tile_elements(dst) - start, n;
	struct cursors at;

	(void)scratch, (void)error;
	if (left > plan->quantum)
		left = plan->quantum;
	tile_cursor_seek(&at.to, &plan->to.walk, op->operands[MARU_ROLE_DST].host, start);
	tile_cursor_seek(&at.a, &plan->a.walk, op->operands[MARU_ROLE_LEFT].host, start);
	if (plan->code >= FIRST_BINARY)
		tile_cursor_seek(&at.b, &plan->b.walk, op->operands[MARU_ROLE_RIGHT].host,
				 start);
	for (; left; left -= n) {
		n = plan->has_pass ? run_pass(plan, dst->type, &at, left) : 0;
		if (n)
			continue;
		n = chunk_size(plan, &at, left);
		run_chunk(op, &at, (uint32_t)n);
	}
	if (plan->is_stream)
		__builtin_ia32_sfence();
	return 0;
}

const struct engine_impl elementwise_impl = {
	.op = MARU_OP_ELEMENTWISE, .plan = elementwise_plan, .tile = elementwise_tile,
};
