// SPDX-License-Identifier: GPL-2.0-only
/* Packets for guest tests, written by hand so that no other encoder is trusted. */
#include "lib.h"

static void operand_vector(struct maru_operand *operand, uint64_t va, uint32_t type,
			   uint32_t count)
{
	uint64_t size = maru_type_bytes(type);

	memset(operand, 0, sizeof(*operand));
	operand->va = va;
	operand->type = type;
	operand->dim[0] = count;
	operand->stride[0] = size;
	for (int i = 1; i < 4; i++) {
		operand->dim[i] = 1;
		operand->stride[i] = size * count;
	}
}

static struct maru_operand *packet_begin(void *at, uint16_t op, uint16_t roles)
{
	struct maru_packet *packet = at;

	memset(packet, 0, sizeof(*packet));
	packet->op = op;
	packet->roles = roles;
	packet->bytes = MARU_LINE_BYTES * (1 + __builtin_popcount(roles));
	return (struct maru_operand *)(packet + 1);
}

uint32_t packet_nop(void *at)
{
	packet_begin(at, MARU_OP_NOP, 0);
	return MARU_LINE_BYTES;
}

uint32_t packet_timestamp(void *at, uint64_t dst)
{
	operand_vector(packet_begin(at, MARU_OP_TIMESTAMP, 1), dst, MARU_TYPE_U64, 2);
	return 2 * MARU_LINE_BYTES;
}

uint32_t packet_fill(void *at, uint64_t dst, uint32_t type, uint32_t count, uint64_t pattern)
{
	struct maru_packet *packet = at;

	operand_vector(packet_begin(at, MARU_OP_FILL, 1), dst, type, count);
	packet->fill.pattern = pattern;
	return 2 * MARU_LINE_BYTES;
}

uint32_t packet_copy(void *at, uint64_t dst, uint64_t src, uint32_t type, uint32_t count)
{
	struct maru_operand *operand = packet_begin(at, MARU_OP_COPY, 3);

	operand_vector(&operand[0], dst, type, count);
	operand_vector(&operand[1], src, type, count);
	return 3 * MARU_LINE_BYTES;
}

uint32_t packet_busy(void *at, uint32_t packets, uint64_t dst, uint32_t bytes)
{
	uint32_t at_byte = 0;

	for (uint32_t i = 0; i < packets; i++)
		at_byte += packet_fill((char *)at + at_byte, dst, MARU_TYPE_U8, bytes, i);
	return at_byte;
}
