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
#include <sys/mman.h>

#include <cmocka.h>

#include <drm/maru_cmd_ops.h>

#include "driver/maru_hw.h"
#include "firmware-emu/engine/engine.h"
#include "libaccel/src/ops.h"
#include "selftests/host/check_make.h"

/* One field of one operand, or any byte, takes a value that is near to right or far from it. */
static void damage(union check_packet *packet)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 4, 8, 63, 64, 0x7fffffff, 0x80000000,
					   1ull << 40, 1ull << 48, ~0ull };
	uint32_t lines = packet->header.bytes / MARU_LINE_BYTES - 1, d = check_pick(4);
	uint64_t value = values[check_pick(13)];
	struct maru_operand *operand;

	if (!check_pick(4) || !lines) {
		packet->bytes[check_pick(packet->header.bytes)] = (uint8_t)value;
		return;
	}
	operand = (struct maru_operand *)(packet->bytes + MARU_LINE_BYTES) + check_pick(lines);
	switch (check_pick(6)) {
	case 0:
		operand->va = check_pick(2) ? value : operand->va + value;
		break;
	case 1:
		operand->type = check_types[check_pick(CHECK_TYPES)];
		break;
	case 2:
		operand->layout = (uint8_t)check_pick(6);
		break;
	case 3:
		operand->dim[d] = check_pick(2) ? (uint32_t)value : operand->dim[d] + 1;
		break;
	default:
		operand->stride[d] = check_pick(2) ? value : operand->stride[d] + value;
	}
}

#define ZEROS	(1ull << 45)

/*
 * All of memory is zeros, which are right lengths and starts, and row numbers of all but empty
 * tensors.
 */
static uint8_t *zeros;

int span_resolve(struct span_vm *vm, uint64_t va, uint64_t bytes, unsigned int access,
		 struct span *span, struct span_fault *fault)
{
	(void)vm;
	(void)access;
	if (bytes > ZEROS) {
		*fault = (struct span_fault){ .va = va, .kind = MARU_FAULT_READ };
		return -1;
	}
	memset(span, 0, sizeof(*span));
	span->host = zeros;
	span->bytes = bytes;
	return 0;
}

void span_release(struct span *span)
{
	span->host = NULL;
}

#define OP(name, revision, classes, required, optional) { #name, MARU_OP_##name },
static const struct {
	const char *name;
	uint16_t op;
} ops[] = { MARU_OPS_TABLE(OP) };

static uint32_t card_word(const union check_packet *packet)
{
	static struct engine_op op;

	if (engine_begin(&op, NULL, MARU_CLASS_COMPUTE, packet, packet->header.bytes))
		return op.error.word;
	engine_end(&op);
	return 0;
}

/*
 * Not compared: lengths, which the recorder never gets wrong; faults and values in memory; and
 * addresses whose top bits name a tier, as only the kernel's own address space has them.
 */
static bool is_compared(const union check_packet *packet, uint32_t word)
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
	       (code < MARU_ERR_BAD_INDEX || code > MARU_ERR_FAULT_WINDOW);
}

static void print_difference(const union check_packet *packet, uint32_t ours, uint32_t theirs)
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

struct tally {
	uint32_t right, wrong;
};

static void compare_one(uint16_t op, unsigned int changes, bool want_same_word,
			struct tally *tally)
{
	union check_packet packet;
	uint32_t ours, theirs;

	check_make(&packet, op);
	for (unsigned int i = 0; i < changes && is_compared(&packet, 0); i++)
		damage(&packet);
	if (!is_compared(&packet, 0))
		return;
	ours = accel_packet_check(&packet.header, NULL, true).word;
	theirs = card_word(&packet);
	if (!is_compared(&packet, theirs))
		return;
	tally->right += !ours;
	tally->wrong += !!ours;
	if (want_same_word ? ours == theirs : !ours == !theirs)
		return;
	print_difference(&packet, ours, theirs);
	assert_int_equal(ours, theirs);
}

/* Every operation of the contract; those with rules of their own more often. */
static void compare(uint32_t rounds, unsigned int changes, bool want_same_word)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct tally tally = { 0 };

		for (uint32_t round = 0; round < rounds; round++)
			compare_one(ops[i].op, changes, want_same_word, &tally);
		print_message("# %s: %u accepted, %u refused by both\n", ops[i].name, tally.right,
			      tally.wrong);
		assert_true(tally.right > rounds / 200);
		assert_true(!changes || tally.wrong > rounds / 20);
	}
}

static void test_right(void **state)
{
	(void)state;
	compare(20000, 0, true);
}

static void test_one_change(void **state)
{
	(void)state;
	compare(80000, 1, true);
}

static void test_many_changes(void **state)
{
	(void)state;
	compare(30000, 3, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right), cmocka_unit_test(test_one_change),
		cmocka_unit_test(test_many_changes),
	};

	zeros = mmap(NULL, ZEROS, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (zeros == MAP_FAILED)
		return 1;
	engine_init(~0u);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
