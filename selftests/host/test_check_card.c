// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder against the card: both check millions of packets, right ones and right ones with
 * something made wrong. What the library accepts, the card accepts, and both name the same error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <drm/maru_cmd_ops.h>

#include "driver/maru_hw.h"
#include "firmware-emu/engine/engine.h"
#include "libaccel/src/ops.h"

static uint64_t seed = 88172645463325252ull;

static uint32_t pick(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

union packet {
	struct maru_packet header;
	uint8_t bytes[MARU_PACKET_MAX_BYTES];
	uint32_t words[MARU_PACKET_MAX_BYTES / 4];
};

static const uint8_t types[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16, MARU_TYPE_I8,
				 MARU_TYPE_I32, MARU_TYPE_U64, MARU_TYPE_U8 };

static uint32_t pick_dim(void)
{
	static const uint32_t dims[] = { 1, 1, 1, 2, 3, 4, 5, 8, 17, 0 };

	return dims[pick(pick(8) ? 9 : 10)];
}

static void set_plain(struct maru_operand *operand, bool is_transposed)
{
	uint64_t size = maru_type_bytes(operand->type), span = size;

	for (int d = 0; d < 4; d++) {
		operand->stride[d] = span;
		span *= operand->dim[d] ? operand->dim[d] : 1;
		if (!pick(6))
			span += size * pick(3);
	}
	if (is_transposed) {
		operand->stride[0] = size * operand->dim[1];
		operand->stride[1] = size;
	}
}

static struct maru_operand *add(union packet *packet, unsigned int role, uint8_t type)
{
	struct maru_operand *operand =
		(struct maru_operand *)(packet->bytes + packet->header.bytes);

	packet->header.roles |= 1u << role;
	packet->header.bytes += sizeof(*operand);
	operand->type = type;
	operand->va = 0x1000000 + (pick(3) ? role * 0x100000 : pick(16) * 64);
	for (int d = 0; d < 4; d++)
		operand->dim[d] = d < 2 ? pick_dim() : 1 + pick(2);
	return operand;
}

static void make_matmul(union packet *packet)
{
	static const uint8_t acts[] = { 0, 0, 0, 5, 7, 9, 11, 17, 18, 22 };
	static const uint8_t b_as[] = { 0xff, 0xff, 1, 30, 0 };
	bool is_int = !pick(4), is_scaled = !is_int && !pick(4);
	struct maru_operand *dst = add(packet, 0, is_int ? MARU_TYPE_I32 : types[pick(3)]);
	struct maru_operand *a = add(packet, 1, is_int || is_scaled ? MARU_TYPE_I8 :
				     types[pick(3)]);
	struct maru_operand *b = add(packet, 2, is_int ? MARU_TYPE_I8 : types[pick(3)]), *more;

	packet->header.matmul.b_as = is_scaled ? (pick(2) ? 0xff : MARU_TYPE_I8) :
				     b_as[is_int ? 0 : pick(5)];
	packet->header.matmul.act = acts[is_int ? 0 : pick(10)];
	packet->header.matmul.scale = 0x3f800000;
	a->dim[1] = dst->dim[0];
	b->dim[0] = a->dim[0];
	memcpy(b->dim + 1, dst->dim + 1, 12);
	for (int d = 2; d < 4; d++)
		a->dim[d] = pick(2) ? 1 : dst->dim[d];
	set_plain(dst, false);
	set_plain(a, pick(2));
	set_plain(b, !pick(4));
	if (!pick(3)) {
		a->layout = is_int || is_scaled ? MARU_LAYOUT_K16N64K4 : MARU_LAYOUT_K16N64;
		memset(a->stride, 0, sizeof(a->stride));
	}
	if (!pick(3)) {
		more = add(packet, 3, types[pick(3)]);
		more->dim[0] = dst->dim[0];
		more->dim[1] = more->dim[2] = more->dim[3] = 1;
		set_plain(more, false);
	}
	if (!pick(3)) {
		more = add(packet, 4, types[pick(3)]);
		memcpy(more->dim, dst->dim, 16);
		set_plain(more, false);
		if (pick(2))
			*more = *dst;
	}
	if (is_scaled || !pick(20)) {
		more = add(packet, 5, MARU_TYPE_F32);
		more->dim[0] = dst->dim[0];
		more->dim[1] = more->dim[2] = more->dim[3] = 1;
		set_plain(more, false);
	}
}

static void make_moves(union packet *packet)
{
	bool is_copy = packet->header.op == MARU_OP_COPY;
	struct maru_operand *dst = add(packet, 0, types[pick(is_copy ? 7 : 4)]);
	struct maru_operand *src = add(packet, 1, is_copy ? types[pick(7)] : dst->type);

	if (is_copy)
		packet->header.copy.mode = pick(2);
	memcpy(src->dim, dst->dim, 16);
	if (is_copy && packet->header.copy.mode)
		src->dim[pick(4)] = 1;
	else if (is_copy && pick(2))
		src->dim[0] = dst->dim[1], src->dim[1] = dst->dim[0];
	set_plain(dst, !is_copy && !pick(3));
	set_plain(src, pick(2));
	if (!is_copy) {
		dst = pick(2) ? dst : src;
		dst->layout = MARU_LAYOUT_K16N64 + pick(3);
		memset(dst->stride, 0, sizeof(dst->stride));
	}
}

static void make_packet(union packet *packet)
{
	static const uint16_t ops[] = {
		MARU_OP_MATMUL, MARU_OP_MATMUL, MARU_OP_COPY, MARU_OP_PREPARE, MARU_OP_FILL,
		MARU_OP_TIMESTAMP, MARU_OP_NOP,
	};
	struct maru_operand *dst;

	memset(packet, 0, sizeof(*packet));
	packet->header.op = ops[pick(7)];
	packet->header.bytes = MARU_LINE_BYTES;
	switch (packet->header.op) {
	case MARU_OP_MATMUL:
		make_matmul(packet);
		break;
	case MARU_OP_COPY:
	case MARU_OP_PREPARE:
		make_moves(packet);
		break;
	case MARU_OP_FILL:
		set_plain(add(packet, 0, types[pick(7)]), false);
		break;
	case MARU_OP_TIMESTAMP:
		dst = add(packet, 0, MARU_TYPE_U64);
		dst->dim[0] = 2;
		dst->dim[1] = dst->dim[2] = dst->dim[3] = 1;
		set_plain(dst, false);
		break;
	}
}

/* One field of one operand, or any byte, takes a value that is near to right or far from it. */
static void damage(union packet *packet)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 4, 8, 63, 64, 0x7fffffff, 0x80000000,
					   1ull << 40, 1ull << 48, ~0ull };
	uint32_t lines = packet->header.bytes / MARU_LINE_BYTES - 1, d = pick(4);
	uint64_t value = values[pick(13)];
	struct maru_operand *operand;

	if (!pick(4) || !lines) {
		packet->bytes[pick(packet->header.bytes)] = (uint8_t)value;
		return;
	}
	operand = (struct maru_operand *)(packet->bytes + MARU_LINE_BYTES) + pick(lines);
	switch (pick(6)) {
	case 0:
		operand->va = pick(2) ? value : operand->va + value;
		break;
	case 1:
		operand->type = types[pick(7)];
		break;
	case 2:
		operand->layout = (uint8_t)pick(6);
		break;
	case 3:
		operand->dim[d] = pick(2) ? (uint32_t)value : operand->dim[d] + 1;
		break;
	default:
		operand->stride[d] = pick(2) ? value : operand->stride[d] + value;
	}
}

static uint32_t card_word(const union packet *packet)
{
	static struct engine_op op;

	if (engine_begin(&op, NULL, MARU_CLASS_COMPUTE, packet, packet->header.bytes))
		return op.error.word;
	engine_end(&op);
	return 0;
}

/*
 * Not compared: lengths, which the recorder never gets wrong; faults; and addresses whose top bits
 * name a tier, as only the kernel's own address space has them.
 */
static bool is_compared(const union packet *packet, uint32_t word)
{
	const struct maru_operand *operand =
		(const struct maru_operand *)(packet->bytes + MARU_LINE_BYTES);
	uint32_t code = MARU_ERROR_CODE(word);

	for (uint32_t i = 0; i + 1 < packet->header.bytes / MARU_LINE_BYTES && i < 16; i++) {
		if (operand[i].va >> 60)
			return false;
	}
	return packet->header.bytes ==
	       MARU_LINE_BYTES * (1u + (uint32_t)__builtin_popcount(packet->header.roles)) &&
	       (code < MARU_ERR_FAULT_READ || code > MARU_ERR_FAULT_WINDOW);
}

static void print_difference(const union packet *packet, uint32_t ours, uint32_t theirs)
{
	print_message("# op 0x%x roles 0x%x: library %u/%u/%u, card %u/%u/%u\n", packet->header.op,
		      packet->header.roles, MARU_ERROR_CODE(ours), MARU_ERROR_ROLE(ours),
		      MARU_ERROR_FIELD(ours), MARU_ERROR_CODE(theirs), MARU_ERROR_ROLE(theirs),
		      MARU_ERROR_FIELD(theirs));
	for (uint32_t at = 0; at < packet->header.bytes / 4; at += 8)
		print_message("#  %08x %08x %08x %08x %08x %08x %08x %08x\n", packet->words[at],
			      packet->words[at + 1], packet->words[at + 2], packet->words[at + 3],
			      packet->words[at + 4], packet->words[at + 5], packet->words[at + 6],
			      packet->words[at + 7]);
}

static void compare(int rounds, unsigned int changes, bool want_same_word)
{
	uint32_t ours, theirs, right = 0, wrong = 0;
	union packet packet;

	for (int round = 0; round < rounds; round++) {
		make_packet(&packet);
		for (unsigned int i = 0; i < changes && is_compared(&packet, 0); i++)
			damage(&packet);
		if (!is_compared(&packet, 0))
			continue;
		ours = accel_packet_check(&packet.header, NULL, true).word;
		theirs = card_word(&packet);
		if (!is_compared(&packet, theirs))
			continue;
		right += !ours;
		wrong += !!ours;
		if (want_same_word ? ours == theirs : !ours == !theirs)
			continue;
		print_difference(&packet, ours, theirs);
		assert_int_equal(ours, theirs);
	}
	print_message("# %u accepted, %u refused by both\n", right, wrong);
	assert_true(right > (uint32_t)rounds / 20);
	assert_true(wrong > (uint32_t)rounds / 20);
}

static void test_right(void **state)
{
	(void)state;
	compare(300000, 0, true);
}

static void test_one_change(void **state)
{
	(void)state;
	compare(1000000, 1, true);
}

static void test_many_changes(void **state)
{
	(void)state;
	compare(300000, 3, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right), cmocka_unit_test(test_one_change),
		cmocka_unit_test(test_many_changes),
	};

	engine_init(~0u);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
