// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations, roles, types and layouts are those of the tables; how the dims of a role follow
 * from those of the packet is written here.
 */
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "selftests/fuzz/packet.h"

#define COUNT(x)	(sizeof(x) / sizeof((x)[0]))
#define ONE_F32		0x3f800000u

static uint64_t seed = 1;

void fuzz_seed(uint64_t from)
{
	seed = from;
}

uint64_t fuzz_next(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(fuzz_next() % n);
}

static uint32_t any_dim(void)
{
	static const uint32_t edges[] = { 0, 1, 1, 1, 2, 3, 64, 255, 1000, 65536, 0x7fffffff,
					  0x80000000, 0xffffffff };

	return below(8) ? 1 + below(8) : edges[below(13)];
}

/* What a packet is about; roles take their dims from it. */
struct plan {
	uint32_t dim[4];	/* of dst, mostly */
	uint32_t inner;		/* k of MATMUL, rows of GATHER's src and SCATTER's dst, … */
	uint32_t heads;		/* key heads */
	unsigned int dropped;	/* dim of REDUCE */
	unsigned int type;	/* of all operands that may have it, or none */
	bool is_paged, is_ragged;
};

static void set_dims(uint32_t out[4], uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3)
{
	out[0] = d0;
	out[1] = d1;
	out[2] = d2;
	out[3] = d3;
}

/* dim: head size, queries, heads, sequences. */
static void attention_dims(const struct plan *plan, unsigned int role, uint32_t out[4])
{
	uint32_t d = plan->dim[0], n = plan->dim[1], heads = plan->dim[2], count = plan->dim[3];

	switch (role) {
	case MARU_ROLE_DST:
		set_dims(out, d, heads, n, plan->is_ragged ? 1 : count);
		break;
	case MARU_ROLE_Q:
		set_dims(out, d, n, heads, plan->is_ragged ? 1 : count);
		break;
	case MARU_ROLE_K:
	case MARU_ROLE_V:
		set_dims(out, d, plan->inner, plan->heads, plan->is_paged ? 3 : count);
		break;
	case MARU_ROLE_MASK:
		set_dims(out, plan->inner, n, 1, 1);
		break;
	case MARU_ROLE_BLOCKS:
		set_dims(out, 2, count, 1, 1);
		break;
	default:
		set_dims(out, count + (role == MARU_ROLE_Q_START), 1, 1, 1);
	}
}

static void matmul_dims(const struct plan *plan, unsigned int role, uint32_t out[4])
{
	switch (role) {
	case MARU_ROLE_A:
		set_dims(out, plan->inner, plan->dim[0], plan->heads, plan->dim[3]);
		break;
	case MARU_ROLE_B:
		out[0] = plan->inner;
		break;
	case MARU_ROLE_BIAS:
	case MARU_ROLE_A_SCALE:
		set_dims(out, plan->dim[0], 1, 1, 1);
		break;
	}
}

static void role_dims(const struct plan *plan, unsigned int op, unsigned int role,
		      uint32_t out[4])
{
	memcpy(out, plan->dim, sizeof(plan->dim));
	switch (op) {
	case MARU_OP_TIMESTAMP:
		set_dims(out, 2, 1, 1, 1);
		break;
	case MARU_OP_MATMUL:
		matmul_dims(plan, role, out);
		break;
	case MARU_OP_ATTENTION:
		attention_dims(plan, role, out);
		break;
	case MARU_OP_GATHER:
	case MARU_OP_SCATTER:
		if (role == MARU_ROLE_IDX)
			set_dims(out, out[1], out[2], out[3], 1);
		else if (role == (op == MARU_OP_GATHER ? MARU_ROLE_SRC : MARU_ROLE_DST))
			out[1] = plan->inner;
		break;
	case MARU_OP_ROPE:
		if (role == MARU_ROLE_POS)
			set_dims(out, out[2], 1, 1, 1);
		else if (role == MARU_ROLE_FACTORS)
			set_dims(out, out[0] / 2, 1, 1, 1);
		break;
	case MARU_OP_NORM:
	case MARU_OP_ELEMENTWISE:
		if (role >= 2 && below(2))
			out[below(4)] = 1;
		break;
	case MARU_OP_REDUCE:
		if (role != MARU_ROLE_X)
			out[plan->dropped] = 1;
		break;
	case MARU_OP_SORT:
		if (role != MARU_ROLE_X)
			out[0] = plan->inner < out[0] ? plan->inner : out[0];
		break;
	}
}

static bool has_type(const struct decode_role *rule, unsigned int type)
{
	return (type & 127) < 64 && rule->types[type >> 7 & 1] & 1ULL << (type & 127);
}

static void add_operand(struct maru_operand *desc, const struct decode_role *rule,
			const struct plan *plan, const uint32_t dim[4])
{
	unsigned int d, type = plan->type;
	uint64_t stride;

	memset(desc, 0, sizeof(*desc));
	while (!has_type(rule, type))
		type = below(0xc0);
	desc->type = (uint8_t)type;
	desc->va = (fuzz_next() % (1u << 30)) * 64 | fuzz_next() % 3 << 60;
	stride = maru_type_bytes(type);
	for (d = 0; d < 4; d++) {
		desc->dim[d] = below(64) ? dim[d] : any_dim();
		desc->stride[d] = stride;
		stride *= desc->dim[d] ? desc->dim[d] : 1;
		if (d && !below(8))
			stride += maru_type_bytes(type) * below(4);
	}
	if (!below(rule->layouts != MARU_LAYOUTS_STRIDED ? 3 : 64)) {
		desc->layout = (uint8_t)below(5);
		if (desc->layout)
			memset(desc->stride, 0, sizeof(desc->stride));
	} else if (!below(8)) {
		desc->stride[below(4)] = below(3) ? below(4096) * 8ULL : fuzz_next();
	}
}

static uint32_t some_float(void)
{
	static const float values[] = { 0, 1, 0.5f, -1, 3, 1e-5f, 10000, -0.0f };
	uint32_t bits;

	memcpy(&bits, &values[below(COUNT(values))], 4);
	return below(16) ? bits : (uint32_t)fuzz_next();
}

static void elementwise_params(struct maru_packet *header)
{
	static const uint16_t runs[][2] = { { 0, 0x15 }, { 0x40, 0x47 }, { 0x80, 0x85 },
					    { 0xc0, 0xc6 } };
	const uint16_t *run = runs[below(4)];
	unsigned int code = run[0] + below(run[1] - run[0] + 1u);
	bool has_two = code == MARU_CODE_SCALE || code == MARU_CODE_CLAMP ||
		       code == MARU_CODE_SWIGLU_OAI || code == MARU_CODE_SWIGLU_CLAMP;

	header->elementwise.code = (uint16_t)code;
	if (has_two || code == MARU_CODE_LEAKY_RELU)
		header->elementwise.p[0] = some_float();
	if (has_two)
		header->elementwise.p[1] = some_float();
	for (int i = 0; i < 4 && code == MARU_CODE_XIELU; i++)
		header->elementwise.p[i] = some_float();
	if (below(16))
		header->roles = code >= MARU_CODE_ADD ? 7 : 3;
}

static void attention_params(struct maru_packet *header, struct plan *plan)
{
	static const uint16_t extra[] = { 0, 0x10, 0x80, 0xc0, 0x180, 0x1c0, 0x90 };

	if (below(16))
		header->roles = 0xf | extra[below(COUNT(extra))];
	plan->is_paged = header->roles & 1u << MARU_ROLE_BLOCKS;
	plan->is_ragged = header->roles & 1u << MARU_ROLE_Q_START;
	plan->heads = plan->dim[2] % 2 ? 1 : plan->dim[2] / 2;
	header->attention.scale = ONE_F32;
	header->attention.max_bias = below(4) ? 0 : some_float();
	header->attention.softcap = below(4) ? 0 : some_float();
	header->attention.flags = below(2);
	header->attention.left = below(2) ? MARU_ATTENTION_OPEN : below(9);
	header->attention.right = below(2) ? MARU_ATTENTION_OPEN : below(9);
}

static void rope_params(struct maru_packet *header, struct plan *plan)
{
	plan->dim[0] = 2 * (1 + below(40));
	header->rope.mode = (uint8_t)(2 * below(2));
	header->rope.inverse = (uint8_t)below(2);
	header->rope.n_dims = (uint16_t)(plan->dim[0] - (below(2) ? 0 : 2 * below(8)));
	header->rope.n_ctx = below(2) ? 0 : 4096;
	header->rope.base = below(16) ? 0x461c4000 : some_float();
	header->rope.freq_scale = some_float();
	header->rope.ext_factor = below(2) ? 0 : some_float();
	header->rope.attn_factor = some_float();
	header->rope.beta_fast = 0x42000000;
	header->rope.beta_slow = ONE_F32;
}

static void matmul_params(struct maru_packet *header, struct plan *plan)
{
	static const uint8_t b_as[] = { MARU_TYPE_NONE, MARU_TYPE_NONE, MARU_TYPE_F16,
					MARU_TYPE_BF16, MARU_TYPE_I8 };

	header->matmul.b_as = below(16) ? b_as[below(5)] : (uint8_t)fuzz_next();
	header->matmul.act = below(2) ? 0 : (uint8_t)below(24);
	header->matmul.scale = below(4) ? ONE_F32 : (uint32_t)fuzz_next();
	plan->heads = below(2) ? 1 : plan->dim[2];
	if (below(4))
		header->roles &= (uint16_t)~(1u << MARU_ROLE_A_SCALE);
}

static const uint8_t prepared_types[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16,
					  MARU_TYPE_I8 };

/* One side of PREPARE, now and then both, in a layout that its type has. */
static void set_layouts(struct maru_operand *line)
{
	unsigned int side = below(2);

	line[!side].layout = MARU_LAYOUT_STRIDED;
	if (!line[!side].stride[0])
		line[!side].stride[0] = maru_type_bytes(line[!side].type);
	line[side].layout = line[side].type == MARU_TYPE_I8 ? MARU_LAYOUT_K16N64K4 :
			    line[side].type == MARU_TYPE_F32 || below(2) ? MARU_LAYOUT_K16N64 :
			    MARU_LAYOUT_K16N64K2;
	memset(line[side].stride, 0, sizeof(line[side].stride));
}

static void set_params(struct maru_packet *header, struct plan *plan)
{
	switch (header->op) {
	case MARU_OP_FILL:
		header->fill.pattern = fuzz_next();
		break;
	case MARU_OP_COPY:
		header->copy.mode = (uint8_t)below(2);
		break;
	case MARU_OP_MATMUL:
		matmul_params(header, plan);
		break;
	case MARU_OP_PREPARE:
		plan->type = prepared_types[below(4)];
		break;
	case MARU_OP_GATHER:
		header->gather.skip_neg = (uint8_t)below(2);
		plan->type = below(4) ? MARU_TYPE_F32 : MARU_TYPE_I32;
		break;
	case MARU_OP_SCATTER:
		header->scatter.skip_neg = (uint8_t)below(2);
		break;
	case MARU_OP_ATTENTION:
		attention_params(header, plan);
		break;
	case MARU_OP_NORM:
		header->norm.kind = (uint8_t)below(6);
		header->norm.eps = some_float();
		break;
	case MARU_OP_ROPE:
		rope_params(header, plan);
		break;
	case MARU_OP_SOFTMAX:
		header->softmax.scale = some_float();
		header->softmax.max_bias = below(4) ? 0 : some_float();
		break;
	case MARU_OP_ELEMENTWISE:
		elementwise_params(header);
		break;
	case MARU_OP_REDUCE:
		header->reduce.kind = (uint8_t)below(7);
		header->reduce.dim = (uint8_t)plan->dropped;
		if (header->reduce.kind >= MARU_REDUCE_ARGMAX && below(16))
			header->roles = 3;
		plan->type = header->reduce.kind >= MARU_REDUCE_ARGMAX ? MARU_TYPE_I32 :
			     MARU_TYPE_F32;
		break;
	case MARU_OP_SORT:
		header->sort.descending = (uint8_t)below(2);
		break;
	}
}

uint32_t fuzz_packet(uint8_t *packet)
{
	struct maru_packet *header = (struct maru_packet *)packet;
	struct maru_operand *line = (struct maru_operand *)(packet + MARU_LINE_BYTES);
	struct plan plan = {
		.dim = { any_dim(), any_dim(), any_dim(), any_dim() },
		.inner = any_dim(), .heads = 1, .dropped = below(4),
		.type = below(2) ? below(0xc0) : MARU_TYPE_F32,
	};
	const struct decode_op *row;
	unsigned int role, changes, rows = 0;
	uint32_t bytes;

	while (decode_row(rows))
		rows++;
	row = decode_row(below(rows));
	memset(packet, 0, MARU_PACKET_MAX_BYTES);
	header->op = row->op;
	header->roles = row->required | (row->optional & (uint16_t)fuzz_next());
	set_params(header, &plan);
	bytes = MARU_LINE_BYTES * (1 + (uint32_t)__builtin_popcount(header->roles));
	header->bytes = bytes;
	for (role = 0; role < MARU_ROLES; role++)
		if (header->roles & 1u << role) {
			uint32_t dim[4];

			role_dims(&plan, row->op, role, dim);
			add_operand(line++, &row->roles[role], &plan, dim);
		}
	if (row->op == MARU_OP_PREPARE && below(8))
		set_layouts((struct maru_operand *)(packet + MARU_LINE_BYTES));
	for (changes = below(4) ? 0 : 1 + below(3); changes; changes--)
		packet[below(bytes)] ^= (uint8_t)(1u << below(8));
	return below(64) ? bytes : below(1200);
}
