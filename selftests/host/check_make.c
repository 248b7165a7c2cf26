// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "selftests/host/check_make.h"

const uint8_t check_types[CHECK_TYPES] = {
	MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16, MARU_TYPE_I8, MARU_TYPE_I32, MARU_TYPE_U64,
	MARU_TYPE_U8, MARU_TYPE_I64, MARU_TYPE_F64,
};

static uint64_t seed = 88172645463325252ull;

uint32_t check_pick(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

static uint32_t pick_dim(void)
{
	static const uint32_t dims[] = { 1, 1, 1, 2, 3, 4, 5, 8, 17, 0 };

	return dims[check_pick(check_pick(8) ? 9 : 10)];
}

void check_strides(struct maru_operand *operand, bool is_transposed)
{
	uint64_t size = maru_type_bytes(operand->type), span = size;

	for (int d = 0; d < 4; d++) {
		operand->stride[d] = span;
		span *= operand->dim[d] ? operand->dim[d] : 1;
		if (!check_pick(6))
			span += size * check_pick(3);
	}
	if (is_transposed) {
		operand->stride[0] = size * operand->dim[1];
		operand->stride[1] = size;
	}
}

struct maru_operand *check_add(union check_packet *packet, unsigned int role, uint8_t type)
{
	struct maru_operand *operand =
		(struct maru_operand *)(packet->bytes + packet->header.bytes);

	packet->header.roles |= 1u << role;
	packet->header.bytes += sizeof(*operand);
	operand->type = type;
	operand->va = 0x1000000 + (check_pick(3) ? role * 0x100000 : check_pick(16) * 64);
	for (int d = 0; d < 4; d++)
		operand->dim[d] = d < 2 ? pick_dim() : 1 + check_pick(2);
	return operand;
}

static void add_around(union check_packet *packet, const struct maru_operand *dst)
{
	struct maru_operand *more;

	if (!check_pick(3)) {
		more = check_add(packet, MARU_ROLE_BIAS, check_types[check_pick(3)]);
		more->dim[0] = dst->dim[0];
		more->dim[1] = more->dim[2] = more->dim[3] = 1;
		check_strides(more, false);
	}
	if (!check_pick(3)) {
		more = check_add(packet, MARU_ROLE_RESIDUAL, check_types[check_pick(3)]);
		memcpy(more->dim, dst->dim, 16);
		check_strides(more, false);
		if (check_pick(2))
			*more = *dst;
	}
}

/* Three kinds: floats, exact integers, integers with scales. */
static void make_matmul(union check_packet *packet)
{
	static const uint8_t acts[] = { 0, 0, 0, 5, 7, 9, 11, 17, 18, 22 };
	static const uint8_t b_as[] = { 0xff, 0xff, MARU_TYPE_F16, MARU_TYPE_BF16, 0 };
	static const uint8_t scaled_as[] = { 0xff, 0xff, MARU_TYPE_I8, MARU_TYPE_F16 };
	bool is_int = !check_pick(4), is_scaled = !is_int && !check_pick(4);
	uint8_t f = check_types[check_pick(3)];
	struct maru_operand *dst = check_add(packet, 0, is_int ? MARU_TYPE_I32 : f);
	struct maru_operand *a = check_add(packet, 1, is_int || is_scaled ? MARU_TYPE_I8 :
					   check_types[check_pick(3)]);
	struct maru_operand *b = check_add(packet, 2, is_int ? MARU_TYPE_I8 :
					   check_types[check_pick(3)]), *scale;

	packet->header.matmul.b_as = is_scaled ? scaled_as[check_pick(4)] :
				     b_as[is_int ? 0 : check_pick(5)];
	packet->header.matmul.act = acts[is_int ? 0 : check_pick(10)];
	packet->header.matmul.scale = 0x3f800000;
	a->dim[1] = dst->dim[0];
	b->dim[0] = a->dim[0];
	memcpy(b->dim + 1, dst->dim + 1, 12);
	for (int d = 2; d < 4; d++)
		a->dim[d] = check_pick(2) ? 1 : dst->dim[d];
	check_strides(dst, false);
	check_strides(a, check_pick(2));
	check_strides(b, !check_pick(4));
	if (!check_pick(3)) {
		a->layout = a->type == MARU_TYPE_I8 ? MARU_LAYOUT_K16N64K4 : MARU_LAYOUT_K16N64;
		memset(a->stride, 0, sizeof(a->stride));
	}
	if (!is_int)
		add_around(packet, dst);
	if (is_scaled) {
		scale = check_add(packet, MARU_ROLE_A_SCALE, MARU_TYPE_F32);
		scale->dim[0] = dst->dim[0];
		scale->dim[1] = scale->dim[2] = scale->dim[3] = 1;
		check_strides(scale, false);
	}
}

static void make_moves(union check_packet *packet)
{
	bool is_copy = packet->header.op == MARU_OP_COPY;
	struct maru_operand *dst = check_add(packet, 0, check_types[check_pick(is_copy ? 7 : 4)]);
	struct maru_operand *src = check_add(packet, 1, is_copy ? check_types[check_pick(7)] :
					     dst->type);

	if (is_copy)
		packet->header.copy.mode = check_pick(2);
	memcpy(src->dim, dst->dim, 16);
	if (is_copy && packet->header.copy.mode)
		src->dim[check_pick(4)] = 1;
	else if (is_copy && check_pick(2))
		src->dim[0] = dst->dim[1], src->dim[1] = dst->dim[0];
	check_strides(dst, !is_copy && !check_pick(3));
	check_strides(src, check_pick(2));
	if (!is_copy) {
		dst = check_pick(2) ? dst : src;
		dst->layout = MARU_LAYOUT_K16N64 + check_pick(3);
		memset(dst->stride, 0, sizeof(dst->stride));
	}
}

void check_make(union check_packet *packet, uint16_t op)
{
	struct maru_operand *dst;

	memset(packet, 0, sizeof(*packet));
	packet->header.op = op;
	packet->header.bytes = MARU_LINE_BYTES;
	switch (op) {
	case MARU_OP_MATMUL:
		make_matmul(packet);
		break;
	case MARU_OP_COPY:
	case MARU_OP_PREPARE:
		make_moves(packet);
		break;
	case MARU_OP_FILL:
		check_strides(check_add(packet, 0, check_types[check_pick(7)]), false);
		break;
	case MARU_OP_TIMESTAMP:
		dst = check_add(packet, 0, MARU_TYPE_U64);
		dst->dim[0] = 2;
		dst->dim[1] = dst->dim[2] = dst->dim[3] = 1;
		check_strides(dst, false);
		break;
	default:
		check_make_ops(packet, op);
	}
}
